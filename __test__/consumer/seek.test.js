// @ts-check
'use strict'

const { committed, produce, uniqueName } = require('../kafka/helpers')
const {
  LONG_POLL,
  SOON,
  createConsumer,
  defer,
  filled,
  numbered,
  numbers,
  startConsumer,
  timed,
  upTo,
  waitFor
} = require('./support')

it('goes on at the offset', async () => {
  const topic = await filled(10)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 10)
  consumer.seek({ topic, partition: 0, offset: '7' })
  await waitFor(() => messages.length >= 13)
  expect(numbers(messages)).toEqual([...upTo(10), 7, 8, 9])
})

it('wakes an idle consumer at once', async () => {
  const topic = await filled(10)
  const { consumer, messages } = await startConsumer({
    topics: [topic],
    maxWaitTimeInMs: LONG_POLL
  })
  await waitFor(() => messages.length >= 10)
  const took = await timed(async () => {
    consumer.seek({ topic, partition: 0, offset: '9' })
    await waitFor(() => messages.length >= 11)
  })
  expect(took).toBeLessThan(SOON)
})

it('from a handler: what was fetched before is discarded', async () => {
  const topic = await filled(100)
  let sought = false
  const { messages } = await startConsumer({
    topics: [topic],
    handle: ({ message }, consumer) => {
      if (message.offset !== '10' || sought) return
      sought = true
      consumer.seek({ topic, partition: 0, offset: '90' })
    }
  })
  await waitFor(() => messages.length >= 21)
  expect(numbers(messages)).toEqual([...upTo(11), ...upTo(100).slice(90)])
})

it('right after run(), before the join', async () => {
  const topic = await filled(10, { partitions: 1 })
  const consumer = createConsumer()
  const handled = /** @type {string[]} */ ([])
  consumer.subscribe({ topics: [topic], fromBeginning: true })
  consumer.run({ eachMessage: async ({ message }) => void handled.push(message.offset) })
  consumer.seek({ topic, partition: 0, offset: '8' })
  await waitFor(() => handled.length >= 2)
  expect(handled).toEqual(['8', '9'])
})

it('the last one counts, whichever way the offset is given', async () => {
  const topic = await filled(10)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 10)
  consumer.seek({ topic, partition: 0, offset: '1' })
  consumer.seek(/** @type {any} */ ({ topic, partition: 0, offset: 2 }))
  consumer.seek(/** @type {any} */ ({ topic, partition: 0, offset: 8n }))
  await waitFor(() => messages.length >= 12)
  expect(numbers(messages)).toEqual([...upTo(10), 8, 9])
})

it('leaves other partitions alone', async () => {
  const topic = await filled(20, { partitions: 2 })
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 20)
  consumer.seek({ topic, partition: 1, offset: '8' })
  await waitFor(() => messages.length >= 22)
  await produce(topic, numbered(2, { partitions: 2, first: 20 }))
  await waitFor(() => messages.length >= 24)
  expect(messages.slice(20, 22).map(({ partition, offset }) => [partition, offset])).toEqual([
    [1, 8],
    [1, 9]
  ])
  expect(numbers(messages.slice(22)).sort()).toEqual([20, 21])
})

it('to a partition of somebody else does nothing', async () => {
  const topic = await filled(4)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  consumer.seek({ topic, partition: 7, offset: '1' })
  consumer.seek({ topic: 'no-such-topic', partition: 0, offset: '1' })
  await waitFor(() => messages.length >= 4)
  expect(numbers(messages)).toEqual(upTo(4))
})

it('beyond the end is out of range: fromBeginning decides', async () => {
  const topic = await filled(4)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 4)
  consumer.seek({ topic, partition: 0, offset: '1000' })
  await waitFor(() => messages.length >= 8)
  expect(numbers(messages)).toEqual([...upTo(4), ...upTo(4)])
})

it('-2 is the first message, -1 is behind the last; neither is ever committed', async () => {
  const topic = await filled(4)
  const { consumer, messages, groupId, seen } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 4)
  consumer.seek({ topic, partition: 0, offset: '-2' })
  await waitFor(() => messages.length >= 8)
  expect(numbers(messages)).toEqual([...upTo(4), ...upTo(4)])
  consumer.seek({ topic, partition: 0, offset: '0' })
  consumer.seek({ topic, partition: 0, offset: '-1' })
  let sent = 4
  await waitFor(async () => {
    await produce(topic, [{ value: String(sent++) }])
    return messages.length > 8
  })
  await consumer.disconnect()
  expect(messages[8].offset).toBeGreaterThanOrEqual(4)
  expect(Number((await committed(groupId, topic))[0])).toBeGreaterThan(4)
  const offsets = seen
    .of('COMMIT_OFFSETS')
    .flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))
  expect(offsets.filter(({ offset }) => Number(offset) < 0)).toEqual([])
})

it('is committed with autoCommit', async () => {
  const topic = await filled(10)
  const { consumer, groupId } = await startConsumer({ topics: [topic], fromBeginning: false })
  consumer.pause([{ topic }])
  consumer.seek({ topic, partition: 0, offset: '6' })
  await waitFor(async () => (await committed(groupId, topic))[0] === '6')
})

it('is not committed without it', async () => {
  const topic = await filled(10)
  const { consumer, messages, groupId } = await startConsumer({
    topics: [topic],
    run: {
      autoCommit: false
    }
  })
  await waitFor(() => messages.length >= 10)
  consumer.seek({ topic, partition: 0, offset: '6' })
  await waitFor(() => messages.length >= 14)
  await consumer.disconnect()
  expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
})

it('while a handler is at work: its message does not move the position', async () => {
  const topic = await filled(10)
  const [begun, go] = [defer(), defer()]
  const { consumer, messages, groupId } = await startConsumer({
    topics: [topic],
    groupId: uniqueName('group'),
    handle: ({ message }) => {
      if (message.offset !== '0') return
      begun.resolve()
      return go.promise
    }
  })
  await begun.promise
  consumer.seek({ topic, partition: 0, offset: '5' })
  go.resolve()
  await waitFor(() => messages.length >= 5)
  await consumer.disconnect()
  expect(numbers(messages).slice(-5)).toEqual([5, 6, 7, 8, 9])
  expect(await committed(groupId, topic)).toEqual({ 0: '10' })
})

it('to every offset of every partition, many times: what comes next is that offset', async () => {
  const partitions = 3
  const topic = await filled(300, { partitions })
  const { consumer, messages } = await startConsumer({ topics: [topic], maxBytesPerPartition: 512 })
  await waitFor(() => messages.length >= 300)
  consumer.pause([{ topic }])
  consumer.resume([{ topic, partitions: [0] }])
  for (let round = 0; round < 50; round++) {
    const offset = (round * 37) % 100
    const before = messages.length
    consumer.seek({ topic, partition: 0, offset: String(offset) })
    await waitFor(() => messages.length > before)
    const mine = messages.slice(before)
    expect(mine[0].offset).toBe(offset)
    expect(mine.map(message => message.offset)).toEqual(mine.map((_, i) => offset + i))
  }
})
