// @ts-check
'use strict'

/** How much users and clients may use. */

const { unwrap } = require('../errors')
const { failuresOf, isCurableChange } = require('./attempts')
const { invalid, json, named, refusal, together } = require('./refusals')

/** Keys of entities → the protocol's names for them. */
const TYPES = { user: 'user', clientId: 'client-id', ip: 'ip' }

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const describeClientQuotas = async ({ entity = {}, strict = false } = {}) => {
    const components = partsOf(entity, 'filter').map(({ type, name }) => ({
      type,
      name: name === true ? null : name,
      any: name === true
    }))
    const answer = await attempts.whole('describe quotas', async client => {
      const told = unwrap(await client.describeQuotas(components, Boolean(strict)))
      if (told.errorCode !== 0) {
        throw refusal(told.errorCode, {
          operation: 'DESCRIBE_CONFIGS',
          brokerMessage: told.errorMessage
        })
      }
      return told
    })
    return {
      quotas: Array.from(answer.entries, entry => ({
        entity: toEntity(entry.entity),
        values: Object.fromEntries(Array.from(entry.values, ({ key, value }) => [key, value]))
      }))
    }
  }

  const alterClientQuotas = async ({ quotas, validateOnly = false }) => {
    if (!Array.isArray(quotas) || quotas.length === 0) {
      invalid(`Invalid quotas array ${named(quotas)}`)
    }
    const wanted = quotas.map(({ entity, values }) => {
      const parts = partsOf(entity, 'entity')
      if (parts.length === 0) invalid(`Invalid quota entity ${json(entity)}`)
      if (values === null || typeof values !== 'object') {
        invalid(`Invalid quota values ${named(values)}`)
      }
      const ops = Object.entries(values).map(([key, value]) => {
        if (value !== null && (typeof value !== 'number' || !Number.isFinite(value))) {
          invalid(
            `Invalid quota ${key}: ${json(value)}, it has to be a number, or null to remove it`
          )
        }
        return { key, value }
      })
      return { entity: parts, ops }
    })
    const results = await attempts.inParts(
      'alter quotas',
      wanted,
      async (client, asked) => {
        const told = unwrap(await client.alterQuotas(asked, Boolean(validateOnly)))
        const found = new Map(Array.from(told, result => [keyOf(result.entity), result]))
        return asked.map(({ entity }) => {
          // What a broker leaves out it has nothing against.
          const { errorCode, errorMessage } = found.get(keyOf(entity)) ?? NO_ERROR
          const what = { operation: 'ALTER_CONFIGS', brokerMessage: errorMessage }
          return (
            errorCode === 0 || Object.assign(refusal(errorCode, what), { entity: toEntity(entity) })
          )
        })
      },
      { isCurable: isCurableChange }
    )
    const errors = failuresOf(results)
    if (errors.length > 0) throw together('Errors altering client quotas', errors)
  }

  return { describeClientQuotas, alterClientQuotas }
}

/**
 * `{ user: 'a', clientId: null }` as the protocol has it. A name of null is the default of the type; in a filter, true is any name.
 * @param {any} entity
 * @param {'entity' | 'filter'} what
 */
const partsOf = (entity, what) => {
  if (entity === null || typeof entity !== 'object') {
    invalid(`Invalid quota ${what} ${named(entity)}`)
  }
  const given = Object.entries(entity).filter(([, name]) => name !== undefined)
  return given.map(([key, name]) => {
    const isName = typeof name === 'string' || name === null || (name === true && what === 'filter')
    if (!Object.hasOwn(TYPES, key) || !isName) {
      invalid(`Invalid quota ${what} ${json(entity)}, it has to have names by user, clientId or ip`)
    }
    return { type: TYPES[key], name }
  })
}

const NO_ERROR = { errorCode: 0, errorMessage: null }

/** The same for the same entity, in whichever order a broker names its parts. */
const keyOf = parts => JSON.stringify(Array.from(parts, ({ type, name }) => [type, name]).sort())

const toEntity = parts => {
  const keys = Object.fromEntries(Object.entries(TYPES).map(([key, type]) => [type, key]))
  return Object.fromEntries(Array.from(parts, ({ type, name }) => [keys[type] ?? type, name]))
}
