'use strict'

/** Orders of a made-up shop: the same seed gives the same orders, down to the byte. */

const SEED = 20_260_101
const COUNTRIES = ['AT', 'BE', 'CH', 'CZ', 'DE', 'DK', 'ES', 'FR', 'IT', 'NL', 'PL', 'SE']
const GOODS = ['espresso', 'filter', 'grinder', 'kettle', 'scale', 'server', 'tamper', 'teapot']
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered', 'returned']
const CUSTOMERS = 5000

/**
 * @typedef {object} Order
 * @property {number} id 0, 1, 2, …
 * @property {string} customer
 * @property {string} status
 * @property {string} placedAt ISO 8601
 * @property {string} country
 * @property {{ sku: string, quantity: number, cents: number }[]} items
 * @property {number} totalCents
 */

/**
 * @param {number} count
 * @returns {Generator<Order, void>}
 */
function* orders(count) {
  const random = generator(SEED)
  const upTo = (/** @type {number} */ n) => Math.floor(random() * n)
  const one = (/** @type {string[]} */ of) => of[upTo(of.length)]
  const start = Date.UTC(2026, 0, 1)
  for (let id = 0; id < count; id++) {
    const items = Array.from({ length: 1 + upTo(4) }, () => ({
      sku: `${one(GOODS)}-${100 + upTo(900)}`,
      quantity: 1 + upTo(3),
      cents: 490 + 10 * upTo(2000)
    }))
    yield {
      id,
      customer: `customer-${upTo(CUSTOMERS)}`,
      status: one(STATUSES),
      placedAt: new Date(start + id * 850 + upTo(850)).toISOString(),
      country: one(COUNTRIES),
      items,
      totalCents: items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0)
    }
  }
}

/**
 * The Kafka record of an order.
 * @param {Order} order
 */
const recordOf = order => ({
  key: order.customer,
  value: JSON.stringify(order),
  headers: { type: `order.${order.status}`, trace: traceOf(order.id) }
})

/** @param {number} id */
const traceOf = id => `trace-${id.toString(36)}`

/**
 * Mulberry32: small, seeded, good enough for a shop.
 * @param {number} seed
 * @returns {() => number} from 0 to 1
 */
const generator = seed => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

module.exports = { orders, recordOf, traceOf }
