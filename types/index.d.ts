// Where kafkajs keeps its types: programs import them from 'kafkajs/types', too.
export * from '../index'
