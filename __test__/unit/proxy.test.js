const { once } = require('node:events')
const net = require('node:net')

const { API } = require('../kafka/protocol')
const { startProxy } = require('../kafka/proxy')

/** @type {net.Server} answers what it receives */
let broker
/** @type {Set<net.Socket>} the broker's ends */
let accepted
/** @type {import('../kafka/proxy').Proxy} */
let proxy

beforeEach(async () => {
  accepted = new Set()
  broker = net.createServer(socket => {
    accepted.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => accepted.delete(socket))
    socket.pipe(socket)
  })
  broker.listen(0, '127.0.0.1')
  await once(broker, 'listening')
  proxy = await startProxy({ target: broker.address().port })
})

afterEach(async () => {
  await proxy.close()
  for (const socket of accepted) socket.destroy()
  await new Promise(resolve => broker.close(resolve))
})

const connect = async () => {
  const [host, port] = proxy.address.split(':')
  const socket = net.connect(Number(port), host)
  await once(socket, 'connect')
  return socket
}

/** Resolves with what has arrived once there are so many bytes. */
const read = async (socket, bytes) => {
  let received = Buffer.alloc(0)
  // Several chunks may come in one turn: who listens once for each would lose some.
  await new Promise(resolve => {
    const take = chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < bytes) return
      socket.off('data', take)
      socket.pause()
      resolve()
    }
    socket.on('data', take)
    socket.resume()
  })
  return String(received)
}

/** Looks until it is so. @param {() => boolean} predicate */
const until = async predicate => {
  while (!predicate()) await new Promise(resolve => setTimeout(resolve, 1))
}

/** Past the proxy: in the meantime whatever the proxy forwards would have arrived. */
const directRoundTrips = async () => {
  const socket = net.connect(broker.address().port, '127.0.0.1')
  for (let trip = 0; trip < 20; trip++) {
    socket.write('x')
    await read(socket, 1)
  }
  socket.destroy()
}

it('forwards both ways', async () => {
  const socket = await connect()
  socket.write('hello')
  expect(await read(socket, 5)).toBe('hello')
  expect(proxy.connections).toBe(1)
})

it('passes the end of one side on, after the data', async () => {
  const socket = await connect()
  const received = read(socket, 3)
  const closed = once(socket, 'close')
  socket.end('bye')
  expect(await received).toBe('bye')
  await closed
  await until(() => proxy.connections === 0)
})

it('cuts every connection and serves the next', async () => {
  const [first, second] = [await connect(), await connect()]
  first.write('x')
  await read(first, 1)
  const closed = Promise.all([once(first, 'close'), once(second, 'close')])
  proxy.cut()
  await closed
  const third = await connect()
  third.write('again')
  expect(await read(third, 5)).toBe('again')
})

it('cuts with a reset', async () => {
  const socket = await connect()
  socket.write('x')
  await read(socket, 1)
  const failed = once(socket, 'error')
  proxy.cut({ reset: true })
  const [{ code }] = await failed
  expect(code).toBe('ECONNRESET')
})

it('cuts in the middle of an answer', async () => {
  const socket = await connect()
  proxy.cut({ after: 4 })
  const chunks = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.write('0123456789')
  await once(socket, 'close')
  expect(String(Buffer.concat(chunks))).toBe('0123')

  const next = await connect()
  next.write('0123456789')
  expect(await read(next, 10)).toBe('0123456789')
})

it('cuts in the middle of a request', async () => {
  const heard = /** @type {Buffer[]} */ ([])
  broker.on('connection', socket => socket.on('data', chunk => heard.push(chunk)))
  const socket = await connect()
  proxy.cut({ after: 4, direction: 'toBroker' })
  socket.on('data', () => {})
  socket.write('0123456789')
  await once(socket, 'close')
  await until(() => accepted.size === 0)
  expect(String(Buffer.concat(heard))).toBe('0123')
})

it('stalls the answers until it heals', async () => {
  const socket = await connect()
  socket.write('first')
  await read(socket, 5)
  proxy.stall('toClient')
  socket.write('second')
  const [end] = accepted
  await until(() => end.bytesRead === 11)
  await directRoundTrips()
  expect(socket.bytesRead).toBe(5)
  await proxy.heal()
  expect(await read(socket, 6)).toBe('second')
})

it('stalls the requests until it heals', async () => {
  const socket = await connect()
  socket.write('first')
  await read(socket, 5)
  proxy.stall('toBroker')
  socket.write('second')
  await directRoundTrips()
  const [end] = accepted
  expect(end.bytesRead).toBe(5)
  await proxy.heal()
  expect(await read(socket, 6)).toBe('second')
})

