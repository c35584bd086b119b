// @ts-check
'use strict'

/** The command line on terminals that are narrow and wide: what people see, and how they end it. */

const { once } = require('node:events')
const net = require('node:net')
const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { onTerminal } = require('./commandLine')
const { createAdmin } = require('./support')

const admin = createAdmin()
const PARTITIONS = 12

/** A topic with a long name, and a group that is behind in all of its partitions. */
const behind = async () => {
  const topic = await createTopic({ topic: uniqueName('orders-of-all'), partitions: PARTITIONS })
  const groupId = uniqueName('group')
  const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const value = 'a text that is longer than a narrow terminal is wide'
  await produce(
    topic,
    numbers.map(partition => ({ partition, key: `k-${partition}`, value }))
  )
  const partitions = numbers.map(partition => ({ partition, offset: '0' }))
  await admin.setOffsets({ groupId, topic, partitions })
  return { topic, groupId, value }
}

/** @type {{ topic: string, groupId: string, value: string }} */
let made
beforeAll(async () => {
  made = await behind()
})

const CTRL_C = '\u0003'
/** What `lag --watch` draws each picture behind. */
const CLEAR = '\u001b[H\u001b[J'

/** @param {string} text */
const linesOf = text =>
  text
    .replace(/\r/g, '')
    .split('\n')
    // Without colours.
    // eslint-disable-next-line no-control-regex
    .map(line => line.replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''))

/** @param {string[]} lines */
const widest = lines => Math.max(...lines.map(line => line.length))

describe.each([
  ['narrow', { rows: 10, columns: 40 }],
  ['wide', { rows: 50, columns: 200 }]
])('%s', (_, size) => {
  it('--help fits', async () => {
    const { code, stdout } = await onTerminal(['--help'], { size })
    expect(code).toBe(0)
    expect(widest(linesOf(stdout))).toBeLessThanOrEqual(size.columns)
    for (const word of ['doctor', '--brokers', 'Exit codes']) expect(stdout).toContain(word)
  })

  it('lag --watch fits, is drawn anew, and ends with Ctrl-C', async () => {
    const then = child => child.stdin.write(CTRL_C)
    const args = ['lag', made.groupId, '--watch', '--interval', '0.2']
    const { code, stdout, stderr } = await onTerminal(args, { size, when: 'Ctrl-C ends it.', then })
    expect([code, stderr]).toEqual([0, ''])
    const [, picture] = stdout.split(CLEAR)
    // The terminal shows the key; the line ends when the command does.
    const lines = linesOf(picture.replace(/\s*$/, '')).map(line => line.replace('^C', ''))
    expect(widest(lines)).toBeLessThanOrEqual(size.columns)
    expect(lines.length).toBeLessThanOrEqual(size.rows)
    const rows = lines.filter(line => line.startsWith('orde'))
    expect(rows).toHaveLength(Math.min(PARTITIONS, size.rows - 6))
    if (size.columns > 100) expect(rows[0]).toContain(made.topic)
  })

  it('tail shows a message a line, and ends with Ctrl-C', async () => {
    const args = ['tail', made.topic, '--from', 'earliest', '--partition', '3']
    const then = child => child.stdin.write(CTRL_C)
    const { code, stdout } = await onTerminal(args, { size, when: made.value, then })
    expect(code).toBe(0)
    expect(linesOf(stdout)[0]).toMatch(new RegExp(`^\\S+Z 3@0 {2}k-3 {2}${made.value}$`))
  })

  it('seek shows what it would do and asks; Ctrl-C changes nothing', async () => {
    const args = ['seek', made.groupId, made.topic, '--to', 'latest']
    const then = child => child.stdin.write(CTRL_C)
    const { code, stdout } = await onTerminal(args, { size, when: '[y/N]', then })
    expect(code).toBe(130)
    const lines = linesOf(stdout)
    expect(lines[0]).toMatch(/^PARTITION +FIRST +NEXT +BEFORE +AFTER$/)
    expect(widest(lines.slice(0, PARTITIONS + 1))).toBeLessThanOrEqual(size.columns)
    expect(lines[12]).toMatch(/^ +11 +0 +1 +0 +1$/)
    const [{ partitions }] = await admin.fetchOffsets({
      groupId: made.groupId,
      topics: [made.topic]
    })
    expect(partitions.every(({ offset }) => offset === '0')).toBe(true)
  })

  it('doctor says a step a line, and ends', async () => {
    const { code, stdout } = await onTerminal(['doctor', '--topic', made.topic], { size })
    expect(code).toBe(0)
    const lines = linesOf(stdout).filter(Boolean)
    expect(lines.slice(0, -1).every(line => line.startsWith('ok '))).toBe(true)
    expect(lines.at(-1)).toBe('All is well.')
  })

  it('doctor ends at once with Ctrl-C while a broker does not answer', async () => {
    const frozen = net.createServer(socket => void socket.on('error', () => {}))
    frozen.listen(0, '127.0.0.1')
    await once(frozen, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (frozen.address())
    let pressed = 0
    const then = child => {
      pressed = performance.now()
      child.stdin.write(CTRL_C)
    }
    const args = ['doctor', '--brokers', `127.0.0.1:${port}`]
    const { code } = await onTerminal(args, { size, when: 'TCP', then })
    expect(code).toBe(130)
    // At once: far less than commands have that end in good order.
    expect(performance.now() - pressed).toBeLessThan(2000)
    frozen.close()
  })
})
