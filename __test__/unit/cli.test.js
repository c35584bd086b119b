// @ts-check
'use strict'

/** The command line, as far as it needs no broker. */

const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { run } = require('../../src/cli')
const doctor = require('../../src/cli/commands/doctor')
const lag = require('../../src/cli/commands/lag')
const { toConfig } = require('../../src/cli/options')
const { createOutput } = require('../../src/cli/output')

/** A process whose output is kept. @param {any} [terminal] `rows` and `columns` of it; none: no terminal */
const createProcess = terminal => {
  const stream = more => {
    let text = ''
    const said = () => {
      const all = text
      text = ''
      return all
    }
    return { write: chunk => void (text += chunk), said, ...more }
  }
  const [stdout, stderr] = [stream(terminal && { isTTY: true, ...terminal }), stream()]
  return {
    stdout,
    stderr,
    env: { NO_COLOR: '1' },
    once: () => {},
    removeListener: () => {},
    printed: stdout.said,
    told: stderr.said
  }
}

describe('tables', () => {
  it('may have any number of rows', () => {
    const process = createProcess({})
    const rows = Array.from({ length: 300_000 }, (_, i) => [`topic-${i}`, i])
    createOutput(/** @type {any} */ (process), {}).table(['TOPIC', 'N'], rows)
    expect(process.printed().split('\n').length).toBe(300_002)
  })

  it('are as narrow as the terminal, by the columns that may be', () => {
    const out = createOutput(/** @type {any} */ (createProcess({ columns: 30 })), {})
    const row = ['a-very-long-topic', 3, 'a-client/10.0.0.1', 42]
    expect(out.fitted(['TOPIC', 'P', 'OWNER', 'LAG'], [row], [0, 2])).toEqual([
      'TOPIC       P  OWNER       LAG',
      'a-very-lo…  3  a-client/…   42'
    ])
    expect(out.fitted(['TOPIC', 'P', 'OWNER', 'LAG'], [row], [0])).toEqual([
      'TOPIC   P  OWNER              …'.slice(0, 29) + '…',
      'a-ver…  3  a-client/10.0.0.1 …'
    ])
  })
})

describe('lag --watch on a terminal that shows little', () => {
  const part = (partition, behind) => ({
    topic: 'orders',
    partition,
    committed: '0',
    end: String(behind),
    lag: String(behind),
    owner: null
  })

  const picture = async (terminal, parts) => {
    const process = createProcess(terminal)
    const admin = { groupLag: async () => parts, disconnect: async () => {} }
    const kafka = { admin: () => admin }
    const values = { watch: true, count: '1.5', interval: '0.001' }
    const out = createOutput(/** @type {any} */ (process), values)
    const { signal } = new AbortController()
    await lag.run(/** @type {any} */ ({ kafka, args: ['g'], values, out, process, signal }))
    const pictures = process.printed().split('\u001b[H\u001b[J')
    return /** @type {string} */ (pictures.pop()).replace(/\n$/, '').split('\n')
  }

  it('fits, and has those that are furthest behind', async () => {
    const parts = Array.from({ length: 100 }, (_, i) => part(i, i % 50))
    const lines = await picture({ rows: 10, columns: 60 }, parts)
    expect(lines.length).toBe(10)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(60)
    expect(lines.slice(3, -3).map(line => line.split(/ +/)[1])).toEqual(['48', '49', '98', '99'])
    expect(lines.slice(-3)).toEqual(['96 more, less far behind', '', 'Ctrl-C ends it.'])
  })

  it('is all of it where there is room', async () => {
    const lines = await picture(
      { rows: 10, columns: 200 },
      [0, 1, 2, 3, 4].map(i => part(i, i))
    )
    expect(lines.length).toBe(10)
    expect(lines.slice(3, -2).map(line => line.split(/ +/)[1])).toEqual(['0', '1', '2', '3', '4'])
  })
})

describe('help', () => {
  it.each([40, 80, 120])('is no wider than a terminal of %d, and says all', async columns => {
    const wordsOf = text => text.split(/\s+/).filter(Boolean)
    const told = async (args, terminal) => {
      const process = createProcess(terminal)
      expect(await run(args, /** @type {any} */ (process))).toBe(0)
      return process.printed()
    }
    for (const args of [['--help'], ['help', 'tail'], ['seek', '-h'], ['doctor', '--help']]) {
      const lines = (await told(args, { columns })).split('\n')
      const examples = lines.filter(line => /^ {2}(kafkars|KAFKARS_|echo) ?/.test(line))
      const others = lines.filter(line => !examples.includes(line))
      expect(Math.max(...others.map(line => line.length))).toBeLessThanOrEqual(columns)
      expect(wordsOf(lines.join(' '))).toEqual(wordsOf(await told(args)))
    }
  })

  it('of what is no command is that of all', async () => {
    for (const name of ['toString', '__proto__', 'constructor', 'nothing']) {
      const process = createProcess()
      expect(await run(['help', name], /** @type {any} */ (process))).toBe(0)
      expect(process.printed()).toMatch(/^kafkars COMMAND/)
      expect(await run([name], /** @type {any} */ (process))).toBe(2)
      expect(process.told()).toBe(`There is no command "${name}"\nSee: kafkars help\n`)
    }
  })
})

describe('how to connect', () => {
  const withFile = (text, values = {}, env = {}) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-cli-'))
    const config = path.join(directory, 'kafkars.json')
    fs.writeFileSync(config, text)
    try {
      return toConfig({ config, ...values }, env)
    } finally {
      fs.rmSync(directory, { recursive: true })
    }
  }

  it('a file that is no JSON is not quoted: there may be a password in it', () => {
    for (const text of ['{"password": hunter2}', 'hunter2', '"a" hunter2', '{"p": "hunter2" x']) {
      const error = (() => {
        try {
          return withFile(text)
        } catch (e) {
          return e
        }
      })()
      expect(error.message).toMatch(/kafkars\.json is no JSON/)
      expect(error.message).not.toMatch(/unter|ter2/)
    }
    expect(() => withFile('["a:9092"]')).toThrow('has to be an object')
  })

  it('a flag counts more than the environment, and this more than the file', () => {
    const of = (ssl, flag, KAFKARS_SSL) =>
      withFile(JSON.stringify({ brokers: ['a:9092'], ssl }), { ssl: flag }, { KAFKARS_SSL }).ssl
    const options = { servername: 'kafka' }
    expect(of(false)).toBe(false)
    expect(of(false, true)).toBe(true)
    expect(of(false, undefined, '1')).toBe(true)
    expect(of(options, true)).toEqual(options)
    expect(of(options, undefined, '1')).toEqual(options)
    expect(of(true, undefined, '0')).toBe(false)
    expect(of(true, undefined, '')).toBe(true)
    expect(of(undefined)).toBe(undefined)
  })
})

it('the doctor keeps no connection that was not opened in time', async () => {
  const socket = new net.Socket()
  const connect = jest.spyOn(net, 'connect').mockReturnValue(socket)
  const process = createProcess()
  const out = createOutput(/** @type {any} */ (process), {})
  const config = { brokers: ['127.0.0.1:9'], connectionTimeout: 5 }
  expect(await doctor.run(/** @type {any} */ ({ config, out, values: {} }))).toBe(3)
  connect.mockRestore()
  expect(process.printed()).toMatch(/no answer within 5 ms/)
  expect(socket.destroyed).toBe(true)
})
