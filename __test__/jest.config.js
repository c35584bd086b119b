// @ts-check
const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  // The sources run as they are.
  transform: {}
}

/**
 * unit   needs neither a broker nor the addon
 * bridge needs the addon
 * kafka  shares one real broker, which is started for the run (or KAFKA_BROKERS, KAFKA_FIXTURE); specs that
 *        stop brokers start a cluster of their own
 *
 * @type {import('jest').Config}
 */
module.exports = {
  maxWorkers: 1,
  testTimeout: 120_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/unit/**/*.test.js']
    },
    {
      ...common,
      displayName: 'bridge',
      testMatch: ['<rootDir>/bridge/**/*.test.js']
    },
    {
      ...common,
      displayName: 'kafka',
      testMatch: ['<rootDir>/{consumer,issues,examples,kafka}/**/*.test.js'],
      globalSetup: '<rootDir>/kafka/globalSetup.js',
      globalTeardown: '<rootDir>/kafka/globalTeardown.js'
    }
  ]
}
