// @ts-check
'use strict'

/** Configs of topics, brokers, …: read, replaced, changed. */

const { KafkaJSBrokerNotFound, explained, unwrap } = require('../errors')
const { AlterConfigOperations, ConfigResourceTypes, ConfigSource } = require('../enums')
const { isCurableChange } = require('./attempts')
const { invalid, json, named, refusal, said } = require('./refusals')
const { resultsOfParts } = require('./told')
const { show } = require('../utils/show')

const RESOURCE_TYPES = Object.values(ConfigResourceTypes)
const OPERATIONS = Object.values(AlterConfigOperations)
const { BROKER, BROKER_LOGGER } = ConfigResourceTypes

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const describeConfigs = async ({
    resources,
    includeSynonyms = false,
    includeDocumentation = false
  }) => {
    checkResources(resources, { emptyName: isBroker })
    const wrong = resources.find(
      ({ configNames }) =>
        configNames != null &&
        !(Array.isArray(configNames) && configNames.every(name => typeof name === 'string'))
    )
    if (wrong) {
      invalid(`Invalid resource configNames ${said(wrong.configNames)}: ${json(wrong)}`)
    }
    checkBrokers(resources)
    const asked = resources.map(({ type, name, configNames }) => ({
      type,
      name,
      keys: configNames?.length ? configNames : null
    }))
    const found = await attempts.ofTopics('describe configs', async client =>
      resultsOf(
        unwrap(
          await client.describeConfigs(
            asked,
            Boolean(includeSynonyms),
            Boolean(includeDocumentation)
          )
        ),
        resources,
        'DESCRIBE_CONFIGS'
      )
    )
    return { resources: found.map(result => toDescription(result, includeDocumentation)) }
  }

  /** @param {any[]} resources @param {(client: import('../native').NativeClient) => Promise<any>} change */
  const alter = async (resources, change) => {
    checkBrokers(resources)
    const altered = await attempts.whole(
      'alter configs',
      async client => resultsOf(unwrap(await change(client)), resources, 'ALTER_CONFIGS'),
      { isCurable: isCurableChange }
    )
    return { resources: altered.map(toResource) }
  }

  const alterConfigs = async ({ resources, validateOnly = false }) => {
    checkResources(resources, { emptyName: isBroker })
    checkOnce(resources)
    checkEntries(
      resources,
      ({ name, value }) => typeof name === 'string' && typeof value === 'string'
    )
    const wanted = resources.map(({ type, name, configEntries }) => ({
      type,
      name,
      configs: configEntries.map(entry => ({ name: entry.name, value: entry.value }))
    }))
    return alter(resources, client => client.alterConfigs(wanted, Boolean(validateOnly)))
  }

  const incrementalAlterConfigs = async ({ resources, validateOnly = false }) => {
    checkResources(resources, { emptyName: isBroker })
    checkOnce(resources)
    checkEntries(resources, ({ name, value, operation = AlterConfigOperations.SET }) => {
      const needsNone = operation === AlterConfigOperations.DELETE && value == null
      return typeof name === 'string' && (needsNone || typeof value === 'string')
    })
    for (const resource of resources) {
      const entry = resource.configEntries.find(
        ({ operation = AlterConfigOperations.SET }) => !OPERATIONS.includes(operation)
      )
      if (entry) invalid(`Invalid config operation ${said(entry.operation)}: ${json(resource)}`)
    }
    const wanted = resources.map(({ type, name, configEntries }) => ({
      type,
      name,
      configs: configEntries.map(entry => ({
        name: entry.name,
        operation: entry.operation ?? AlterConfigOperations.SET,
        value: entry.value ?? null
      }))
    }))
    return alter(resources, client => client.incrementalAlterConfigs(wanted, Boolean(validateOnly)))
  }

  return { describeConfigs, alterConfigs, incrementalAlterConfigs }
}

const isBroker = ({ type }) => type === BROKER || type === BROKER_LOGGER

/**
 * What brokers say of the resources, in the order in which these were named. Throws what one of them has against the first that failed.
 * @param {import('../native').NativeTold<import('../native').NativeResource[]>[]} told
 * @param {any[]} resources
 * @param {string} operation the ACL operation that it takes
 */
