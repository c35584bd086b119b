'use strict'

/**
 * Reads with kafkars, writes and administers with kafkajs, under one class: for programs and libraries that make producers
 * and consumers of the same `Kafka`. kafkars is installed as `kafkajs`, and kafkajs as `kafkajs-original`.
 */

const kafkars = require('kafkajs')
const kafkajs = require('kafkajs-original')

class Kafka extends kafkars.Kafka {
  constructor(config) {
    super(config)
    this.kafkajs = new kafkajs.Kafka(config)
  }

  producer(config) {
    return this.kafkajs.producer(config)
  }

  admin(config) {
    return this.kafkajs.admin(config)
  }
}

// Libraries that make their own, NestJS for instance, find it there.
kafkars.Kafka = Kafka

module.exports = { Kafka }
