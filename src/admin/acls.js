// @ts-check
'use strict'

/** Who may do what: ACLs, written, read, deleted. */

const { unwrap } = require('../errors')
const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes
} = require('../enums')
const { isCurableChange } = require('./attempts')
const { invalid, json, named, refusal, said } = require('./refusals')

/** Keys of a rule → their values, and the name of these, in the order in which kafkajs looks at them. @type {[string, string, number[], string][]} */
const ENUMS = [
  ['operation', 'operation type', Object.values(AclOperationTypes), 'AclOperationTypes'],
  [
    'resourcePatternType',
    'resource pattern type',
    Object.values(ResourcePatternTypes),
    'ResourcePatternTypes'
  ],
  ['permissionType', 'permission type', Object.values(AclPermissionTypes), 'AclPermissionTypes'],
  ['resourceType', 'resource type', Object.values(AclResourceTypes), 'AclResourceTypes']
]

const TEXTS = ['principal', 'host', 'resourceName']

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const createAcls = async ({ acl }) => {
    if (!acl || !Array.isArray(acl)) invalid(`Invalid ACL array ${named(acl)}`)
    if (acl.length === 0) invalid('Empty ACL array')
    checkRules(acl, 'ACL array', value => typeof value === 'string')
    const results = await attempts.whole(
      'create ACL',
      async client => Array.from(unwrap(await client.createAcls(acl.map(toNative)))),
      { isCurable: isCurableChange }
    )
    results.forEach(({ errorCode, errorMessage }, i) => {
      if (errorCode !== 0) {
        throw Object.assign(refused(errorCode, 'ALTER', errorMessage), { acl: acl[i] })
      }
    })
    return true
  }

  const describeAcls = async filter => {
    for (const key of TEXTS) {
      if (!isTextOrAny(filter[key])) invalid(`Invalid ${key}, the ${key} have to be a valid string`)
    }
    for (const [key, what, values, all] of ENUMS) {
      const title = key === 'resourcePatternType' ? 'resource pattern filter type' : what
      if (!values.includes(filter[key])) {
        invalid(`Invalid ${title} ${said(filter[key])}`, `it is one of ${all}`)
      }
    }
    const answer = await attempts.whole('describe ACL', async client => {
      const told = unwrap(await client.describeAcls(toNativeFilter(filter)))
      if (told.errorCode !== 0) throw refused(told.errorCode, 'DESCRIBE', told.errorMessage)
      return told
    })
    const resources = Array.from(
      answer.resources,
      ({ resourceType, resourceName, patternType, acls }) => ({
        resourceType,
        resourceName,
        resourcePatternType: patternType,
        acls: Array.from(acls, ({ principal, host, operation, permissionType }) => ({
          principal,
          host,
          operation,
          permissionType
        }))
      })
    )
    return { resources }
  }

  const deleteAcls = async ({ filters }) => {
    if (!filters || !Array.isArray(filters)) invalid(`Invalid ACL Filter array ${named(filters)}`)
    if (filters.length === 0) invalid('Empty ACL Filter array')
    checkRules(filters, 'ACL Filter array', isTextOrAny)
    const answers = await attempts.whole(
      'delete ACL',
      async client => Array.from(unwrap(await client.deleteAcls(filters.map(toNativeFilter)))),
      { isCurable: isCurableChange }
    )
    answers.forEach(({ errorCode, errorMessage }, i) => {
      if (errorCode !== 0) {
        throw Object.assign(refused(errorCode, 'ALTER', errorMessage), { filter: filters[i] })
      }
    })
    const filterResponses = answers.map(({ errorCode, errorMessage, acls }) => ({
      errorCode,
      errorMessage,
      matchingAcls: Array.from(acls, ({ acl, ...result }) => ({
        errorCode: result.errorCode,
        errorMessage: result.errorMessage,
        resourceType: acl.resourceType,
        resourceName: acl.resourceName,
        resourcePatternType: acl.patternType,
        principal: acl.principal,
        host: acl.host,
        operation: acl.operation,
        permissionType: acl.permissionType
      }))
    }))
    return { filterResponses }
  }

  return { createAcls, describeAcls, deleteAcls }
}

const isTextOrAny = value => typeof value === 'string' || value === undefined

/** @param {any[]} rules @param {string} what @param {(value: any) => boolean} isText */
const checkRules = (rules, what, isText) => {
  for (const key of TEXTS) {
    if (rules.some(rule => !isText(rule[key]))) {
      invalid(`Invalid ${what}, the ${key}s have to be a valid string`)
    }
  }
  for (const [key, name, values, all] of ENUMS) {
    const wrong = rules.find(rule => !values.includes(rule[key]))
    if (wrong) {
      invalid(`Invalid ${name} ${said(wrong[key])}: ${json(wrong)}`, `it is one of ${all}`)
    }
  }
}

const refused = (code, operation, brokerMessage) => refusal(code, { operation, brokerMessage })

const toNative = rule => ({
  resourceType: rule.resourceType,
  resourceName: rule.resourceName,
  patternType: rule.resourcePatternType,
  principal: rule.principal,
  host: rule.host,
  operation: rule.operation,
  permissionType: rule.permissionType
})

const toNativeFilter = filter => {
  const { resourceName = null, principal = null, host = null, ...rest } = toNative(filter)
  return { ...rest, resourceName, principal, host }
}
