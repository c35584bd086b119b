// @ts-check
'use strict'

/** Where kafkajs has it: programs look for it here. */
module.exports = require('../utils/assignerProtocol')
