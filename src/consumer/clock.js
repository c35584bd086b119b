// @ts-check
'use strict'

/**
 * The one clock of turns, sessions and commit intervals: ms since 1970, in whole ms.
 *
 * It goes on while the computer sleeps. The monotonic one (`performance.now()`) does not on Linux: behind a sleep, what is
 * another member's by now would be handed out, and a commit that `autoCommitInterval` asks for would be late by the sleep.
 * The price: it can be set. A time that lies before the last one therefore counts as "long ago", and the engine, whose clock
 * cannot be set, is asked once too often.
 *
 * Taken when this is loaded: a test's fake timers replace the global one later.
 */
const { now } = Date

module.exports = { now }
