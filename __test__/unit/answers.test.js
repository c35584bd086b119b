'use strict'

const { Answers } = require('../../src/producer/answers')

const SENT = 0
const RENUMBERED = 3

/** @param {number[]} topics of the rows @returns {number[]} */
const sent = topics => [
  SENT,
  1,
  topics.length,
  0,
  ...topics.flatMap(topic => [topic, 0, 5, 0, -1, -1, 0, 0])
]

describe('Answers', () => {
  /** Reads these words with names from this table. */
  const reader = () => {
    const names = { table: ['a', 'b'] }
    const answers = new Answers(number => names.table[number])
    const read = words => {
      const topics = []
      answers.words.set(words)
      answers.read(words.length * 4, {
        sent: (ticket, rows) => topics.push(...rows.map(({ topicName }) => topicName)),
        flushed: () => {},
        room: () => topics.push('room')
      })
      return topics
    }
    return { names, answers, read }
  }

  it('know topics by their numbers', () => {
    const { names, read } = reader()
    expect(read(sent([0, 1, 0]))).toEqual(['a', 'b', 'a'])
    names.table = []
    expect(read(sent([1, 0]))).toEqual(['b', 'a'])
  })

  it('forget them when the engine numbers them anew', () => {
    const { names, answers, read } = reader()
    read(sent([0, 1]))
    names.table = ['c']
    expect(read([RENUMBERED, 0, 0, 0, ...sent([0])])).toEqual(['c'])
    expect(answers.topics).toEqual(['c'])
  })
})
