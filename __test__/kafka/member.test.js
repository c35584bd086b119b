// @ts-check
/** Members of groups that are Kafka's own client, tried with each other: what they say of themselves is what the group has. */
const { isDeepStrictEqual } = require('node:util')

const { startJavaMember } = require('./member')
const {
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName,
  waitFor
} = require('./helpers')

const { brokers } = sharedCluster()

it.each(/** @type {const} */ (['eager', 'cooperative', 'consumer']))(
  'two members, %s, share a topic, and one that is killed has its share again',
  async protocol => {
    const topic = await createTopic({ partitions: 4 })
    await produce(
      topic,
      [0, 1, 2, 3].map(partition => ({ partition, value: `v${partition}` }))
    )
    const groupId = uniqueName('group')
    const start = (/** @type {string} */ instanceId) =>
      startJavaMember({ brokers, groupId, topic, protocol, instanceId })
    const [first, second] = await Promise.all(['first', 'second'].map(start))
    const shares = () => [first, second].map(member => member.partitions().length)
    await waitFor(() => shares().every(share => share === 2))
    expect([...first.partitions(), ...second.partitions()].sort()).toEqual([0, 1, 2, 3])
    const values = () => [...first.records(), ...second.records()].map(({ value }) => value)
    await waitFor(() => new Set(values()).size === 4)
    const end = await logEnd(topic)
    await waitFor(async () => isDeepStrictEqual(await committed(groupId, topic), end))

    await first.kill()
    // By KIP-848 its successor is refused, for good, as long as the coordinator has not noticed its end: the other one has all then.
    if (protocol === 'consumer') await waitFor(() => second.partitions().length === 4)
    const again = await start('first')
    await waitFor(() => again.partitions().length === 2)
    // Else a static member has its own again, and the other one does not hear of it.
    if (protocol !== 'consumer') expect(again.partitions()).toEqual(first.partitions())
    expect(again.records()).toEqual([])
    await Promise.all([again.stop(), second.stop()])
    expect(second.of('shutdown_complete')).toHaveLength(1)
  }
)
