// @ts-check
'use strict'

const roundRobin = require('./roundRobin')

/** The assigners that come with the package. */
module.exports = { roundRobin }
