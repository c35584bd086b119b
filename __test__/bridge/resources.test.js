// @ts-check
'use strict'

/** What a process may have runs out before the engine has started: `connect()` says so, and works when there is enough. */

const { execFile, execFileSync, fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { promisify } = require('node:util')

/** Only Linux has `prlimit`. */
const limited = process.platform === 'linux' ? it : it.skip

const program = name => path.join(__dirname, 'programs', name)

/** A limit of threads holds for nobody who may do everything, and only who is the same may change it. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

const REFUSED = 'KafkaJSNumberOfRetriesExceeded KafkaJSConnectionError ECONNREFUSED'
const EXHAUSTED = 'KafkaJSNumberOfRetriesExceeded KafkaJSConnectionError EMFILE'

limited.each([
  // The addon itself is a file. From Node 24 on, the package.json beside it is missed first.
  [0, expect.stringMatching(/^Error Error (EMFILE|ERR_INVALID_PACKAGE_CONFIG)$/)],
  [1, EXHAUSTED],
  [2, EXHAUSTED],
  [3, EXHAUSTED]
])('%i free descriptors', async (free, expected) => {
  const args = ['--nofile=64', process.execPath, program('descriptors.js'), String(free)]
  const { stdout, stderr } = await promisify(execFile)('prlimit', args, { timeout: 60_000 })
  expect([stdout.trim().split('\n'), stderr]).toEqual([[expected, REFUSED], ''])
})

limited.each(['127.0.0.1:1', 'localhost:1'])('no thread, to %s', async broker => {
  const child = fork(program('threads.js'), [broker], { stdio: 'pipe' })
  let stderr = ''
  child.stderr?.on('data', chunk => (stderr += chunk))
  const told = /** @type {any[]} */ ([])
  child.on('message', message => {
    told.push(message)
    if (message !== 'none' && message !== 'many') return
    const limit = message === 'none' ? '--nproc=1:' : '--nproc=1000:'
    execFileSync('prlimit', ['--pid', String(child.pid), limit], NOBODY)
    child.send('done')
  })
  const [code] = await once(child, 'exit')
  expect({ code, stderr, told }).toEqual({
    code: 0,
    stderr: '',
    told: ['none', 'KafkaJSConnectionError EAGAIN', 'many', 'KafkaJSConnectionError ECONNREFUSED']
  })
})
