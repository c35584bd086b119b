// @ts-check
'use strict'

/** What the sender writes and reads, without an engine. */

const { setTimeout: sleep } = require('node:timers/promises')
const { Answers } = require('../../src/producer/answers')
const { Backlog } = require('../../src/producer/backlog')
const { TurnWriter } = require('../../src/producer/turn')

const TERMS = { acks: -1, timeout: 30000, codec: 0, level: null }

/** Reads what `turn.rs` describes. @param {TurnWriter} turn @returns {any[]} */
const readTurn = ({ bytes, length }) => {
  let at = 0
  const word = () => bytes.readInt32LE((at += 4) - 4)
  const text = size => bytes.toString('utf8', at, (at += size))
  const nullable = size => (size === -1 ? null : text(size))
  const align = () => {
    at = (at + 3) & ~3
  }
  const sends = []
  while (at < length) {
    const end = at + bytes.readInt32LE(at)
    word()
    const [ticket, acks, timeout, codec, level, topics] = [0, 0, 0, 0, 0, 0].map(word)
    word()
    const read = Array.from({ length: topics }, () => {
      word()
      const [nameLength, count] = [word(), word()]
      word()
      const topic = text(nameLength)
      align()
      const messages = Array.from({ length: count }, () => {
        const [partition, low, high] = [word(), word(), word()]
        const [keyLength, valueLength, headers] = [word(), word(), word()]
        const lengths = Array.from({ length: headers }, () => [word(), word()])
        const [key, value] = [nullable(keyLength), nullable(valueLength)]
        const entries = lengths.map(([name, size]) => [text(name), nullable(size)])
        align()
        const time = Number((BigInt(high) << 32n) | BigInt(low >>> 0))
        return { partition, time, key, value, headers: entries }
      })
      return { topic, messages }
    })
    expect(at).toBe(end)
    sends.push({ ticket, acks, timeout, codec, level, topics: read })
  }
  return sends
}

describe('a turn', () => {
  it('has the sends one behind the other', () => {
    const turn = new TurnWriter()
    turn.write(7, { acks: 1, timeout: 5, codec: 4, level: 3 }, [
      {
        topic: 'grün',
        messages: [
          { key: 'k', value: 'v', partition: '3', timestamp: '1700000000000' },
          {
            value: Buffer.from('b'),
            timestamp: -1,
            headers: { a: ['1', Buffer.from('2')], none: null, gone: undefined, ü: 'ö' }
          }
        ]
      },
      { topic: 't', messages: [] }
    ])
    turn.write(-8, TERMS, [
      { topic: 't', messages: [{ key: null, value: null, timestamp: 2 ** 40 }] }
    ])
    expect(readTurn(turn)).toEqual([
      {
        ticket: 7,
        acks: 1,
        timeout: 5,
        codec: 4,
        level: 3,
        topics: [
          {
            topic: 'grün',
            messages: [
              { partition: 3, time: 1700000000000, key: 'k', value: 'v', headers: [] },
              {
                partition: -1,
                time: -1,
                key: null,
                value: 'b',
                headers: [
                  ['a', '1'],
                  ['a', '2'],
                  ['none', null],
                  ['ü', 'ö']
                ]
              }
            ]
          },
          { topic: 't', messages: [] }
        ]
      },
      {
        ticket: -8,
        acks: -1,
        timeout: 30000,
        codec: 0,
        level: -(2 ** 31),
        topics: [
          {
            topic: 't',
            messages: [{ partition: -1, time: 2 ** 40, key: null, value: null, headers: [] }]
          }
        ]
      }
    ])
  })

  it('grows with what is written, and forgets what is too much to keep', () => {
    const turn = new TurnWriter()
    const values = [10, 100_000, 3, 9_000_000, 24, 25].map(size => 'ä'.repeat(size))
    values.forEach((value, i) => turn.write(i, TERMS, [{ topic: 't', messages: [{ value }] }]))
    const read = readTurn(turn).map(({ topics }) => topics[0].messages[0].value)
    expect(read).toEqual(values)
    turn.clear()
    expect(turn.bytes.length).toBeLessThan(100_000)
    turn.write(1, TERMS, [{ topic: 't', messages: [{ value: 'x' }] }])
    expect(readTurn(turn)).toHaveLength(1)
  })

  it('takes a Map or a list without entries for no headers, and refuses one whose names would be lost', () => {
    const turn = new TurnWriter()
    const write = headers =>
      turn.write(1, TERMS, [{ topic: 't', messages: [{ value: 'x', headers }] }])
    write(new Map())
    write([])
    const read = readTurn(turn).map(({ topics }) => topics[0].messages[0].headers)
    expect(read).toEqual([[], []])
    expect(() => write(new Map([['a', '1']]))).toThrow('an object of names and values')
    expect(() => write([['a', '1']])).toThrow('an object of names and values')
  })

  it('has nothing of a send that is refused in its middle', () => {
    const turn = new TurnWriter()
    turn.write(1, TERMS, [{ topic: 't', messages: [{ value: 'one' }] }])
    const bad = [{ topic: 't', messages: [{ value: 'two' }, { value: /** @type {any} */ (2) }] }]
    expect(() => turn.write(2, TERMS, bad)).toThrow('Invalid value of message 1 for topic "t"')
    turn.write(3, TERMS, [{ topic: 't', messages: [{ value: 'three' }] }])
    expect(readTurn(turn).map(({ ticket }) => ticket)).toEqual([1, 3])
  })
})

