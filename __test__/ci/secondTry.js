// @ts-check
'use strict'

/**
 * For every file of specs on a broker, or of what a process has left, in CI: a spec that fails is run once more at its
 * file's end, and its first failure is printed. A real cluster on a shared machine has hiccups that say nothing about a
 * change; `unsteady.js` sees to it that they are not taken for health.
 */

jest.retryTimes(1, { logErrorsBeforeRetry: true })
