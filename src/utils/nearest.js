// @ts-check
'use strict'

/** The name that was probably meant. */

/** Letters: "user" is a beginning of "username". */
const SHORTEST_BEGINNING = 4

/**
 * @param {string[]} names
 * @param {string} name
 * @returns {string | null} the one that begins with it, or differs in few letters
 */
const nearestOf = (names, name) => {
  const begun = names.filter(known => known.toLowerCase().startsWith(name.toLowerCase()))
  if (begun.length === 1 && name.length >= SHORTEST_BEGINNING) return begun[0]
  const [best] = names
    .map(known => ({ known, distance: distance(name.toLowerCase(), known.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best.distance <= Math.max(1, Math.floor(name.length / 3)) ? best.known : null
}

/** How many letters to change, to add, to take away or to swap with the next (Damerau). @param {string} a @param {string} b */
const distance = (a, b) => {
  /** @type {number[]} */
  let twoAbove = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(changed, above[j] + 1, row[j - 1] + 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwapped) row[j] = Math.min(row[j], twoAbove[j - 2] + 1)
    }
    twoAbove = above
  }
  return row[b.length]
}

module.exports = { nearestOf }