describe('answers', () => {
  it('are read in the order in which it happened', () => {
    const words = Buffer.alloc(4 * (4 + 8 + 4 + 4 + 4))
    let at = 0
    const put = (/** @type {number[]} */ ...numbers) => {
      for (const number of numbers) at = words.writeInt32LE(number, at)
    }
    const long = (/** @type {bigint} */ number) => {
      at = words.writeBigInt64LE(number, at)
    }
    put(0, 5, 1, 0, 0, 3)
    long(2n ** 60n + 1n)
    long(-1n)
    long(2n ** 33n)
    put(1, 9, 0, 0)
    put(0, 6, 0, 1)
    put(2, 0, 0, 0)
    const heard = /** @type {any[]} */ ([])
    const failures = [[{ topic: 't' }]]
    // At an odd place in a larger memory.
    const moved = Buffer.concat([Buffer.alloc(1), words]).subarray(1)
    new Answers(number => `topic-${number}`).read(
      { words: moved, failures },
      {
        sent: (...answer) => void heard.push(answer),
        flushed: ticket => void heard.push(['flushed', ticket]),
        room: () => void heard.push(['room'])
      }
    )
    // As they come: in memory that is used again and again.
    const answers = new Answers(number => `topic-${number}`)
    answers.memory.set(words)
    const again = /** @type {any[]} */ ([])
    answers.read(words.length - 16 * 2, {
      sent: ticket => void again.push(ticket),
      flushed: ticket => void again.push(['flushed', ticket]),
      room: () => void again.push('not told')
    })
    expect(again).toEqual([5, ['flushed', 9]])
    expect(heard).toEqual([
      [
        5,
        [
          {
            topicName: 'topic-0',
            partition: 3,
            errorCode: 0,
            baseOffset: '1152921504606846977',
            logAppendTime: '-1',
            logStartOffset: '8589934592'
          }
        ],
        null
      ],
      ['flushed', 9],
      [6, [], failures[0]],
      ['room']
    ])
  })
})

describe('the backlog', () => {
  /** @param {number} ticket */
  const send = ticket => {
    const turn = new TurnWriter()
    turn.write(ticket, TERMS, [{ topic: 't', messages: [{ value: 'x' }] }])
    return new Uint8Array(turn.bytes.subarray(0, turn.length))
  }

  it('hands over in order, as much as there is room for', async () => {
    let room = 0
    const taken = /** @type {number[]} */ ([])
    const backlog = new Backlog({
      maxBlock: 1000,
      submit: bytes => {
        let at = 0
        const view = Buffer.from(bytes)
        while (room > 0 && at < bytes.length) {
          room--
          taken.push(view.readInt32LE(at + 4))
          at += view.readInt32LE(at)
        }
        return at
      },
      expired: () => {}
    })
    backlog.add(Buffer.concat([send(1), send(2)]))
    backlog.add(send(3))
    let drained = false
    const done = backlog.drained().then(() => {
      drained = true
    })
    room = 1
    backlog.drain()
    expect([taken, backlog.isEmpty]).toEqual([[1], false])
    room = 5
    backlog.drain()
    expect([taken, backlog.isEmpty]).toEqual([[1, 2, 3], true])
    await done
    expect(drained).toBe(true)
    await backlog.drained()
  })

  it('waits for ever where it may, and not again and again', async () => {
    for (const maxBlock of [Infinity, 2 ** 31]) {
      const backlog = new Backlog({ maxBlock, submit: () => 0, expired: () => {} })
      const look = jest.spyOn(backlog, 'look')
      backlog.add(send(1))
      // Node takes a delay that is too long for none: it would have rung.
      await sleep(20)
      expect([look.mock.calls.length, backlog.isEmpty]).toEqual([1, false])
      backlog.end()
    }
  })

  it('gives everything up in the end', () => {
    const expired = /** @type {number[]} */ ([])
    const backlog = new Backlog({
      maxBlock: 1000,
      submit: () => 0,
      expired: ticket => void expired.push(ticket)
    })
    backlog.add(Buffer.concat([send(1), send(2)]))
    backlog.end()
    expect([expired, backlog.isEmpty]).toEqual([[1, 2], true])
  })
})
