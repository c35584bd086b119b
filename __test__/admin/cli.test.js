// @ts-check
'use strict'

/** The command line: in a pipe, on a terminal, and when it goes wrong. */

const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const { freePorts } = require('../kafka/ports')
const { BIN, execute, onTerminal, run, workplace } = require('./commandLine')
const { createProducer } = require('../producer/support')
const { createAdmin, waitFor } = require('./support')

const admin = createAdmin()

const filled = async () => {
  const topic = await createTopic({ config: { 'retention.ms': '360000000' } })
  const messages = ['a', 'b', 'c'].map(value => ({
    key: `k-${value}`,
    value,
    headers: { of: value }
  }))
  await produce(topic, messages)
  return topic
}

describe('topics, topic', () => {
  it('are a row a line with tabs between, for other programs', async () => {
    const topic = await filled()
    const { code, stdout } = await run(['topics', '--match', topic])
    const [name, partitions, replicas, notInSync, leaderless, bytes] = stdout.trim().split('\t')
    expect([code, name, partitions, replicas, notInSync, leaderless]).toEqual([
      0,
      topic,
      '1',
      '1',
      '0',
      '0'
    ])
    expect(Number(bytes)).toBeGreaterThan(50)
    const one = await run(['topic', topic])
    expect(one.stdout.trim().split('\t').slice(0, 6)).toEqual(['0', '1', '1', '1', '0', '3'])
  })

  it('are JSON where that is asked for', async () => {
    const topic = await filled()
    const { stdout } = await run(['topic', topic, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      topic,
      partitions: [{ partition: 0, leader: 1, replicas: [1], isr: [1], low: '0', high: '3' }],
      configs: { 'retention.ms': '360000000' }
    })
  })

  it('are tables on a terminal', async () => {
    const topic = await filled()
    const { code, stdout } = await onTerminal(['topic', topic])
    expect(code).toBe(0)
    const lines = stdout.split(/\r?\n/)
    expect(lines[0]).toMatch(/^PARTITION +LEADER +REPLICAS +IN SYNC +FIRST +NEXT +SIZE$/)
    expect(lines[1]).toMatch(/^ +0 +1 +1 +1 +0 +3 +\d+ B$/)
    expect(stdout).toMatch(/retention\.ms +360000000/)
  })
})

describe('tail, produce', () => {
  it('what produce sends, tail prints: JSON lines in a pipe', async () => {
    const topic = await createTopic()
    const sent = [
      { key: 'a', value: '1', headers: { x: 'y' }, timestamp: '2026-01-02T03:04:05.678Z' },
      { key: null, value: null, headers: {}, timestamp: '2026-01-02T03:04:05.679Z' },
      { key: 'b', value: { base64: '/w==' }, headers: {}, timestamp: '2026-01-02T03:04:05.680Z' }
    ]
    const input = sent.map(message => `${JSON.stringify(message)}\n`).join('')
    const produced = await run(['produce', topic, '--json'], { input })
    expect(produced).toEqual({ code: 0, stdout: '', stderr: `3 messages sent to ${topic}\n` })
    const { stdout } = await run(['tail', topic, '--from', 'earliest', '--end'])
    const printed = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(printed).toEqual(
      sent.map((message, i) => ({ topic, partition: 0, offset: String(i), ...message }))
    )
  })

  it('lines are values, or keys and values', async () => {
    const topic = await createTopic()
    await run(['produce', topic, '-k', ':'], { input: 'a:1:2\nno key\n' })
    const { stdout } = await run(['tail', topic, '--from', 'earliest', '--max', '2'])
    const printed = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(printed.map(({ key, value }) => [key, value])).toEqual([
      ['a', '1:2'],
      [null, 'no key']
    ])
  })

  it('a line that nothing follows goes at once; what stands before a wrong one is sent', async () => {
    const topic = await createTopic()
    const written = waitFor(async () => (await admin.fetchTopicOffsets(topic))[0].high === '1')
    const slow = await run(['produce', topic], {
      then: child => {
        child.stdin.write('a\n')
        written.finally(() => child.stdin.end('b\n'))
      }
    })
    expect(slow).toEqual({ code: 0, stdout: '', stderr: `2 messages sent to ${topic}\n` })
    const wrong = await run(['produce', topic, '--json'], { input: '{"value":"c"}\n{c\n' })
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Line 2 is no message')])
    expect((await admin.fetchTopicOffsets(topic))[0].high).toBe('3')
  })

  it('only what is asked for', async () => {
    const topic = await filled()
    const values = async (...options) => {
      const { stdout } = await run(['tail', topic, '--end', ...options])
      return stdout
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line).value)
    }
    expect(await values('--last', '2')).toEqual(['b', 'c'])
    expect(await values('--from', 'earliest', '--filter', 'k-b')).toEqual(['b'])
    expect(await values('--from', '2020-01-01', '--filter', '/^[AC]$/i')).toEqual(['a', 'c'])
    expect(await values()).toEqual([])
  })

  it('ends where nothing that is handed out stands at the end of the topic', async () => {
    const topic = await createTopic({ partitions: 2 })
    const producer = createProducer({ transactionalId: uniqueName('tail') })
    await producer.connect()
    for (const end of /** @type {const} */ (['commit', 'abort'])) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ partition: 0, value: end }] })
      await transaction[end]()
    }
    const open = await producer.transaction()
    await open.send({ topic, messages: [{ partition: 1, value: 'open' }] })
    const { code, stdout } = await run(['tail', topic, '--from', 'earliest', '--end'])
    expect([code, JSON.parse(stdout).value]).toEqual([0, 'commit'])
    await open.abort()
    await producer.disconnect()
  })

  it('a timestamp that is no time is shown as it is', async () => {
    const config = { 'message.timestamp.after.max.ms': '9223372036854775807' }
    const topic = await createTopic({ config })
    const timestamp = '9000000000000000'
    await produce(topic, [{ value: 'later', timestamp }])
    const args = ['tail', topic, '--from', 'earliest', '--end']
    const { code, stdout } = await run(args)
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ timestamp })])
    expect((await onTerminal(args)).stdout).toContain(`${timestamp} 0@0`)
    // As it is printed, it is taken back.
    expect(await run(['produce', topic, '--json'], { input: stdout })).toMatchObject({ code: 0 })
  })

  it('JSON without a value is no message: it would delete', async () => {
    const topic = await createTopic()
    for (const line of ['{"key":"a"}', '7', '"text"', 'null', '{"id":1}']) {
      const { code, stderr } = await run(['produce', topic, '--json'], { input: `${line}\n` })
      expect([code, stderr]).toEqual([2, expect.stringContaining('Line 1 is no message')])
    }
    expect((await admin.fetchTopicOffsets(topic))[0].high).toBe('0')
  })

  it('what is in messages does not move the cursor of a terminal', async () => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'k', value: 'a\u001b[2Jb' }])
    const { stdout } = await onTerminal(['tail', topic, '--from', 'earliest', '--end'])
    expect(stdout).toMatch(/ 0@0 {2}k {2}a\\x1b\[2Jb/)
  })
})

