// @ts-check
'use strict'

const { placeOf } = require('../utils/offsets')

/**
 * Partitions with messages that nobody asks for, while others are asked for by name. To the engine they are paused: they fill no lane,
 * go with a rebalance at once, and are not fetched further. The program has paused none of them, and is not told so.
 */
class Aside {
  constructor() {
    /** @type {Map<string, { topic: string, partition: number }>} */
    this.places = new Map()
  }

  /** @param {{ topic: string, partition: number }} where @returns {boolean} */
  has(where) {
    return this.places.has(placeOf(where))
  }

  /** @param {import('../native').NativeConsumer} engine @param {{ topic: string, partition: number }} where */
  put(engine, { topic, partition }) {
    this.places.set(placeOf({ topic, partition }), { topic, partition })
    engine.pause(topic, [partition])
  }

  /**
   * These are asked for.
   * @param {import('../native').NativeConsumer} engine
   * @param {(topic: string, partition: number) => boolean} wanted
   */
  release(engine, wanted) {
    for (const [place, { topic, partition }] of this.places) {
      if (!wanted(topic, partition)) continue
      this.places.delete(place)
      engine.resume(topic, [partition])
    }
  }

  /** The program has paused, or resumed, these: it says what becomes of them. @param {{ topic: string, partitions?: number[] }[]} given */
  forget(given) {
    for (const [place, where] of this.places) {
      const isGiven = given.some(
        ({ topic, partitions }) =>
          topic === where.topic && (partitions?.includes(where.partition) ?? true)
      )
      if (isGiven) this.places.delete(place)
    }
  }

  clear() {
    this.places.clear()
  }
}

module.exports = { Aside }
