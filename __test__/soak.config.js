// @ts-check
'use strict'

/** `npm run test:soak`: all specs, those that `npm test` leaves out included (see `ci/soak.js`). */

process.env.SOAK = '1'

module.exports = require('./jest.config')
