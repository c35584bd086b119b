// @ts-check
'use strict'

/** The longest delay of a timer, ms: Node takes a longer one for none. */
const LONGEST_DELAY = 2 ** 31 - 1

module.exports = { LONGEST_DELAY }