describe('doctor', () => {
  it('says what works', async () => {
    const topic = await filled()
    const { code, stdout } = await run(['doctor', '--topic', topic, '--json'])
    const steps = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(steps.filter(({ ok }) => !ok)).toEqual([])
    expect(code).toBe(0)
    expect(steps.map(({ step }) => step.split(' ')[0])).toEqual([
      'DNS',
      'TCP',
      'API',
      'Metadata',
      'Advertised',
      'Coordinator',
      'Topics',
      'Fetch'
    ])
  })

  it('says what does not, and why', async () => {
    const [port] = await freePorts(1)
    const { code, stdout } = await run(['doctor', '--brokers', `127.0.0.1:${port}`])
    expect(code).toBe(3)
    expect(stdout).toMatch(/^failed TCP 127\.0\.0\.1:\d+: connect ECONNREFUSED/m)
    expect(stdout).toMatch(/Nobody listens there/)
  })

  it('knows a certificate that it does not trust, and a wrong password, which it does not print', async () => {
    const { listeners, ca, users } = sharedCluster()
    const [broker] = listeners.ssl
    const { code, stdout } = await run(['doctor', '--brokers', broker, '--ssl'])
    expect([code, /--ssl-ca/.test(stdout)]).toEqual([3, true])
    const caFile = path.join(workplace(), 'ca.pem')
    fs.writeFileSync(caFile, ca)
    const [[username]] = Object.entries(users)
    const options = ['--ssl-ca', caFile, '--sasl-mechanism', 'plain', '--sasl-username', username]
    const refused = await run(['doctor', '--brokers', listeners.saslSsl[0], ...options], {
      env: { KAFKARS_SASL_PASSWORD: 'not-the-password' }
    })
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(/failed SASL PLAIN and API versions/)
    expect(refused.stdout).toMatch(/User, password or mechanism is wrong/)
    expect(refused.stdout + refused.stderr).not.toContain('not-the-password')
  })
})

