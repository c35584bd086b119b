// @ts-check
'use strict'

/** `group.version` is lowered under members that speak KIP-848 where the broker does, and raised again. On a cluster of its own. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { runJavaTool } = require('../kafka/javaTool')
const {
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({}, own => (cluster = own))

/** @param {'downgrade' | 'upgrade'} how @param {number} level */
const change = (how, level) => {
  const [broker] = cluster.brokers
  const feature = ['--feature', `group.version=${level}`]
  const command = ['--bootstrap-server', broker, how, ...feature]
  return runJavaTool('org.apache.kafka.tools.FeatureCommand', command)
}

it('members go on by the classic protocol when KIP-848 is switched off', async () => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: 2, brokers })
  const groupId = uniqueName('group')
  const start = () =>
    startConsumer({
      topics: [topic],
      groupId,
      kafka: createKafka({ brokers }),
      .../** @type {any} */ ({ groupProtocol: 'auto' })
    })
  const members = [await start(), await start()]
  let sent = 0
  const goesOn = async () => {
    await produce(topic, numbered(10, { partitions: 2, first: sent }), { brokers })
    sent += 10
    const all = () => distinct(members.flatMap(({ messages }) => messages))
    await waitFor(() => all().length === sent)
    expect(all()).toEqual(upTo(sent))
  }
  await goesOn()
  await change('downgrade', 0)
  await goesOn()
  const isClassic = ({ seen }) => seen.of('GROUP_JOIN').at(-1).groupProtocol !== 'consumer'
  await waitFor(() => members.every(isClassic))
  await goesOn()
  await change('upgrade', 1)
  await goesOn()
  members.push(await start())
  await goesOn()
  for (const { seen } of members) expect(seen.of('CRASH')).toEqual([])
}, 240_000)
