'use strict'

/**
 * The native addon, described by `native.d.ts`. It is loaded when one of its classes is first used, so that requiring the
 * package never fails.
 */

let addon = null

/** @throws {Error} when there is no addon for this platform; `cause` says what was tried */
const load = () => {
  if (addon === null) {
    try {
      addon = require('./binding')
    } catch (cause) {
      const platform = `${process.platform}-${process.arch}`
      throw new Error(
        `kafkars: the native addon for ${platform} (Node ${process.versions.node}) could not be loaded. ` +
          'Install again without --omit=optional, or run "npm run build" in a checkout',
        { cause }
      )
    }
  }
  return addon
}

module.exports = {
  get NativeClient() {
    return load().NativeClient
  },
  get NativeConsumer() {
    return load().NativeConsumer
  }
}
