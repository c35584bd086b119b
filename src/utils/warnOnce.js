// @ts-check
'use strict'

/**
 * What says each thing once: programs call again and again.
 * @param {Pick<import('../..').Logger, 'warn'>} logger
 */
const createWarnOnce = logger => {
  const told = new Set()
  /** @param {string} text @param {object[]} more what goes with it into the log */
  return (text, ...more) => {
    if (told.has(text)) return
    told.add(text)
    logger.warn(text, ...more)
  }
}

module.exports = { createWarnOnce }