describe('how it ends', () => {
  it.each([
    [[], 2],
    [['--help'], 0],
    [['help', 'tail'], 0],
    [['tail', '--help'], 0],
    [['--version'], 0],
    [['topic'], 2],
    [['topic', 'a', 'b'], 2],
    [['nope'], 2],
    [['topics', '--nope'], 2],
    [['tail', 'a', '--max', 'x'], 2],
    [['topics', '--config', 'nope.json'], 2]
  ])('%j: %i', async (args, expected) => {
    const { code, stderr } = await run(args)
    expect(code).toBe(expected)
    if (args.length > 0 && expected === 2) expect(stderr).toMatch(/See: kafkars help/)
  })

  it('1 when it is refused, 3 when nobody is reached, 2 without brokers', async () => {
    const missing = await run(['topic', uniqueName('nope')])
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^This server does not host this topic-partition: topic nope-.*\nThere is no such topic/
      )
    ])
    const named = await run(['produce', 'a b'], { input: 'x\n' })
    expect([named.code, named.stderr]).toEqual([1, expect.stringContaining('invalid topic: "a b"')])
    expect(named.stderr).not.toMatch(/null/)
    const [port] = await freePorts(1)
    const nowhere = ['--brokers', `127.0.0.1:${port}`]
    for (const args of [
      ['topics', ...nowhere],
      [...nowhere, 'topics']
    ]) {
      const unreached = await run(args)
      expect([unreached.code, unreached.stderr]).toEqual([
        3,
        expect.stringContaining('Nobody listens there')
      ])
    }
    for (const brokers of ['localhost', '', 'localhost:99999']) {
      const wrong = await run(['topics', '--brokers', brokers])
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        expect.stringMatching(/^broker at index 0 is invalid[^]*See: kafkars help topics/)
      ])
    }
    const unnamed = await run(['topics'], { env: { KAFKARS_BROKERS: undefined } })
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringMatching(/^Which brokers\?/)])
  })

  it('with Ctrl-C, also while a broker does not answer', async () => {
    const frozen = net.createServer(socket => {
      socket.on('error', () => {})
      interrupt()
    })
    let interrupt = () => {}
    frozen.listen(0, '127.0.0.1')
    await once(frozen, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (frozen.address())
    const { code } = await run(['topics', '--brokers', `127.0.0.1:${port}`], {
      then: child => (interrupt = () => child.kill('SIGINT'))
    })
    expect(code).toBe(130)
    frozen.close()
  })

  it.each([
    [['tail'], 'Waiting for messages'],
    [['produce'], 'Each line is a message']
  ])('%j with Ctrl-C, which is how one ends it', async (command, when) => {
    const topic = await createTopic()
    // What it prints first is before it can be interrupted; a moment later it waits.
    const then = child => setTimeout(() => child.stdin.write('\u0003'), 500)
    const { code } = await onTerminal([...command, topic], { when, then })
    expect(code).toBe(0)
  })

  it('by a pipe that closes: 0', async () => {
    const topic = await filled()
    const command = `"${process.execPath}" "${BIN}" tail ${topic} --from earliest --end | head -1; exit \${PIPESTATUS[0]}`
    const { code, stdout } = await execute(['bash', '-c', command], {
      env: { KAFKARS_BROKERS: sharedCluster().brokers.join(',') }
    })
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 1])
  })

  it('when nobody reads what it says, if it changes something: as if somebody did', async () => {
    const topic = await filled()
    const deaf = child => {
      child.stdout.destroy()
      child.stderr.destroy()
      child.stdin.end('d\n')
    }
    expect(await run(['produce', topic], { then: deaf })).toMatchObject({ code: 0 })
    expect((await admin.fetchTopicOffsets(topic))[0].high).toBe('4')
    const group = uniqueName('deaf')
    const seek = ['--timeout', '20000', 'seek', group, topic, '--to', '2', '--yes']
    expect(await run(seek, { then: deaf })).toMatchObject({ code: 0 })
    const offsetOf = async () => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      return partitions[0].offset
    }
    expect(await offsetOf()).toBe('2')
    // With an option before it, too: one that ended early would only sometimes have been done.
    for (const offset of ['1', '3', '0', '4']) {
      const other = ['--timeout', '30000', 'seek', group, topic, '--to', offset, '--yes']
      expect(await run(other, { then: deaf })).toMatchObject({ code: 0 })
      expect(await offsetOf()).toBe(offset)
    }
    // A wrong one ends as it does otherwise.
    expect(await run(['topic', uniqueName('none')], { then: deaf })).toMatchObject({ code: 1 })
  })

  it('reads a kafkars.json, with files in the place of certificates', async () => {
    const { listeners, ca } = sharedCluster()
    const directory = fs.mkdtempSync(path.join(workplace(), 'configured-'))
    fs.writeFileSync(path.join(directory, 'ca.pem'), ca)
    const config = { brokers: listeners.ssl, ssl: { ca: ['ca.pem'] } }
    fs.writeFileSync(path.join(directory, 'kafkars.json'), JSON.stringify(config))
    const topic = await createTopic()
    const { code, stdout } = await execute([process.execPath, BIN, 'topics', '-m', topic], {
      directory
    })
    expect([code, stdout.split('\t')[0]]).toEqual([0, topic])
  })
})
