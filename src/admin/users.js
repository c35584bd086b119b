// @ts-check
'use strict'

/** Users of SCRAM: which credentials they have, given and taken. */

const { pbkdf2, randomBytes } = require('node:crypto')
const { promisify } = require('node:util')
const { unwrap } = require('../errors')
const { ScramMechanisms } = require('../enums')
const { failuresOf, isCurableChange } = require('./attempts')
const { invalid, named, refusal, said, together } = require('./refusals')

/** Of `RESOURCE_NOT_FOUND`: a user without credentials. */
const RESOURCE_NOT_FOUND = 91

/** How often a password is hashed: brokers take no less. */
const LEAST_ITERATIONS = 4096
const MOST_ITERATIONS = 16384

const SALT_BYTES = 16

/** Mechanism → its hash, and how long it is. @type {Record<number, [string, number]>} */
const HASHES = {
  [ScramMechanisms.SCRAM_SHA_256]: ['sha256', 32],
  [ScramMechanisms.SCRAM_SHA_512]: ['sha512', 64]
}

const hash = promisify(pbkdf2)

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const describeUserScramCredentials = async (
    /** @type {{ users?: string[] }} */ { users } = {}
  ) => {
    if (users !== undefined && !areTexts(users)) {
      invalid('Invalid users array, the users have to be a valid string')
    }
    const answer = await attempts.whole('describe SCRAM credentials', async client => {
      // To ask for none is to ask for all.
      const told = unwrap(await client.describeScramCredentials(users?.length ? users : null))
      if (told.errorCode !== 0) {
        throw refusal(told.errorCode, { operation: 'DESCRIBE', brokerMessage: told.errorMessage })
      }
      return told
    })
    return {
      users: Array.from(answer.users, ({ name, errorCode, errorMessage, credentials }) => {
        if (errorCode !== 0 && errorCode !== RESOURCE_NOT_FOUND) {
          throw refusal(errorCode, { user: name, brokerMessage: errorMessage })
        }
        return {
          user: name,
          credentials: Array.from(credentials, ({ mechanism, iterations }) => ({
            mechanism,
            iterations
          }))
        }
      })
    }
  }

  const alterUserScramCredentials = async ({ upsertions = [], deletions = [] }) => {
    if (!Array.isArray(upsertions)) invalid(`Invalid upsertions array ${named(upsertions)}`)
    if (!Array.isArray(deletions)) invalid(`Invalid deletions array ${named(deletions)}`)
    if (upsertions.length + deletions.length === 0) return
    for (const { user, mechanism } of [...upsertions, ...deletions]) {
      if (!user || typeof user !== 'string') invalid(`Invalid user ${named(user)}`)
      if (!Object.hasOwn(HASHES, said(mechanism))) {
        invalid(
          `Invalid SCRAM mechanism ${said(mechanism)} of user "${user}"`,
          'it is one of ScramMechanisms'
        )
      }
    }
    const credentials = await Promise.all(upsertions.map(toCredential))
    const users = [...new Set([...upsertions, ...deletions].map(({ user }) => user))]
    const gone = deletions.map(({ user, mechanism }) => ({ name: user, mechanism }))
    const results = await attempts.inParts(
      'alter SCRAM credentials',
      users,
      async (client, wanted, { lost }) => {
        const ofThese = ({ name }) => wanted.includes(name)
        const told = unwrap(
          await client.alterScramCredentials(gone.filter(ofThese), credentials.filter(ofThese))
        )
        const found = new Map(Array.from(told, result => [result.name, result]))
        return wanted.map(user => {
          const { errorCode = 0, errorMessage = null } = found.get(user) ?? {}
          // By an attempt of ours whose answer was lost.
          const isGone = lost && errorCode === RESOURCE_NOT_FOUND
          return (
            errorCode === 0 ||
            isGone ||
            refusal(errorCode, { user, operation: 'ALTER', brokerMessage: errorMessage })
          )
        })
      },
      { isCurable: isCurableChange }
    )
    const errors = failuresOf(results)
    if (errors.length > 0) {
      throw together('Errors altering SCRAM credentials', errors)
    }
  }

  return { describeUserScramCredentials, alterUserScramCredentials }
}

/** What the broker keeps of a password: it never sees the password itself. */
const toCredential = async ({ user, mechanism, password, iterations = LEAST_ITERATIONS, salt }) => {
  if (
    (typeof password !== 'string' && !(password instanceof Uint8Array)) ||
    password.length === 0
  ) {
    invalid(`Invalid password of user "${user}"`, 'it has to be a text or bytes, and not empty')
  }
  if (
    !Number.isInteger(iterations) ||
    iterations < LEAST_ITERATIONS ||
    iterations > MOST_ITERATIONS
  ) {
    invalid(
      `Invalid iterations ${said(iterations)} of user "${user}", they have to be between ${LEAST_ITERATIONS} and ${MOST_ITERATIONS}`
    )
  }
  if (salt !== undefined && (!(salt instanceof Uint8Array) || salt.length === 0)) {
    invalid(`Invalid salt of user "${user}"`)
  }
  const [digest, length] = HASHES[mechanism]
  const salted = salt ?? randomBytes(SALT_BYTES)
  const saltedPassword = await hash(password, salted, iterations, length, digest)
  return { name: user, mechanism, iterations, salt: salted, saltedPassword }
}

const areTexts = texts =>
  Array.isArray(texts) && texts.every(text => text && typeof text === 'string')
