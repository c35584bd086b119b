// @ts-check
/**
 * Clusters that spec files hand on to each other: to start brokers costs more than most specs do. Each process has its own
 * (`consumer/environment.js`), and at most one of a kind that nobody uses. What is lent is whole: all nodes run, all proxies are
 * healed, no topic is left of those before. Groups and leaders are as they have left them. What a spec has failed on goes to
 * nobody else.
 */
const { startCluster } = require('.')
const { ADMIN_TIMEOUT, waitFor, withAdmin } = require('./helpers')

/** Nobody may come any more, and brokers at rest cost processor time, too, ms. */
const IDLE = 45_000

/** @type {Map<string, { cluster: import('.').Cluster, timer: NodeJS.Timeout }>} by what it was started with */
const free = new Map()

/**
 * @param {import('.').ClusterOptions} options
 * @param {() => boolean} isSpoilt
 * @returns {Promise<import('.').Cluster>} `stop` hands it on, unless it is spoilt by then
 */
const lendCluster = async (options, isSpoilt) => {
  // Who does not want the proxies leaves them alone.
  const wanted = { ...options, proxied: true }
  const kind = JSON.stringify(Object.entries(wanted).sort())
  const cluster = (await take(kind)) ?? (await startCluster(wanted))
  return { ...cluster, stop: () => (isSpoilt() ? cluster.stop() : giveBack(kind, cluster)) }
}

/** @param {import('.').Cluster} cluster */
const hasCrashed = ({ nodes }) => nodes.some(({ crashed }) => crashed)

/** @param {string} kind */
const take = async kind => {
  const entry = free.get(kind)
  if (!entry) return undefined
  clearTimeout(entry.timer)
  free.delete(kind)
  const { cluster } = entry
  // It says why.
  if (hasCrashed(cluster)) await cluster.stop()
  await Promise.all(cluster.nodes.map(node => node.start()))
  await cluster.ready()
  await withAdmin(cluster.brokers, removeTopics)
  return cluster
}

/** @param {string} kind @param {import('.').Cluster} cluster */
const giveBack = async (kind, cluster) => {
  if (free.has(kind) || hasCrashed(cluster)) return cluster.stop()
  for (const node of cluster.nodes) await node.sigcont()
  for (const proxy of cluster.proxies) await proxy.heal()
  const timer = setTimeout(() => {
    free.delete(kind)
    cluster.stop().catch(console.error)
  }, IDLE)
  free.set(kind, { cluster, timer: timer.unref() })
}

/** @param {import('kafkajs').Admin} admin */
const removeTopics = async admin => {
  const left = async () => (await admin.listTopics()).filter(topic => !topic.startsWith('__'))
  const topics = await left()
  if (topics.length === 0) return
  await admin.deleteTopics({ topics, timeout: ADMIN_TIMEOUT })
  await waitFor(async () => (await left()).length === 0, {
    message: 'the topics of others are gone'
  })
}

module.exports = { lendCluster }
