// @ts-check
'use strict'

const roundRobin = require('./roundRobinAssigner')

/** The assigners that come with the package. */
module.exports = { roundRobin }
