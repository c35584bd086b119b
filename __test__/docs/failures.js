// @ts-check
'use strict'

/**
 * Examples of errors in the documents: paragraphs of a block that end with what they fail with,
 *
 *     await admin.deleteTopics({ topics: ['no-such-topic'] })
 *     // KafkaJSProtocolError: This server does not host this topic-partition: …
 *     // { code: 3, helpUrl: '…#topics' }
 *
 * what its stack begins with (name, message, what it goes on with), and some of its properties. "…" stands for anything.
 */

const { runInNewContext } = require('node:vm')

/** @typedef {{ page: string, line: number, code: string, calls: string | null, name: string, message: string, has: any }} Failure */

const ERROR = /^\/\/ (\w*Error|KafkaJS\w+): (.*)\n\/\/ (\{[^]*\})$/m

/** @param {import('./blocks').Block} block */
const showsFailures = ({ code }) => ERROR.test(code.trim().split('\n\n')[0])

/** @param {import('./blocks').Block} block @returns {Failure[]} */
const failuresOf = ({ page, line, code }) => {
  let at = line
  return code
    .trim()
    .split('\n\n')
    .map(paragraph => {
      const [, name, message, has] = ERROR.exec(paragraph) ?? []
      if (!name) throw new Error(`${page}:${at} does not say what it fails with`)
      const [, calls = null] =
        /\b(?:admin|unreachable)\.(\w+)\(/.exec(withoutFirst(paragraph)) ?? []
      const properties = JSON.parse(JSON.stringify(runInNewContext(`(${has})`)))
      const failure = { page, line: at, code: paragraph, calls, name, message, has: properties }
      at += paragraph.split('\n').length + 1
      return failure
    })
}

/** Of `Promise.all([admin.a(), admin.b()])` the last is meant. @param {string} paragraph */
const withoutFirst = paragraph => paragraph.replace(/Promise\.all\(\[admin\.\w+\(\), /, '')

/** A text with "…" in it. @param {string} text @returns {RegExp} */
const pattern = text => new RegExp(`^${text.split('…').map(escape).join('[^]*')}$`)

/** @param {string} text */
const escape = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

module.exports = { failuresOf, pattern, showsFailures }
