// @ts-check
'use strict'

const { parseArgs } = require('node:util')

/**
 * The options of a program that is started by hand. `--help`, and an option that it does not know, show how it is called and end it.
 *
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} O
 * @param {string} usage
 * @param {O} options
 * @returns {ReturnType<typeof parseArgs<{ options: O }>>['values']}
 */
const optionsOf = (usage, options) => {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } })
    if (!values.help) return /** @type {any} */ (values)
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

module.exports = { optionsOf }
