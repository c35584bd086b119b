// @ts-check
'use strict'

/** Is it what `await` would wait for? To wait for anything else costs a turn of microtasks. @param {any} value */
const isThenable = value =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof value.then === 'function'

module.exports = { isThenable }
