// @ts-check
'use strict'

/**
 * kafkajs's queue of requests keeps a timer running. Programs mend that when they begin, by another method in the place of
 * this one, and would end if they did not find it. Nobody makes such a queue here: the engine has its own.
 */
class RequestQueue {
  scheduleCheckPendingRequests() {}
}

module.exports = RequestQueue
