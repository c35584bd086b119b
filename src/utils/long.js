// @ts-check
'use strict'

/**
 * A 64-bit integer with the methods of kafkajs's `Long`. Offsets are decimal strings everywhere else; listeners of
 * `consumer.commit_offsets` receive this object after `consumer.commitOffsets()`, and print, compare or convert it.
 */
class Long {
  /** @param {bigint} value */
  constructor(value) {
    this.value = value
  }

  /** @param {any} object */
  static isLong(object) {
    return typeof object?.value === 'bigint'
  }

  /**
   * NaN and the infinities count as zero.
   * @param {any} value a number, string, bigint or Long; anything else throws
   */
  static fromValue(value) {
    if (Long.isLong(value)) return new Long(value.value)
    if (typeof value === 'number' && isNaN(value)) return new Long(0n)
    if (typeof value === 'string') {
      if (value.length === 0) throw new Error('empty string')
      if (NOT_FINITE.has(value)) return new Long(0n)
    }
    return new Long(BigInt(value))
  }

  isZero() {
    return this.value === 0n
  }

  isNegative() {
    return this.value < 0n
  }

  toString() {
    return String(this.value)
  }

  toNumber() {
    return Number(this.value)
  }

  toInt() {
    return Number(BigInt.asIntN(32, this.value))
  }

  toJSON() {
    return this.toString()
  }

  compare(other) {
    const { value } = Long.fromValue(other)
    return this.value === value ? 0 : this.value > value ? 1 : -1
  }

  equals(other) {
    return this.compare(other) === 0
  }

  notEquals(other) {
    return !this.equals(other)
  }

  lessThan(other) {
    return this.compare(other) < 0
  }

  greaterThanOrEqual(other) {
    return this.compare(other) >= 0
  }

  gte(other) {
    return this.greaterThanOrEqual(other)
  }

  add(other) {
    return new Long(this.value + Long.fromValue(other).value)
  }

  subtract(other) {
    return new Long(this.value - Long.fromValue(other).value)
  }

  multiply(other) {
    return new Long(this.value * Long.fromValue(other).value)
  }

  divide(other) {
    const divisor = Long.fromValue(other)
    if (divisor.isZero()) throw new Error('division by zero')
    return new Long(this.value / divisor.value)
  }

  negate() {
    return new Long(BigInt.asIntN(64, -this.value))
  }

  getHighBits() {
    return Number(BigInt.asIntN(32, this.value >> 32n))
  }

  getLowBits() {
    return this.toInt()
  }
}

const NOT_FINITE = new Set(['NaN', 'Infinity', '+Infinity', '-Infinity'])

module.exports = Long
