// @ts-check
'use strict'

/**
 * Is it a handler that calls? One that asks for the consumer's end must not be waited for: it would wait for itself.
 *
 * V8 keeps the chain of awaiting async functions for its stack traces at no cost. The chain breaks in callbacks, and where a
 * tracer listens to a handler's promise as well. AsyncLocalStorage knows these too, but in a process that does not use it yet, it
 * makes every promise slower, and every message costs more by that than by all else that JavaScript does for it. So it serves
 * where the process uses it anyway, and where a handler is no async function: the promise of that one is of its own making, or
 * of a compiler's that knows no async functions, and no chain leads to it.
 */

const { AsyncLocalStorage, executionAsyncId } = require('node:async_hooks')

/** The runner whose handler is at work. @type {AsyncLocalStorage<Handlers>} */
const working = new AsyncLocalStorage()

/** Since Node 24, contexts are V8's own and cost next to nothing. */
const IS_FREE = Number(process.versions.node.split('.')[0]) >= 24

let last = 0

/** The handlers of one runner, as callers. */
class Handlers {
  /** @param {Function | null} [handler] the user's */
  constructor(handler) {
    this.name = `kafkars.runner.${last++}.handler`
    this.tracked = IS_FREE || (handler != null && !isAsync(handler))
  }

  /** Finds out whether this process keeps track of contexts; until then, stacks are all there is. */
  async look() {
    await null
    // Behind an await, it is 0 as long as no AsyncLocalStorage is in use.
    this.tracked ||= executionAsyncId() !== 0
  }

  /**
   * The function under a name by which it is found in stacks, and in a context of its own where contexts are tracked.
   * @param {(what?: any) => Promise<void>} handle awaits the user's handler
   */
  named(handle) {
    const named = async what => {
      await (this.tracked ? working.run(this, handle, what) : handle(what))
    }
    Object.defineProperty(named, 'name', { value: this.name })
    return named
  }

  /** Does one of them (transitively) make this call, or await it? */
  areCalling() {
    return working.getStore() === this || callers().includes(this.name)
  }
}

/** Also true of an async function that is bound, or behind a Proxy. @param {Function} handler */
const isAsync = handler => Object.prototype.toString.call(handler) === '[object AsyncFunction]'

/** The names of all functions that call this one, or await it. */
const callers = () => {
  const { stackTraceLimit } = Error
  const prepareStackTrace = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  // Not by assignment: where `Error` is frozen, that throws, and the stack is as long as it is.
  Reflect.set(Error, 'stackTraceLimit', Infinity)
  // A program may leave the frames of libraries out of its stacks.
  Reflect.set(Error, 'prepareStackTrace', namesOf)
  const { stack } = new Error()
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
  if (prepareStackTrace) Reflect.defineProperty(Error, 'prepareStackTrace', prepareStackTrace)
  else Reflect.deleteProperty(Error, 'prepareStackTrace')
  return String(stack)
}

/** @param {Error} _ @param {NodeJS.CallSite[]} frames */
const namesOf = (_, frames) => frames.map(frame => frame.getFunctionName()).join('\n')

module.exports = Handlers
