// @ts-check
'use strict'

/**
 * What the documents have people type to install it, by its text: `documents.js` runs each in an empty project, or knows which part of
 * `run.js` does.
 */

const INSTALLED = [
  'npm install kafkars',
  'npm install kafkajs@npm:kafkars',
  'npm install --omit=optional',
  /^npm install path\/to\/kafkars-[\d.]+\.tgz$/,
  'npm ci --omit=dev --os=linux --cpu=arm64 --libc=glibc',
  'npm pack',
  'npm init -y',
  /^(mkdir|cd) shop$/
]

/** @param {string} text of a command */
const isInstalled = text =>
  INSTALLED.some(one => (typeof one === 'string' ? one === text : one.test(text)))

module.exports = { isInstalled }
