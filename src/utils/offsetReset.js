// @ts-check
'use strict'

/** `autoOffsetReset`: where a partition begins that nobody has committed an offset of, or whose offset is gone (KIP-1106). */

const { inspect } = require('node:util')
const { show } = require('./show')

const NAMES = [null, 'none', 'earliest', 'latest']

/** @param {any} reset */
const isReset = reset => {
  if (typeof reset !== 'object' || reset === null) return NAMES.includes(reset)
  const { duration, ...rest } = reset
  return Number.isFinite(duration) && duration >= 0 && Object.keys(rest).length === 0
}

/** For an error. @param {any} reset */
const showReset = reset => (typeof reset === 'object' ? inspect(reset) : show(reset))

/** Do both say the same, as far as they say anything? @param {any} reset @param {any} fromBeginning */
const agrees = (reset, fromBeginning) => {
  if (reset === null || reset === 'none' || fromBeginning == null) return true
  return reset === (fromBeginning ? 'earliest' : 'latest')
}

module.exports = { agrees, isReset, showReset }
