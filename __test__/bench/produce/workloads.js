'use strict'

/** What the clients write. */

/** How many values differ; the sends go round and round among them. */
const VALUES = 1024
/**
 * Bytes of them where they are compressed: more than all partitions' batches hold together. A batch in which a value comes twice
 * would be compressed better than it should, the more the larger it is.
 */
const BYTES = 8 * 2 ** 20
const WORDS =
  'the broker of a partition leads and its replicas follow until one of them has to lead'.split(' ')

/**
 * @typedef {object} Shape
 * @property {string} title
 * @property {number} outstanding sends that wait for their acknowledgement at any time
 * @property {number} messages in a send
 * @property {boolean} isTimed is each send's latency what is measured?
 */

/** @type {Record<string, Shape>} */
const SHAPES = {
  single: {
    title: '1,000 sends of one message outstanding',
    outstanding: 1000,
    messages: 1,
    isTimed: false
  },
  batch: {
    title: 'sends of 1,000 messages, 4 outstanding',
    outstanding: 4,
    messages: 1000,
    isTimed: false
  },
  one: {
    title: 'sends of one message, one after the other',
    outstanding: 1,
    messages: 1,
    isTimed: true
  }
}

/** @typedef {{ shape: string, size: number, codec: string }} Row */

/** @type {Row[]} */
const ROWS = [
  { shape: 'single', size: 100, codec: 'none' },
  { shape: 'batch', size: 100, codec: 'none' },
  { shape: 'batch', size: 100, codec: 'lz4' },
  { shape: 'batch', size: 100, codec: 'zstd' },
  { shape: 'batch', size: 1000, codec: 'none' },
  { shape: 'batch', size: 1000, codec: 'gzip' },
  { shape: 'one', size: 100, codec: 'none' }
]

/**
 * @param {{ shapes: string[] | null, sizes: number[] | null, codecs: string[] | null }} options null = as the rows are
 * @returns {Row[]}
 */
const rowsOf = ({ shapes, sizes, codecs }) => {
  const rows = ROWS.filter(({ shape }) => shapes === null || shapes.includes(shape))
  if (sizes === null && codecs === null) return rows
  const named = [...new Set(rows.map(({ shape }) => shape))]
  return named.flatMap(shape =>
    (sizes ?? [100]).flatMap(size => (codecs ?? ['none']).map(codec => ({ shape, size, codec })))
  )
}

/** @param {Row} row */
const titleOf = ({ shape, size, codec }) =>
  `${SHAPES[shape].title}, ${size} B, ${codec === 'none' ? 'uncompressed' : codec}`

/**
 * Values as programs send them, JSON with numbers and words; the same in every run.
 * @param {{ size: number, codec: string }} row bytes of each
 */
const valuesOf = ({ size, codec }) => {
  const count = codec === 'none' ? VALUES : Math.floor(BYTES / size)
  let seed = 1
  // As in Numerical Recipes: good enough for words.
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0)
  const value = (/** @type {number} */ n) => {
    const id = random().toString(16).padStart(8, '0') + random().toString(16).padStart(8, '0')
    let text = `{"id":"${id}","at":${1700000000000 + n},"text":"`
    while (text.length < size - 2) text += `${WORDS[(random() >>> 8) % WORDS.length]} `
    return `${text.slice(0, size - 2)}"}`
  }
  return Buffer.from(Array.from({ length: count }, (_, n) => value(n)).join(''))
}

module.exports = { SHAPES, rowsOf, titleOf, valuesOf }
