// @ts-check
'use strict'

/** What a person sees who mistypes the command line, or connects by it in the wrong way: a row for each. */

const fs = require('node:fs')
const path = require('node:path')
const { sharedCluster, uniqueName } = require('../kafka/helpers')
const { SECRET } = require('../consumer/told')
const { run, workplace } = require('./commandLine')

/**
 * @typedef {object} Row
 * @property {string[] | (() => string[])} args
 * @property {Record<string, string | undefined>} [env]
 * @property {string} [input]
 * @property {number} code of the exit: 1 refused, 2 wrong usage, 3 nobody was reached, or the login was refused
 * @property {(string | RegExp)[]} says on standard error
 */

const file = (name, content) => {
  const at = path.join(workplace(), name)
  fs.writeFileSync(at, content)
  return at
}
const brokers = (listener, ...more) => [
  'topics',
  '--brokers',
  sharedCluster().listeners[listener][0],
  ...more
]
const trusted = () => ['--ssl', '--ssl-ca', file('trusted.pem', sharedCluster().ca)]
const asUser = (mechanism = 'plain') => [
  '--sasl-mechanism',
  mechanism,
  '--sasl-username',
  Object.keys(sharedCluster().users)[0]
]
const PASSWORD = { KAFKARS_SASL_PASSWORD: SECRET }
const NOBODY = ['--brokers', '127.0.0.1:1']
const unknown = uniqueName('unknown')
const see = command => `See: kafkars help${command ? ` ${command}` : ''}`

