// @ts-check
'use strict'

/**
 * A Dockerfile, done without Docker: a folder stands for the image, what is copied is copied, what is run is run in it, and what the
 * container would start is started. Knows what the documents use, and refuses all else.
 */

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const WORDS = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'CMD']

/** The official images of Node have such a user, 1000. */
const USERS = { node: 1000 }

/** @typedef {{ word: string, rest: string }} Instruction */

/** @param {string} text @returns {Instruction[]} */
const parse = text =>
  text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'))
    .map(line => {
      const [, word, rest] = /^([A-Z]+) +(.+)$/.exec(line) ?? []
      if (!WORDS.includes(word)) throw new Error(`no instruction of a Dockerfile: ${line}`)
      return { word, rest: rest.trim() }
    })

/** An official image of Node. @param {Instruction[]} file @returns {number} its version */
const nodeOf = file => {
  const images = file.filter(({ word }) => word === 'FROM')
  if (images.length !== 1 || file[0] !== images[0]) throw new Error('one FROM has to be the first')
  const official = /^node:(\d+)(-(bookworm|trixie))?(-slim)?$|^node:(\d+)-alpine$/
  const [, debian, , , , alpine] = official.exec(images[0].rest) ?? []
  if (!debian && !alpine) throw new Error(`no image of Node's: ${images[0].rest}`)
  return Number(debian ?? alpine)
}

/**
 * Builds.
 *
 * @param {Instruction[]} file
 * @param {object} world
 * @param {string} world.context the folder that is copied from
 * @param {string} world.image   an empty one
 * @param {Record<string, string | undefined>} world.env
 * @returns {{ command: string[], directory: string, uid: number | undefined }} what a container starts
 */
const build = (file, { context, image, env }) => {
  const ignored = path.join(context, '.dockerignore')
  const isIgnored = new Set(
    fs.existsSync(ignored) ? fs.readFileSync(ignored, 'utf8').split('\n').filter(Boolean) : []
  )
  let directory = image
  let uid
  /** @type {string[]} */
  let command = []
  for (const { word, rest } of file) {
    if (word === 'WORKDIR') {
      directory = path.join(image, rest)
      fs.mkdirSync(directory, { recursive: true })
    } else if (word === 'COPY') {
      const names = rest.split(/ +/)
      const target = path.resolve(directory, /** @type {string} */ (names.pop()))
      for (const name of names) {
        const source = path.join(context, name)
        // What is there already stays, as in an image.
        const filter = (/** @type {string} */ from) => !isIgnored.has(path.relative(context, from))
        const isFolder = fs.statSync(source).isDirectory()
        const to = isFolder ? target : path.join(target, path.basename(name))
        fs.cpSync(source, to, { recursive: true, filter })
      }
    } else if (word === 'RUN') {
      const options = { cwd: directory, env, encoding: /** @type {const} */ ('utf8') }
      const { status, stdout, stderr } = spawnSync('sh', ['-c', rest], options)
      if (status !== 0) throw new Error(`RUN ${rest}\n${stdout}${stderr}`)
    } else if (word === 'USER') {
      if (!(rest in USERS)) throw new Error(`the image has no user ${rest}`)
      uid = USERS[/** @type {keyof typeof USERS} */ (rest)]
    } else if (word === 'CMD') {
      // The other form starts a shell, which keeps the signals to itself.
      command = JSON.parse(rest)
    }
  }
  return { command, directory, uid }
}

/**
 * Starts what was built. Only root may be somebody else.
 *
 * @param {ReturnType<typeof build>} built
 * @param {Record<string, string | undefined>} env
 */
const start = ({ command: [file, ...args], directory, uid }, env) => {
  const other = process.getuid?.() === 0 ? { uid } : {}
  return spawn(file, args, { cwd: directory, env, ...other })
}

module.exports = { build, nodeOf, parse, start }
