// @ts-check
'use strict'

/**
 * What the engine has been asked and has not answered yet. It answers each question once, by its ticket, in the order of its
 * events: COMMIT_OFFSETS is told before the commit ends.
 */

/** @typedef {import('../native').NativeFailure} NativeFailure */
/** @typedef {import('./commits').Commit} Commit */

class Questions {
  constructor() {
    /** @type {Map<number, { resolve: (failure: NativeFailure | null) => void, commit: Commit | null }>} */
    this.open = new Map()
  }

  /**
   * @param {number | NativeFailure} asked the ticket, or why there will be no answer
   * @param {Commit | null} [commit] what is to be committed
   * @returns {Promise<NativeFailure | null>}
   */
  ask(asked, commit = null) {
    if (typeof asked !== 'number') return Promise.resolve(asked)
    return new Promise(resolve => this.open.set(asked, { resolve, commit }))
  }

  /** @param {number} ticket @param {NativeFailure | null} failure */
  answer(ticket, failure) {
    const question = this.open.get(ticket)
    this.open.delete(ticket)
    question?.resolve(failure)
  }

  /** @param {number | null} ticket @returns {Commit | null} what this question is to commit */
  commitOf(ticket) {
    return (ticket !== null && this.open.get(ticket)?.commit) || null
  }
}

module.exports = { Questions }