it('fragments and delays without changing a byte', async () => {
  const socket = await connect()
  proxy.fragment(1)
  proxy.delay(1)
  const sizes = new Set()
  socket.on('data', chunk => sizes.add(chunk.length))
  const text = 'abcdefghij'.repeat(20)
  socket.write(text)
  expect(await read(socket, text.length)).toBe(text)
  expect(Math.min(...sizes)).toBeLessThan(text.length)
})

it('refuses new connections, keeps the open ones, and accepts again', async () => {
  const socket = await connect()
  socket.write('x')
  await read(socket, 1)
  proxy.refuse()
  await expect(connect()).rejects.toThrow('ECONNREFUSED')
  socket.write('still')
  expect(await read(socket, 5)).toBe('still')
  await proxy.heal()
  const next = await connect()
  next.write('new')
  expect(await read(next, 3)).toBe('new')
})

it('a broker that is away ends the connection', async () => {
  await new Promise(resolve => broker.close(resolve))
  const socket = await connect()
  await once(socket, 'close')
  broker.listen(0)
  await once(broker, 'listening')
})

describe('answers in the place of a broker', () => {
  /** @type {import('../kafka/proxy').Proxy} */
  let kafka

  beforeEach(async () => {
    kafka = await startProxy({ target: broker.address().port, kafka: true })
  })

  afterEach(() => kafka.close())

  /** A request; the broker of these tests returns it as it is. */
  const request = (apiKey, correlationId) => {
    const frame = Buffer.alloc(14)
    frame.writeInt32BE(10)
    frame.writeInt16BE(apiKey, 4)
    frame.writeInt32BE(correlationId, 8)
    frame.writeInt16BE(-1, 12)
    return frame
  }

  const ask = async (requests, size) => {
    const [host, port] = kafka.address.split(':')
    const socket = net.connect(Number(port), host)
    // In pieces that are no frames.
    const bytes = Buffer.concat(requests)
    for (let start = 0; start < bytes.length; start += 5) {
      socket.write(bytes.subarray(start, start + 5))
      await new Promise(resolve => setImmediate(resolve))
    }
    const answer = await read(socket, size)
    socket.destroy()
    return answer
  }

  it('in the order of the requests, as often as asked', async () => {
    kafka.answer(API.Heartbeat, ({ correlationId }) => Buffer.from(`<${correlationId}>`), 2)
    const requests = [1, 2, 3, 4].map(id => request(id === 1 ? API.Fetch : API.Heartbeat, id))
    const answer = await ask(requests, 14 + 3 + 3 + 14)
    expect(answer).toBe(`${requests[0]}<2><3>${requests[3]}`)
  })

  it('or changes what the broker answers, as often as asked', async () => {
    const seen = []
    kafka.mutate(
      API.Heartbeat,
      (answer, { correlationId }) => {
        seen.push(correlationId)
        if (correlationId === 2) return undefined
        answer.fill('!', 4)
        return answer
      },
      2
    )
    kafka.answer(API.JoinGroup, () => Buffer.from('<joined>'))
    const requests = [1, 2, 3, 4, 5, 6].map(id =>
      request(id === 1 ? API.Fetch : id === 5 ? API.JoinGroup : API.Heartbeat, id)
    )
    const changed = `${requests[0].subarray(0, 4)}${'!'.repeat(10)}`
    const expected = [requests[0], requests[1], changed, changed, '<joined>', requests[5]].join('')
    expect(await ask(requests, expected.length)).toBe(expected)
    // The broker's answers: not those of others, not the proxy's own, none when it has been often enough.
    expect(seen).toEqual([2, 3, 4])

    kafka.mutate(API.Heartbeat, () => Buffer.from('no'))
    await kafka.heal()
    expect(await ask([request(API.Heartbeat, 7)], 14)).toBe(String(request(API.Heartbeat, 7)))
    expect(() => proxy.mutate(API.Heartbeat, () => undefined)).toThrow('kafka: true')
  })

  it('leaves requests that it has no answer to, and all after heal()', async () => {
    kafka.answer(API.Heartbeat, () => undefined, 1)
    const both = [request(API.Heartbeat, 1), request(API.Heartbeat, 2)]
    expect(await ask(both, 28)).toBe(both.join(''))
    kafka.answer(API.Heartbeat, () => Buffer.from('no'))
    await kafka.heal()
    expect(await ask(both, 28)).toBe(both.join(''))
  })
})