/** @type {Record<string, Row>} */
// prettier-ignore
const MISTAKES = {
  'a command that there is not': { args: ['topcis'], code: 2, says: ['There is no command "topcis": did you mean "topics"?', see('')] },
  'an option that there is not': { args: ['topics', '--brocker', 'h:1'], code: 2, says: ['There is no option "--brocker": did you mean "--brokers"?', see('topics')] },
  'an option without its value': { args: ['topics', '--brokers'], code: 2, says: ['--brokers', see('topics')] },
  'a topic that is missing': { args: ['topic'], code: 2, says: ['Usage: kafkars topic NAME', see('topic')] },
  'a topic too many': { args: ['topic', 'a', 'b'], code: 2, says: ['Usage: kafkars topic NAME'] },
  'a number that is none': { args: ['tail', 'a', '--max', 'x'], code: 2, says: ['--max', see('tail')] },
  'a time with a unit': { args: ['topics', '--timeout', '5s'], code: 2, says: ['--timeout 5s: not ms'] },
  'no brokers': { args: ['topics'], env: { KAFKARS_BROKERS: undefined }, code: 2, says: ['Which brokers? Give --brokers host:port, KAFKARS_BROKERS, or a kafkars.json'] },
  'a broker without a port': { args: ['topics', '-b', 'localhost'], code: 2, says: ['expected "host:port", received "localhost": the port is missing'] },
  'a broker that is a URL with a password': { args: ['topics', '-b', `kafka://u:${SECRET}@h:9092`], code: 2, says: ['received "kafka://…@h:9092"', 'leave out the scheme'] },
  'a config that there is not': { args: ['topics', '--config', 'nope.json'], code: 2, says: ['nope.json', see('topics')] },
  'a config that is no JSON': { args: () => ['topics', '--config', file('broken.json', `{ "sasl": { "password": "${SECRET}" `)], code: 2, says: ['broken.json', see('topics')] },
  'an authority that there is not': { args: ['topics', '--ssl-ca', 'nope.pem'], code: 2, says: ['nope.pem', see('topics')] },
  'a mechanism without a username': { args: ['topics', ...NOBODY, '--sasl-mechanism', 'plain'], code: 2, says: ['SASL needs a username: KAFKARS_SASL_USERNAME, or --sasl-username'] },
  'an option that nobody knows': { args: ['topics', '--password', 'x'], code: 2, says: ['There is no option "--password"', see('topics')] },
  'a mechanism without a password': { args: () => brokers('saslSsl', ...trusted(), ...asUser()), code: 2, says: ['sasl-password-file', 'KAFKARS_SASL_PASSWORD'] },
  'a line that is no message': { args: () => ['produce', unknown, '--json'], input: '{x', code: 2, says: ['Line 1 is no message'] },
  'nobody who listens': { args: ['topics', ...NOBODY], code: 3, says: ['ECONNREFUSED 127.0.0.1:1', 'Nobody listens there'] },
  'nobody who listens, to send to': { args: ['produce', 'x', ...NOBODY], input: 'x\n', code: 3, says: ['ECONNREFUSED 127.0.0.1:1', 'Nobody listens there'] },
  'nobody who listens, to read from': { args: ['tail', 'x', ...NOBODY, '--end'], code: 3, says: ['ECONNREFUSED 127.0.0.1:1', 'Nobody listens there'] },
  'a host that there is not': { args: ['topics', '-b', 'no-such-host.invalid:9092'], code: 3, says: ['no-such-host.invalid', /No such host|The name server does not answer/] },
  'an authority that nobody trusts': { args: () => brokers('ssl', '--ssl', '--ssl-ca', file('other.pem', sharedCluster().otherCa)), code: 3, says: ['unable to verify', '--ssl-ca'] },
  'TLS to a listener without it': { args: () => brokers('plaintext', '--ssl'), code: 3, says: ['is this a listener with TLS?'] },
  'plain text to a listener with TLS': { args: () => brokers('ssl'), code: 3, says: ['this is a listener with TLS'] },
  'no SASL to a listener with it': { args: () => brokers('oauth'), code: 3, says: ['does this listener want SASL?'] },
  'SASL to a listener without it': { args: () => brokers('plaintext', ...asUser()), env: PASSWORD, code: 1, says: ['is a listener without SASL', 'leave it out'] },
  'a wrong password': { args: () => brokers('saslSsl', ...trusted(), ...asUser()), env: PASSWORD, code: 3, says: ['Invalid username or password', 'User, password or mechanism is wrong'] },
  'a wrong password, by SCRAM': { args: () => brokers('saslSsl', ...trusted(), ...asUser('scram-sha-512')), env: PASSWORD, code: 3, says: ['invalid credentials', 'User, password or mechanism is wrong'] },
  'a mechanism that the listener does not offer': { args: () => brokers('saslSsl', ...trusted(), ...asUser('scram-sha-1')), env: PASSWORD, code: 1, says: ['SCRAM-SHA-1 was asked for', '--sasl-mechanism'] },
  'a topic that there is not': { args: ['topic', unknown], code: 1, says: ['does not host this topic-partition', unknown, 'There is no such topic'] },
  'a topic that there is not, to read': { args: ['tail', unknown, '--end'], code: 1, says: [unknown, 'There is no such topic'] },
  'a name that no topic can have': { args: ['produce', 'a b'], input: 'x\n', code: 1, says: ['"a b": a name has 1 to 249'] },
  'a group that there is not': { args: ['lag', unknown], code: 1, says: [unknown] },
  'a topic that there is not, to seek': { args: ['seek', unknown, unknown, '--to', 'earliest', '--dry-run'], code: 1, says: ['does not host this topic-partition', 'There is no such topic'] },
  'a seek that nobody confirms': { args: ['seek', unknown, unknown, '--to', 'earliest'], code: 2, says: ['There is nobody to ask: give --yes, or --dry-run'] }
}

it.each(Object.entries(MISTAKES))('%s', async (_, { args, env, input, code, says }) => {
  const given = typeof args === 'function' ? args() : args
  const told = await run(given, { env: /** @type {any} */ (env), input })
  for (const part of says) {
    if (typeof part === 'string') expect(told.stderr).toContain(part)
    else expect(told.stderr).toMatch(part)
  }
  expect(told.code).toBe(code)
  expect(told.stderr.length).toBeLessThan(900)
  // Of a mistake nobody wants to see where in our code it was found.
  expect(told.stderr).not.toMatch(/\n {4}at |undefined|\[object/)
  expect(told.stdout + told.stderr).not.toContain(SECRET)
})

it('a password is in no line either that the client logs', async () => {
  const args = brokers('saslSsl', ...trusted(), ...asUser(), '--verbose')
  const { code, stdout, stderr } = await run(args, { env: PASSWORD })
  expect(code).toBe(3)
  expect(stderr).toContain('Invalid username or password')
  expect(stdout + stderr).not.toContain(SECRET)
})
