// @ts-check
'use strict'

/**
 * Reads PKCS#12 files (RFC 7292), as far as today's OpenSSL does: certificates and one key, protected by PBES2 or by the
 * file format's own 3DES. Node reads such files for its own TLS but does not hand their contents out.
 */

const {
  createDecipheriv,
  createHash,
  createPrivateKey,
  pbkdf2Sync,
  X509Certificate
} = require('node:crypto')

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
  sha1And3Des: '1.2.840.113549.1.12.1.3'
}

const HMACS = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512'
}

const CIPHERS = {
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyLength: 24 },
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyLength: 32 }
}

/**
 * @param {Buffer} file
 * @param {string} [passphrase]
 * @returns {{ cert: string | null, key: string | null, ca: string[] }} PEM: the key's certificate first in `cert`, the
 * others after it and in `ca` too, as Node trusts them
 */
const readPkcs12 = (file, passphrase = '') => {
  const [, contentInfo] = parse(file).children
  const bags = openContent(contentInfo, passphrase, contents =>
    parse(contents).children.flatMap(content =>
      openContent(content, passphrase, safe => parse(safe).children)
    )
  )

  const certs = []
  let key = null
  for (const bag of bags) {
    const [type, { children }] = bag.children
    const name = readOid(type)
    if (name === OID.certBag) certs.push(new X509Certificate(readCertBag(children[0])))
    if (name === OID.keyBag || name === OID.shroudedKeyBag) {
      key ??= readKey(children[0].raw, passphrase)
    }
  }
  const own = key && certs.find(cert => cert.checkPrivateKey(/** @type {any} */ (key)))
  const others = certs.filter(cert => cert !== own).map(String)
  return {
    cert: own ? [String(own), ...others].join('\n') : null,
    key: key && key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ca: others
  }
}

/** PKCS#8, encrypted or not. @param {Buffer} der @param {string} passphrase */
const readKey = (der, passphrase) => {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8', passphrase })
  } catch (e) {
    throw e.code === 'ERR_OSSL_BAD_DECRYPT' ? wrongPassphrase(e) : e
  }
}

/** CertBag: certId, [0] OCTET STRING. */
const readCertBag = ({ children }) => readOctets(children[1].children[0])

/**
 * A ContentInfo: plain, or encrypted by a passphrase.
 * @template T
 * @param {Node} content
 * @param {string} passphrase
 * @param {(bytes: Buffer) => T} read
 * @returns {T}
 */
const openContent = ({ children: [type, wrapper] }, passphrase, read) => {
  const name = readOid(type)
  if (name === OID.data) return read(readOctets(wrapper.children[0]))
  if (name !== OID.encryptedData) throw new Error(`content of type ${name}`)
  // EncryptedData: version, EncryptedContentInfo { type, algorithm, [0] bytes }.
  const [, { children }] = wrapper.children[0].children
  const [, algorithm, bytes] = children
  const plain = decrypt(algorithm, readOctets(bytes), passphrase)
  try {
    return read(plain)
  } catch (e) {
    // One wrong passphrase of 256 looks right to the cipher: its padding is, by chance.
    throw wrongPassphrase(e)
  }
}

/**
 * @param {Node} algorithm
 * @param {Buffer} bytes
 * @param {string} passphrase
 */
const decrypt = ({ children: [type, parameters] }, bytes, passphrase) => {
  const name = readOid(type)
  if (name === OID.pbes2) return decryptPbes2(parameters, bytes, passphrase)
  if (name !== OID.sha1And3Des) throw new Error(`encryption by ${name} is not supported`)
  const salt = parameters.children[0].content
  const iterations = readInteger(parameters.children[1])
  const key = deriveSha1(1, passphrase, salt, iterations, 24)
  const iv = deriveSha1(2, passphrase, salt, iterations, 8)
  return decipher('des-ede3-cbc', key, iv, bytes)
}

/**
 * RFC 8018, A.4: PBKDF2 { salt, iterations, keyLength?, hmac? }, cipher { iv }.
 * @param {Node} parameters
 * @param {Buffer} bytes
 * @param {string} passphrase
 */
