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
 * @property {Keys} [keys]       default: P-256
 * @property {1 | 3} [version]   1: as `openssl x509 -req` makes them, without extensions; default: 3
 */

/** @typedef {'P-256' | 'P-521' | number} Keys a curve, or the bits of an RSA key */

/**
 * A certificate authority.
 *
 * @param {string} authorityName
 * @param {{ keys?: Keys, by?: Signer }} [options] `by`: who signs its certificate; default: itself
 */
const createAuthority = (authorityName, { keys = 'P-256', by } = {}) => {
  const { publicKey, privateKey } = generateKey(keys)
  const own = { name: authorityName, key: privateKey }
  const critical = der(BOOLEAN, Buffer.from([0xff]))
  const basicConstraints = extension('2.5.29.19', critical, sequence(critical))
  const cert = certificate(by ?? own, {
    name: authorityName,
    publicKey,
    extensions: [basicConstraints]
  })

  const issue = (/** @type {Subject} */ subject) => issueBy(own, subject)

  /** An authority below this one. @param {string} name */
  const deputy = name => createAuthority(name, { by: own })

  return { cert, issue, deputy }
}

/** A certificate that signed itself. @param {Subject} subject */
const selfSigned = subject => issueBy(null, subject)

/**
 * @param {Signer | null} signer null: itself
 * @param {Subject} subject
 * @returns {Issued}
 */
const issueBy = (signer, { hosts = [], keys = 'P-256', ...subject }) => {
  const { publicKey, privateKey } = generateKey(keys)
  const alternativeNames = extension('2.5.29.17', sequence(...hosts.map(hostName)))
  const extensions = hosts.length > 0 ? [alternativeNames] : []
  const by = signer ?? { name: subject.name, key: privateKey }
  return {
    cert: certificate(by, { ...subject, publicKey, extensions }),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

/** @typedef {{ name: string, key: crypto.KeyObject }} Signer */

/**
 * @param {Signer} signer
 * @param {Subject & { publicKey: crypto.KeyObject, extensions: Buffer[] }} subject
 */
const certificate = (signer, { name, publicKey, extensions, notBefore, notAfter, version = 3 }) => {
  const serial = crypto.randomBytes(8)
  serial[0] = 0x40 | (serial[0] & 0x3f) // positive, and no leading zero
  const algorithm = signer.key.asymmetricKeyType === 'rsa' ? RSA_WITH_SHA256 : ECDSA_WITH_SHA256
  const body = sequence(
    ...(version === 3 ? [der(EXPLICIT_0, der(INTEGER, Buffer.from([2])))] : []),
    der(INTEGER, serial),
    algorithm,
    distinguishedName(signer.name),
    sequence(time(notBefore ?? inDays(-1)), time(notAfter ?? inDays(3650))),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(EXPLICIT_3, sequence(...extensions))] : [])
  )
  const signature = crypto.sign('sha256', body, signer.key)
  const signed = sequence(body, algorithm, der(BIT_STRING, Buffer.from([0]), signature))
  return toPem(signed)
}

/** @param {Buffer} bytes @param {string} [label] */
const toPem = (bytes, label = 'CERTIFICATE') => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** @param {Keys} keys */
const generateKey = keys =>
  typeof keys === 'number'
    ? crypto.generateKeyPairSync('rsa', { modulusLength: keys })
    : crypto.generateKeyPairSync('ec', { namedCurve: keys })

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

const NULL = 0x05
const RSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.113549.1.1.11'), der(NULL))
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

module.exports = { createAuthority, selfSigned, toPem }
