// What index.mjs adds to the contract: a default export, with the same names.
export * from './index.js'
export * as default from './index.js'