const resultsOf = (told, resources, operation) => {
  const results = resultsOfParts(told, resources, (answer, asked) => {
    /** What is named twice, with other configs perhaps, is answered twice, in order. @type {Map<string, any[]>} */
    const found = new Map()
    for (const result of answer) {
      const key = keyOf(result.resourceType, result.resourceName)
      found.set(key, [...(found.get(key) ?? []), result])
    }
    return asked.map(({ type, name }) => found.get(keyOf(type, name))?.shift())
  })
  results.forEach((result, i) => {
    const { type, name } = resources[i]
    if (result instanceof Error) throw result
    if (result && result.errorCode !== 0) {
      const what = type === ConfigResourceTypes.TOPIC ? { topic: name } : {}
      throw refusal(result.errorCode, { ...what, operation, brokerMessage: result.errorMessage })
    }
  })
  return results.filter(Boolean)
}

const keyOf = (type, name) => `${type}:${name}`

const toResource = ({ errorCode, errorMessage, resourceType, resourceName }) => ({
  errorCode,
  errorMessage,
  resourceType,
  resourceName
})

const toDescription = (result, includeDocumentation) => ({
  ...toResource(result),
  configEntries: Array.from(result.configs, config => ({
    configName: config.name,
    configValue: config.value,
    readOnly: config.readOnly,
    isDefault: config.source === ConfigSource.DEFAULT_CONFIG,
    configSource: config.source,
    isSensitive: config.isSensitive,
    configSynonyms: Array.from(config.synonyms, synonym => ({
      configName: synonym.name,
      configValue: synonym.value,
      configSource: synonym.source
    })),
    ...(includeDocumentation && {
      configType: config.configType,
      documentation: config.documentation
    })
  }))
})

/**
 * @param {any} resources
 * @param {{ emptyName: (resource: any) => boolean }} options `emptyName`: may it be '', which stands for all brokers?
 */
const checkResources = (resources, { emptyName }) => {
  if (!resources || !Array.isArray(resources)) {
    invalid(`Invalid resources array ${named(resources)}`)
  }
  if (resources.length === 0) invalid('Resources array cannot be empty')
  const wrongType = resources.find(({ type }) => !RESOURCE_TYPES.includes(type))
  if (wrongType) {
    invalid(
      `Invalid resource type ${said(wrongType.type)}: ${json(wrongType)}`,
      'it is one of ConfigResourceTypes'
    )
  }
  const wrongName = resources.find(
    resource => typeof resource.name !== 'string' || (resource.name === '' && !emptyName(resource))
  )
  if (wrongName) invalid(`Invalid resource name ${said(wrongName.name)}: ${json(wrongName)}`)
}

/** Brokers have numbers; '' stands for all of them. @param {any[]} resources */
const checkBrokers = resources => {
  const none = resources.find(resource => isBroker(resource) && !/^\d*$/.test(resource.name))
  if (!none) return
  const error = new KafkaJSBrokerNotFound(`Broker ${none.name} not found in the cached metadata`, {
    retriable: false
  })
  throw explained(error, 'the name of a broker is its number, "1" for instance')
}

/**
 * Brokers do not answer an AlterConfigs that names a resource twice (seen on 4.3): it would time out, and all that waits behind it on
 * the connection with it.
 * @param {any[]} resources
 */
const checkOnce = resources => {
  const names = new Set()
  for (const resource of resources) {
    const name = keyOf(resource.type, resource.name)
    if (names.has(name)) {
      invalid(
        `Invalid resources array, it cannot have multiple entries for the same resource: ${json(resource)}`
      )
    }
    names.add(name)
  }
}

/** @param {any[]} resources @param {(entry: any) => boolean} isRight */
const checkEntries = (resources, isRight) => {
  const wrong = resources.find(({ configEntries }) => !Array.isArray(configEntries))
  if (wrong) {
    invalid(`Invalid resource configEntries ${said(wrong.configEntries)}: ${json(wrong)}`)
  }
  for (const resource of resources) {
    const at = resource.configEntries.findIndex(entry => !isRight(entry ?? {}))
    if (at < 0) continue
    const { name, value } = resource.configEntries[at] ?? {}
    const what = typeof name === 'string' ? `the value of "${name}"` : 'the name'
    const received = show(typeof name === 'string' ? value : name)
    invalid(
      `Invalid resource config value: ${json(resource)}`,
      `${what} has to be a text, received ${received}`
    )
  }
}
