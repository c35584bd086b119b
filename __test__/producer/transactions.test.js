// @ts-check
'use strict'

/** Transactions, on brokers that speak the second protocol (KIP-890); `transactionsV1.test.js` has the same on the first. */

const { sharedCluster } = require('../kafka/helpers')
const { transactions } = require('./transactions')

transactions(() => sharedCluster().brokers)