const decryptPbes2 = ({ children: [derivation, scheme] }, bytes, passphrase) => {
  const [salt, iterations, ...optional] = derivation.children[1].children
  const hmac = optional.find(({ tag }) => tag === SEQUENCE)
  const digest = hmac ? HMACS[readOid(hmac.children[0])] : 'sha1'
  const cipher = CIPHERS[readOid(scheme.children[0])]
  if (!digest || !cipher) throw new Error('its encryption is not supported')
  const rounds = readInteger(iterations)
  const key = pbkdf2Sync(passphrase, salt.content, rounds, cipher.keyLength, digest)
  return decipher(cipher.name, key, scheme.children[1].content, bytes)
}

const decipher = (name, key, iv, bytes) => {
  const cipher = createDecipheriv(name, key, iv)
  try {
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  } catch (e) {
    throw wrongPassphrase(e)
  }
}

const wrongPassphrase = cause => new Error('the passphrase is wrong', { cause })

/** RFC 7292, B.2: `id` 1 makes a key, 2 an initialization vector. */
const deriveSha1 = (id, passphrase, salt, iterations, length) => {
  const text = Buffer.from(`${passphrase}\0`, 'utf16le').swap16()
  const input = Buffer.concat([fill(salt), fill(text)])
  const blocks = []
  for (let size = 0; size < length; size += 20) {
    let block = Buffer.concat([Buffer.alloc(64, id), input])
    for (let round = 0; round < iterations; round++) {
      block = createHash('sha1').update(block).digest()
    }
    blocks.push(block)
    const addend = BigInt(`0x${Buffer.alloc(64, block).toString('hex')}`) + 1n
    for (let at = 0; at < input.length; at += 64) {
      const sum = BigInt(`0x${input.toString('hex', at, at + 64)}`) + addend
      const hex = BigInt.asUintN(512, sum).toString(16).padStart(128, '0')
      input.write(hex, at, 'hex')
    }
  }
  return Buffer.concat(blocks).subarray(0, length)
}

/** Repeated to a multiple of 64 bytes. */
const fill = bytes =>
  bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / 64) * 64, bytes)

// DER and the little BER that such files contain.

/** @typedef {{ tag: number, content: Buffer, raw: Buffer, children: Node[] }} Node */

const SEQUENCE = 0x30
const CONSTRUCTED = 0x20

/**
 * @param {Buffer} bytes
 * @returns {Node} the element at the start of the bytes
 */
const parse = bytes => {
  const tag = byteAt(bytes, 0)
  let length = byteAt(bytes, 1)
  let start = 2
  if (length === 0x80) throw new Error('an indefinite length')
  if (length > 0x80) {
    const size = length - 0x80
    if (size > 4 || bytes.length < 2 + size) throw new Error('it is not a PKCS#12 file')
    length = bytes.readUIntBE(2, size)
    start += size
  }
  const end = start + length
  if (end > bytes.length) throw new Error('the file ends too early')
  const content = bytes.subarray(start, end)
  const children = tag & CONSTRUCTED ? parseAll(content) : []
  return { tag, content, raw: bytes.subarray(0, end), children }
}

/** @returns {Node[]} */
const parseAll = bytes => {
  const nodes = []
  for (let at = 0; at < bytes.length; at += nodes[nodes.length - 1].raw.length) {
    nodes.push(parse(bytes.subarray(at)))
  }
  return nodes
}

const byteAt = (bytes, at) => {
  if (at >= bytes.length) throw new Error('the file ends too early')
  return bytes[at]
}

/** An OCTET STRING, in one piece or several. */
const readOctets = ({ content, children }) =>
  children.length > 0 ? Buffer.concat(children.map(child => child.content)) : content

const readInteger = ({ content }) => content.readUIntBE(0, content.length)

const readOid = ({ content }) => {
  const [first, ...rest] = content
  const parts = [Math.min(Math.floor(first / 40), 2)]
  parts.push(first - parts[0] * 40)
  let value = 0
  for (const byte of rest) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      parts.push(value)
      value = 0
    }
  }
  return parts.join('.')
}

module.exports = { readPkcs12 }
