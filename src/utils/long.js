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

  /** @param {bigint | number} value */
  static fromBits(value) {
    return new Long(BigInt(value))
  }

  /** @param {number} value NaN counts as zero */
  static fromInt(value) {
    return isNaN(value) ? Long.ZERO : new Long(BigInt.asIntN(64, BigInt(value)))
  }

  /** @param {number} value NaN counts as zero */
  static fromNumber(value) {
    return isNaN(value) ? Long.ZERO : new Long(BigInt(value))
  }

  /** @param {string} text NaN and the infinities count as zero */
  static fromString(text) {
    if (text.length === 0) throw new Error('empty string')
    return NOT_FINITE.has(text) ? Long.ZERO : new Long(BigInt(text))
  }

  /** @param {any} value a number, string, bigint or Long; anything else throws */
  static fromValue(value) {
    if (typeof value === 'number') return Long.fromNumber(value)
    if (typeof value === 'string') return Long.fromString(value)
    return new Long(Long.isLong(value) ? value.value : BigInt(value))
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

  /** @param {number | bigint} bits */
  shiftLeft(bits) {
    return new Long(this.value << BigInt(bits))
  }

  /** @param {number | bigint} bits */
  shiftRight(bits) {
    return new Long(this.value >> BigInt(bits))
  }

  /**
   * Keeps the sign, as kafkajs's does: a BigInt has no highest bit for zeros to come in at.
   * @param {number | bigint} bits
   */
  shiftRightUnsigned(bits) {
    return this.shiftRight(bits)
  }

  and(other) {
    return new Long(this.value & Long.fromValue(other).value)
  }

  or(other) {
    return new Long(this.value | Long.fromValue(other).value)
  }

  xor(other) {
    return new Long(this.value ^ Long.fromValue(other).value)
  }

  not() {
    return new Long(~this.value)
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

Long.MIN_VALUE = new Long(-(2n ** 63n))
Long.MAX_VALUE = new Long(2n ** 63n - 1n)
Long.ZERO = new Long(0n)
Long.ONE = new Long(1n)

const NOT_FINITE = new Set(['NaN', 'Infinity', '+Infinity', '-Infinity'])

module.exports = Long
