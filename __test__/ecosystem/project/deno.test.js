'use strict'

/** Deno, with the rights that the documents give it: the program of the quick start writes. */

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { options, readAll, topicOf } = require('./cluster')

const root = path.dirname(require.resolve('kafkajs/package.json'))
const read = page => fs.readFileSync(path.join(root, 'docs', page), 'utf8')

test('Deno runs it', async () => {
  const [, flags, file] = /^deno (run .*) (\w+\.mjs)$/m.exec(read('deploying.md'))
  const page = read('quick-start.md')
  const [, program] = new RegExp(`Save this as \`${file}\`[^]*?\`\`\`js\\n([^]*?)\`\`\``).exec(page)
  const topic = await topicOf([])
  const own = program
    .replace("from 'kafkars'", "from 'kafkajs'")
    .replace('localhost:9092', options.brokers[0])
    .replace("'orders'", `'${topic}'`)
  fs.writeFileSync(path.join(__dirname, file), own)
  const deno = path.join(__dirname, 'node_modules', '.bin', 'deno')
  execFileSync(deno, [...flags.split(' '), file], { cwd: __dirname })
  const written = await readAll(topic, 2)
  assert.deepEqual(written.map(({ value }) => JSON.parse(value).total).sort(), [3, 5])
})
