// @ts-check
const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  // The sources run as they are.
  transform: {}
}

/** Not where one works: there, whatever fails is looked at. */
const secondTry = process.env.CI ? { setupFilesAfterEnv: ['<rootDir>/ci/secondTry.js'] } : undefined

/** One real broker, which is started for the run (or KAFKA_BROKERS, KAFKA_FIXTURE). */
const broker = {
  globalSetup: '<rootDir>/kafka/globalSetup.js',
  globalTeardown: '<rootDir>/kafka/globalTeardown.js',
  ...secondTry
}

/**
 * unit     needs neither a broker nor the addon
 * bridge   needs the addon
 * kafka    the broker fixture
 * consumer how the clients behave on it, or with `CLIENT=kafkajs` how kafkajs does; specs that stop brokers start a
 *          cluster of their own
 * docs     the code in the documents, on it
 *
 * @type {import('jest').Config}
 */
module.exports = {
  // Specs wait most of their time, so four of them fit on two cores.
  maxWorkers: 4,
  // A process for each file: the consumers of kafkajs that never end, end with it.
  ...(process.env.CLIENT === 'kafkajs' && { workerIdleMemoryLimit: '1KB' }),
  testSequencer: '<rootDir>/ci/sequencer.js',
  // A client of kafkajs may go on behind its disconnect(), and try to connect for ever. That programs with ours end by
  // themselves is seen in processes of their own (`consumer/process.test.js`).
  forceExit: true,
  // Far more than any needs on a quiet machine.
  testTimeout: 300_000,
  reporters: [
    'default',
    '<rootDir>/ci/slowest.js',
    '<rootDir>/ci/left.js',
    ...(process.env.CI ? ['<rootDir>/ci/unsteady.js'] : [])
  ],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/unit/**/*.test.js']
    },
    {
      ...common,
      displayName: 'bridge',
      ...secondTry,
      testMatch: ['<rootDir>/bridge/**/*.test.js']
    },
    {
      ...common,
      displayName: 'kafka',
      ...broker,
      testMatch: ['<rootDir>/kafka/**/*.test.js']
    },
    {
      ...common,
      displayName: 'docs',
      ...broker,
      testMatch: ['<rootDir>/docs/**/*.test.js']
    },
    {
      ...common,
      displayName: 'consumer',
      ...broker,
      testEnvironment: '<rootDir>/consumer/environment.js',
      testMatch: ['<rootDir>/{consumer,producer,admin,likeness,issues,examples}/**/*.test.js'],
      // Faults that kafkajs is not held to: it survives them by luck, and what it leaves behind breaks the specs that follow.
      ...(process.env.CLIENT === 'kafkajs' && {
        testPathIgnorePatterns: [
          // It compares both, whichever is tried.
          '/likeness/',
          // The command line is kafkars's, whichever is tried.
          '/admin/cli[^/]*\\.test\\.js$',
          '/consumer/(damage|errorCodes|faults|ledger|onFailureLedger|outages|shutdown|truncation)\\.test\\.js$',
          '/producer/(faults|ledger|limits|transactionFaults|transactionsV1)\\.test\\.js$'
        ]
      })
    }
  ]
}
