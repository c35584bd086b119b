// @ts-check
'use strict'

/** Certificates in PEM, under any of the labels that OpenSSL reads. */

const { show } = require('../utils/show')
const { refusal } = require('./refusal')

const OLD_LABEL = /-----(BEGIN|END) X509 CERTIFICATE-----/g
const TRUSTED = /-----BEGIN TRUSTED CERTIFICATE-----([^]*?)-----END TRUSTED CERTIFICATE-----/g

/** One line that names a file; PEM has several, and base64 neither these beginnings nor these ends. */
const PATH = /^(?:~|\.{0,2}[\\/]|[a-z]:[\\/]).*$|^.+\.(?:pem|key|crt|cert|cer|der|p12|pfx)$/i
const PATH_ADVICE =
  'which looks like the path of a file: what is in it has to be given, as fs.readFileSync(path) reads it'

/**
 * What is wrong with a text that was to be PEM: variables of the environment lose its lines, other files are another format. Nothing of it is
 * repeated: it may be a key.
 * @param {string} text
 * @returns {string | null} null: it looks like PEM
 */
const noPem = text => {
  if (text.includes('-----BEGIN')) {
    if (text.includes('\\n')) {
      return 'its line ends are written as "\\n", as variables of the environment have them: text.replaceAll("\\\\n", "\\n") mends it'
    }
    if (!text.includes('-----END')) return 'it ends before its "-----END …-----"'
    return text.trim().includes('\n') ? null : 'it has no line ends, and PEM needs them'
  }
  if (text.startsWith(JAVA_STORE)) {
    return 'it is a keystore of Java: keytool -importkeystore -deststoretype pkcs12 makes a file for ssl.pfx of it, keytool -exportcert -rfc the PEM of a certificate'
  }
  if (Buffer.from(text, 'base64').toString().startsWith('-----BEGIN')) {
    return 'it is PEM in base64: Buffer.from(text, "base64") is the PEM'
  }
  return 'it is no PEM, which begins with "-----BEGIN"'
}

/** How JKS (FE ED FE ED) and JCEKS (CE CE CE CE) begin, read as the UTF-8 that they are not. */
const JAVA_STORE = '\uFFFD'.repeat(4)

/** @param {any} value @returns {value is string | ArrayBufferView | ArrayBuffer} */
const isBytes = value =>
  typeof value === 'string' || ArrayBuffer.isView(value) || value instanceof ArrayBuffer

/** @param {string | ArrayBufferView | ArrayBuffer} value a text: its characters are bytes */
const toBytes = value => {
  if (typeof value === 'string') return Buffer.from(value, 'latin1')
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
}

/** @param {string | ArrayBufferView | ArrayBuffer} value */
const toText = value => (typeof value === 'string' ? value : toBytes(value).toString())

/** @param {string} text */
const isPath = text => text.length < 1024 && PATH.test(text)

const SEQUENCE = 0x30
/** Notes of the purposes that the certificate is trusted for, and of those that it is rejected for. */
const [TRUST, REJECT] = [SEQUENCE, 0xa0]

/**
 * The text with plain certificates alone. Those that `openssl x509 -trustout` writes have notes behind them: a friendly name is
 * dropped; trusted and rejected purposes are refused, because the engine would not obey them.
 * @param {string} field
 * @param {any} value a string or bytes
 * @returns {string}
 */
const plainCertificates = (field, value) => {
  if (!isBytes(value)) {
    throw refusal(field, `has to be a text or a Buffer, received ${show(value)}`)
  }
  const text = toText(value)
  if (isPath(text)) throw refusal(field, `is "${text}", ${PATH_ADVICE}`)
  return text.replace(OLD_LABEL, '-----$1 CERTIFICATE-----').replace(TRUSTED, (_, body) => {
    const bytes = Buffer.from(body, 'base64')
    const { end } = elementAt(bytes, 0)
    const notes = bytes.subarray(end)
    if (notes.length > 0) {
      const { start } = elementAt(notes, 0)
      if ([TRUST, REJECT].includes(notes[start])) {
        throw refusal(field, 'has a certificate with trust settings, which are not supported')
      }
    }
    const lines =
      bytes
        .subarray(0, end)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n')
  })
}

/** Where the content of a DER element starts and ends. @param {Buffer} bytes @param {number} at */
const elementAt = (bytes, at) => {
  const first = bytes[at + 1] ?? 0
  const digits = first < 0x80 ? 0 : Math.min(first & 0x7f, 4)
  const start = at + 2 + digits
  if (start > bytes.length) return { start: bytes.length, end: bytes.length }
  const length = digits === 0 ? first : bytes.readUIntBE(at + 2, digits)
  return { start, end: Math.min(start + length, bytes.length) }
}

module.exports = { PATH_ADVICE, isBytes, isPath, noPem, plainCertificates, toBytes, toText }
