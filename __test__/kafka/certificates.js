// @ts-check
/**
 * X.509 certificates for the listeners, the clients, and for specs that need a bad one: expired, for another
 * host, of an authority that nobody trusts. Node signs but does not write certificates, and the four
 * structures of DER that one is made of take less than the commands of any tool.
 */
const crypto = require('node:crypto')
const { isIP } = require('node:net')

/**
 * @typedef {object} Issued
 * @property {string} cert PEM
 * @property {string} key  PEM, PKCS#8
 */

/**
 * @typedef {object} Subject
 * @property {string} name       the common name
 * @property {string[]} [hosts]  DNS names and IPv4 addresses it is good for
 * @property {Date} [notBefore]  default: yesterday
 * @property {Date} [notAfter]   default: in ten years
 */

/**
 * A certificate authority with keys on P-256.
 *
 * @param {string} authorityName
 * @returns {{ cert: string, issue: (subject: Subject) => Issued }}
 */
const createAuthority = authorityName => {
  const authority = generateKey()
  const critical = der(BOOLEAN, Buffer.from([0xff]))
  const basicConstraints = extension('2.5.29.19', critical, sequence(critical))
  const cert = certificate(authorityName, authority.privateKey, {
    name: authorityName,
    publicKey: authority.publicKey,
    extensions: [basicConstraints]
  })

  /** @param {Subject} subject */
  const issue = ({ hosts = [], ...subject }) => {
    const { publicKey, privateKey } = generateKey()
    const alternativeNames = extension('2.5.29.17', sequence(...hosts.map(hostName)))
    const extensions = hosts.length > 0 ? [alternativeNames] : []
    return {
      cert: certificate(authorityName, authority.privateKey, { ...subject, publicKey, extensions }),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    }
  }
  return { cert, issue }
}

/**
 * @param {string} issuer
 * @param {crypto.KeyObject} issuerKey
 * @param {Subject & { publicKey: crypto.KeyObject, extensions: Buffer[] }} subject
 */
const certificate = (issuer, issuerKey, { name, publicKey, extensions, notBefore, notAfter }) => {
  const serial = crypto.randomBytes(8)
  serial[0] = 0x40 | (serial[0] & 0x3f) // positive, and no leading zero
  const body = sequence(
    der(EXPLICIT_0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer),
    sequence(time(notBefore ?? inDays(-1)), time(notAfter ?? inDays(3650))),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(EXPLICIT_3, sequence(...extensions))] : [])
  )
  const signature = crypto.sign('sha256', body, issuerKey)
  const signed = sequence(body, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature))
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

const generateKey = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** @param {number} days */
const inDays = days => new Date(Date.now() + days * 24 * 60 * 60 * 1000)

const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const SEQUENCE = 0x30
const SET = 0x31
const EXPLICIT_0 = 0xa0
const EXPLICIT_3 = 0xa3
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87

/**
 * One element: tag, length, content.
 *
 * @param {number} tag
 * @param {...Buffer} content
 */
const der = (tag, ...content) => {
  const bytes = Buffer.concat(content)
  const { length } = bytes
  // The shortest form is the only one that is valid, and all of this stays below 64 KiB.
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), bytes])
}

/** @param {...Buffer} content */
const sequence = (...content) => der(SEQUENCE, ...content)

/** @param {string} dotted */
const objectIdentifier = dotted => {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift(0x80 | (left & 0x7f))
    bytes.push(...groups)
  }
  return der(OBJECT_IDENTIFIER, Buffer.from(bytes))
}

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const COMMON_NAME = objectIdentifier('2.5.4.3')

/** @param {string} name */
const distinguishedName = name =>
  sequence(der(SET, sequence(COMMON_NAME, der(UTF8_STRING, Buffer.from(name)))))

/** @param {string} host */
const hostName = host =>
  isIP(host) === 4
    ? der(IP_ADDRESS, Buffer.from(host.split('.').map(Number)))
    : der(DNS_NAME, Buffer.from(host))

/** @param {Date} date before 2050, where X.509 changes to another format */
const time = date =>
  der(UTC_TIME, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`))

/**
 * @param {string} id
 * @param {...Buffer} content the critical mark if there is one, then the value
 */
const extension = (id, ...content) => {
  const value = der(OCTET_STRING, content[content.length - 1])
  return sequence(objectIdentifier(id), ...content.slice(0, -1), value)
}

module.exports = { createAuthority }
