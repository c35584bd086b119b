// @ts-check
'use strict'

/** What happens to a group. Each scenario forms one, says when the clock begins, and waits until the group has settled. */

const { setTimeout: pause } = require('node:timers/promises')

const { CLIENTS } = require('./clients')

/** @typedef {import('./group').Group} Group */
/** @typedef {import('./group').GroupOptions} GroupOptions */

/**
 * @typedef {object} Scenario
 * @property {string} title
 * @property {(group: Group) => Promise<void>} play
 * @property {(partitions: number) => number} moves  how often partitions change hands at the least
 * @property {number} [changes]                      of the group's members, one after the other; default 1
 * @property {number} [minutes]                      about how long it takes; default: a quarter
 * @property {Partial<GroupOptions>} [options]       of its group
 * @property {(clients: string[]) => string | undefined} [refuses]  why these cannot play it
 */

const MEMBERS = 3

/** Each member's part of the partitions. @param {number} partitions */
const share = partitions => Math.ceil(partitions / MEMBERS)

/** @param {Group} group */
const enter = async group => {
  const member = await group.member()
  await member.join()
  group.begin()
  await group.settled()
}

/** @type {Scenario['refuses']} */
const needsCommands = clients => {
  const without = clients.find(client => !CLIENTS[client].commands)
  return without && `handlers of ${without} cannot be told to be slow`
}

/** @type {Scenario['refuses']} */
const needsStatic = clients =>
  clients.includes('kafkajs') ? 'kafkajs has no static members' : undefined

/** @type {Record<string, Scenario>} */
const SCENARIOS = {
  join: {
    title: 'a fourth member joins',
    moves: partitions => Math.floor(partitions / (MEMBERS + 1)),
    play: async group => {
      await group.form(MEMBERS)
      await enter(group)
    }
  },
  leave: {
    title: 'a member leaves',
    moves: share,
    play: async group => {
      await group.form(MEMBERS)
      group.begin()
      await group.members[MEMBERS - 1].leave()
      await group.settled()
    }
  },
  rolling: {
    title: 'a rolling restart of three',
    changes: 2 * MEMBERS,
    // What a member has goes to the others, who give as much to the one that takes its place. Were that one there before the
    // others have heard that a member has left, it could have it at once: which of the two happens is a matter of milliseconds.
    moves: partitions => 2 * partitions,
    play: async group => {
      await group.form(MEMBERS)
      group.begin()
      for (const member of group.members.slice(0, MEMBERS)) {
        await member.leave()
        await group.settled()
        const next = await group.member()
        await next.join()
        await group.settled()
      }
    }
  },
  ten: {
    title: 'ten members at once',
    moves: () => 0,
    play: async group => {
      const members = await Promise.all(Array.from({ length: 10 }, () => group.member()))
      await Promise.all(members.map(member => member.join()))
      group.begin()
      await group.settled()
    }
  },
  slow: {
    title: 'a handler of 5 s while a fourth joins',
    moves: partitions => Math.floor(partitions / (MEMBERS + 1)),
    refuses: needsCommands,
    play: async group => {
      await group.form(MEMBERS)
      const [, slow] = group.members
      const member = await group.member()
      slow.delay(5000)
      await pause(300)
      // Its other partitions wait for their turn: that is what it was told to do.
      await member.join()
      group.begin({ except: slow.partitions })
      // What it has to give away it may give away behind that message: the group looks settled before.
      await pause(5000)
      await group.settled()
    }
  },
  kill: {
    title: 'a member is killed',
    moves: share,
    minutes: 0.5,
    play: async group => {
      await group.form(MEMBERS)
      group.begin()
      await group.members[MEMBERS - 1].kill()
      await group.settled()
    }
  },
  static: {
    title: 'a static member is killed and restarted',
    moves: () => 0,
    minutes: 0.5,
    refuses: needsStatic,
    play: async group => {
      await group.form(MEMBERS, index => `instance-${index}`)
      const killed = group.members[MEMBERS - 1]
      group.begin()
      await killed.kill()
      await pause(1000)
      await group.restart(killed)
      await group.settled()
    }
  },
  grow: {
    title: 'a topic gets six more partitions',
    moves: () => 0,
    options: { metadataAge: 3000 },
    play: async group => {
      await group.form(MEMBERS)
      await group.grow(group.partitions + 6)
      await group.settled()
    }
  }
}

module.exports = { SCENARIOS }
