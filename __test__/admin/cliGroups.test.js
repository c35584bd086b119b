// @ts-check
'use strict'

/** The command line: groups, how far they are behind, and setting them back. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { onTerminal, run } = require('./commandLine')
const { createAdmin, startMember } = require('./support')

const admin = createAdmin()

/** A topic with two partitions of five messages, and a group that has committed 2 of the first. */
const behind = async () => {
  const [topic, groupId] = [await createTopic({ partitions: 2 }), uniqueName('group')]
  const numbers = [0, 1, 2, 3, 4]
  const messages = [0, 1].flatMap(partition =>
    numbers.map(n => ({ partition, value: `${n}`, timestamp: String(1000 * (n + 1)) }))
  )
  await produce(topic, messages)
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }] })
  return { topic, groupId }
}

const committedOf = async ({ groupId, topic }) => {
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return partitions.map(({ offset }) => offset)
}

const linesOf = ({ stdout }) => stdout.trim().split(/\r?\n/)

describe('groups', () => {
  it('are a row a line with tabs between; of a state or a type only those', async () => {
    const { groupId } = await behind()
    const rowOf = async (...args) =>
      linesOf(await run(['groups', ...args])).find(line => line.startsWith(groupId))
    const row = `${groupId}\tEmpty\tclassic\t\t0`
    expect(await rowOf()).toBe(row)
    expect(await rowOf('--state', 'Empty', '--type', 'classic')).toBe(row)
    expect(await rowOf('--state', 'Stable')).toBeUndefined()
  })

  it('are JSON where that is asked for', async () => {
    const topic = await createTopic()
    const { groupId } = await startMember(topic)
    const { stdout } = await run(['groups', '--json'])
    expect(JSON.parse(stdout)).toContainEqual({
      groupId,
      state: 'Stable',
      type: 'classic',
      protocolType: 'consumer',
      protocol: 'RoundRobinAssigner',
      members: 1
    })
  })
})

describe('lag', () => {
  it('is a row for each partition', async () => {
    const { topic, groupId } = await behind()
    const { code, stdout } = await run(['lag', groupId])
    expect([code, stdout]).toEqual([0, `${topic}\t0\t-\t2\t5\t3\n`])
    const { stdout: json } = await run(['lag', groupId, '--json'])
    expect(JSON.parse(json)).toEqual({
      groupId,
      lag: '3',
      partitions: [
        expect.objectContaining({
          topic,
          partition: 0,
          committed: '2',
          end: '5',
          lag: '3',
          owner: null
        })
      ]
    })
  })

  it('watched without a terminal is lines with their time', async () => {
    const { topic, groupId } = await behind()
    const { code, stdout } = await run(['lag', groupId, '-w', '--count', '2', '--interval', '0.1'])
    expect(code).toBe(0)
    const rows = stdout.trim().split('\n')
    expect(rows.map(row => row.split('\t').slice(1))).toEqual([
      [topic, '0', '-', '2', '5', '3', '-', '-'],
      [topic, '0', '-', '2', '5', '3', '0.0', '-']
    ])
    expect(rows[0]).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  it('watched on a terminal is a table that is drawn anew', async () => {
    const { topic, groupId } = await behind()
    const args = ['lag', groupId, '--watch', '--count', '2', '--interval', '0.1']
    const { code, stdout } = await onTerminal(args)
    expect(code).toBe(0)
    const pictures = stdout.split('\u001b[H\u001b[J').slice(1)
    expect(pictures).toHaveLength(2)
    for (const picture of pictures) {
      expect(picture).toMatch(`${groupId}  3 behind`)
      expect(picture).toMatch(/TOPIC +PARTITION +OWNER +COMMITTED +END +LAG +RATE\/S +CAUGHT UP IN/)
      expect(picture).toMatch(new RegExp(`${topic} +0 +- +2 +5 +3`))
    }
  })

  it('of a group that nobody knows is nothing, and says so', async () => {
    const { code, stdout, stderr } = await run(['lag', 'nobody-knows-this'])
    expect([code, stdout, stderr]).toEqual([1, '', 'There is no group "nobody-knows-this".\n'])
    const args = ['lag', 'nobody-knows-this', '--watch', '--count', '2', '--interval', '0.1']
    const watched = await onTerminal(args)
    expect([watched.code, watched.stdout.match(/There is no group/g)?.length]).toEqual([1, 2])
  })
})

describe('seek', () => {
  it.each([
    ['earliest', ['0', '0']],
    ['latest', ['5', '5']],
    ['4', ['4', '4']],
    ['99', ['5', '5']],
    ['1970-01-01T00:00:03Z', ['2', '2']]
  ])('--to %s', async (to, after) => {
    const group = await behind()
    const args = ['seek', group.groupId, group.topic, '--to', to]
    const shown = await run([...args, '--dry-run'])
    expect([shown.code, linesOf(shown)]).toEqual([
      0,
      [`0\t0\t5\t2\t${after[0]}`, `1\t0\t5\t-\t${after[1]}`]
    ])
    expect(await committedOf(group)).toEqual(['2', '-1'])
    const done = await run([...args, '--yes'])
    expect([done.code, await committedOf(group)]).toEqual([0, after])
  })

  it('only of some partitions', async () => {
    const group = await behind()
    await run(['seek', group.groupId, group.topic, '--to', '3', '--partition', '1', '-y'])
    expect(await committedOf(group)).toEqual(['2', '3'])
  })

  it('asks on a terminal', async () => {
    const group = await behind()
    const args = ['seek', group.groupId, group.topic, '--to', 'earliest']
    const no = await onTerminal(args, { input: 'n\n' })
    expect([no.code, await committedOf(group)]).toEqual([1, ['2', '-1']])
    expect(no.stdout).toMatch('[y/N]')
    const yes = await onTerminal(args, { input: 'y\n' })
    expect([yes.code, await committedOf(group)]).toEqual([0, ['0', '0']])
  })

  it('ends with Ctrl-C, and changes nothing', async () => {
    const group = await behind()
    const args = ['seek', group.groupId, group.topic, '--to', 'earliest']
    const then = child => child.stdin.write('\u0003')
    const { code, stdout } = await onTerminal(args, { when: '[y/N]', then })
    expect([code, await committedOf(group)]).toEqual([130, ['2', '-1']])
    expect(stdout).not.toMatch(/Abort/)
  })

  it('does not set a group that has members', async () => {
    const group = await behind()
    await startMember(group.topic, { groupId: group.groupId })
    const { code, stderr } = await run(['seek', group.groupId, group.topic, '--to', 'latest', '-y'])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^The group has members \(it is Stable\)/)
    ])
  })

  it.each([
    [['--to', 'tomorrow', '-y'], 'is not earliest, latest'],
    [['--to', '1'], 'There is nobody to ask'],
    [['-y'], 'Where to? Give --to'],
    [['--to', '1', '-y', '--partition', 'x'], 'is no partition']
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(['seek', 'group', 'topic', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})
