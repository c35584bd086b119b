// @ts-check
'use strict'

/** What several brokers have said, each of its own parts (`NativeTold`). */

const { fromFailure } = require('../errors')

/**
 * @template T
 * @param {import('../native').NativeTold<T>[]} told
 * @returns {T[]} what each broker has said; throws when one of them was not found or has not answered
 */
const answersOf = told =>
  Array.from(told, ({ failure, answer }) => {
    if (failure) throw fromFailure(failure)
    return /** @type {T} */ (answer)
  })

/**
 * What came of each part, in their order.
 * @template T, Part
 * @param {import('../native').NativeTold<T>[]} told
 * @param {Part[]} parts what was asked for
 * @param {(answer: T, parts: Part[]) => any[]} resultsOf what a broker's answer says of these, in their order
 * @param {import('../errors').Asked} [asked] what it takes
 * @returns {any[]} an error for those whose broker was not found or has not answered
 */
const resultsOfParts = (told, parts, resultsOf, asked) => {
  const results = new Array(parts.length)
  for (const { parts: places, failure, answer } of told) {
    const found = failure
      ? places.map(() => fromFailure(failure, asked))
      : resultsOf(
          /** @type {T} */ (answer),
          places.map(place => parts[place])
        )
    places.forEach((place, i) => (results[place] = found[i]))
  }
  return results
}

/**
 * Of what several brokers list, each once: while a coordinator moves, two have what is its.
 * @template T
 * @param {T[]} listed
 * @param {(each: T) => string} idOf
 */
const eachOnce = (listed, idOf) => [...new Map(listed.map(each => [idOf(each), each])).values()]

module.exports = { answersOf, eachOnce, resultsOfParts }
