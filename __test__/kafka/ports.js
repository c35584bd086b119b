// @ts-check
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

/**
 * Free loopback ports, each given once: that of a broker that is down looks free, and another cluster that took it meanwhile would be in
 * the way of the restart. So who is given one claims it for as long as the process lives, by a file with the process's number.
 *
 * They lie below the range from which systems serve outgoing connections (Linux: 32768 and up): while a broker
 * is down, a client's attempt to reach it could otherwise be given the broker's own port, and either connect
 * to itself or be in the way of the restart.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
const freePorts = async count => {
  const ports = []
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (claim(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

/** @param {number} port @returns {boolean} was it nobody's? */
const claim = port => {
  fs.mkdirSync(CLAIMS, { recursive: true })
  const file = path.join(CLAIMS, String(port))
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    // Whoever comes by next may have that of a process that has ended.
    if (!lives(owner(file))) fs.rmSync(file, { force: true })
    return false
  }
}

/** @param {string} file @returns {number} a process; 0, which always lives, while the file is being written or removed */
const owner = file => {
  try {
    return Number(fs.readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}

/** @param {number} pid */
const lives = pid => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** @param {number} port */
const isFree = port =>
  new Promise(resolve => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const FIRST = 15000
const LAST = 32000
/** Of all checkouts on this machine. */
const CLAIMS = path.join(os.tmpdir(), 'kafkars-ports')

module.exports = { CLAIMS, FIRST, LAST, freePorts, lives }
