'use strict'

const { execFileSync } = require('node:child_process')
const { X509Certificate, constants, createPrivateKey, generateKeyPairSync } = require('node:crypto')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const tls = require('node:tls')
const { checkTls, createIdentityCheck, toNativeTls } = require('../../src/tls')
const { KafkaJSNonRetriableError } = require('../../src/errors')
const { createAuthority } = require('../kafka/certificates')

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' })

describe('toNativeTls', () => {
  it.each([undefined, null, false])('makes no TLS of %p', ssl => {
    expect(toNativeTls(ssl)).toBe(null)
  })

  it('takes the roots of Node for true', () => {
    const { ca, ...rest } = toNativeTls(true)
    expect(ca.length).toBeGreaterThanOrEqual(tls.rootCertificates.length)
    expect(rest).toEqual({
      host: null,
      port: null,
      cert: null,
      key: null,
      servername: null,
      rejectUnauthorized: true,
      checkServerIdentity: false,
      minVersion: null,
      maxVersion: null,
      cipherSuites: [],
      groups: [],
      alpn: []
    })
  })

  it('takes only the roots given', () => {
    expect(toNativeTls({ ca: 'PEM' }).ca).toEqual(['PEM'])
    expect(toNativeTls({ ca: [Buffer.from('A'), 'B'] }).ca).toEqual(['A', 'B'])
  })

  it('does not look at roots that are not verified against', () => {
    const native = toNativeTls({ ca: 'not a certificate', rejectUnauthorized: false })
    expect(native).toMatchObject({ ca: [], rejectUnauthorized: false })
  })

  it('obeys NODE_TLS_REJECT_UNAUTHORIZED unless told otherwise', () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      expect(toNativeTls(true).rejectUnauthorized).toBe(false)
      expect(toNativeTls({ rejectUnauthorized: true }).rejectUnauthorized).toBe(true)
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  })

  it.each([
    ['PKCS#1', { type: 'pkcs1' }, undefined],
    ['encrypted PKCS#8', { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' }, 'secret'],
    ['encrypted PKCS#1', { type: 'pkcs1', cipher: 'aes-128-cbc', passphrase: 'secret' }, 'secret']
  ])('converts a %s key', (_, encoding, passphrase) => {
    const pem = privateKey.export({ format: 'pem', ...encoding })
    expect(toNativeTls({ cert: 'C', key: pem, passphrase })).toMatchObject({
      cert: 'C',
      key: pkcs8
    })
    expect(toNativeTls({ key: [{ pem, passphrase }] }).key).toBe(pkcs8)
  })

  it('says which field cannot be read', () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a' }) // prettier-ignore
    expect(() => toNativeTls({ key: pem, passphrase: 'b' })).toThrow(/^ssl\.key cannot be read: /)
    expect(() => toNativeTls({ key: 'nonsense' })).toThrow(KafkaJSNonRetriableError)
    expect(() => toNativeTls({ pfx: Buffer.from('nonsense') })).toThrow(
      /^ssl\.pfx cannot be read: /
    )
  })

  it('reads where to connect', () => {
    expect(toNativeTls({ host: 'tunnel', port: 9093 })).toMatchObject({
      host: 'tunnel',
      port: 9093
    })
    expect(toNativeTls({ port: '9093' })).toMatchObject({ host: null, port: 9093 })
    expect(() => toNativeTls({ host: 1 })).toThrow(/^ssl\.host .* received 1$/)
    for (const port of [0, 65536, 1.5, '', 'x', {}]) {
      expect(() => toNativeTls({ port })).toThrow(/^ssl\.port .* received /)
    }
  })

  it.each([
    'secureContext',
    'secureOptions',
    'socket',
    'pskCallback',
    'path',
    'lookup',
    'localPort',
    'family',
    'timeout',
    'signal',
    'onread'
  ])('refuses %s', field => {
    expect(() => toNativeTls({ [field]: 'x' })).toThrow(`ssl.${field} is not supported`)
    expect(toNativeTls({ [field]: undefined, ca: 'C' }).ca).toEqual(['C'])
  })

  it('refuses a choice of identities, and takes none for none', () => {
    for (const field of ['key', 'pfx']) {
      const several = { [field]: [Buffer.from('a'), Buffer.from('b')] }
      expect(() => checkTls(several)).toThrow(`ssl.${field} has to be one, received 2`)
      for (const none of [[], '', null]) {
        expect(toNativeTls({ [field]: none, cert: none })).toMatchObject({ cert: null, key: null })
      }
    }
  })

  it('reads the names of ciphers, and offers those that there are', () => {
    const suites = ciphers => toNativeTls({ ciphers }).cipherSuites
    expect(suites(undefined)).toEqual([])
    expect(suites(constants.defaultCoreCipherList)).toEqual([])
    expect(suites('TLS_AES_128_GCM_SHA256')).toEqual([0x1301])
    expect(
      suites(
        'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:AES128-SHA'
      )
    ).toEqual([0x1301, 0x1302, 0x1303, 0xc030, 0xc02f])
  })

  it('reads the names of curves, and offers those that there are', () => {
    const groups = ecdhCurve => toNativeTls({ ecdhCurve }).groups
    expect(groups(undefined)).toEqual([])
    expect(groups('auto')).toEqual([])
    expect(groups('secp521r1:secp384r1:prime256v1:P-256')).toEqual([0x18, 0x17])
    expect(groups('X25519:P-521')).toEqual([0x1d])
  })

  it.each([
    ['ciphers', 'HIGH'],
    ['ciphers', '!aNULL'],
    ['ciphers', '@SECLEVEL=0'],
    ['ciphers', 'DEFAULT@SECLEVEL=0'],
    ['ciphers', 'nonsense'],
    ['ecdhCurve', 'nonsense'],
    ['ecdhCurve', 'toString']
  ])('refuses %s with %s in it', (field, name) => {
    const good = field === 'ciphers' ? 'TLS_AES_128_GCM_SHA256' : 'X25519'
    expect(() => toNativeTls({ [field]: `${good}:${name}` })).toThrow(
      `ssl.${field} "${name}" is not supported`
    )
  })

  it.each([
    ['ciphers', 'AES128-SHA'],
    ['ciphers', ''],
    ['ecdhCurve', 'secp521r1']
  ])('refuses %s of which there is none: %p', (field, list) => {
    expect(() => toNativeTls({ [field]: list })).toThrow(`ssl.${field} "${list}" has none of `)
  })

  it('reads versions and ALPN', () => {
    expect(toNativeTls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.3' })).toMatchObject({
      minVersion: null,
      maxVersion: 'TLSv1.3'
    })
    expect(() => toNativeTls({ maxVersion: 'TLSv1.1' })).toThrow(/^ssl\.maxVersion/)
    expect(toNativeTls({ secureProtocol: 'TLSv1_2_method' })).toMatchObject({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2'
    })
    expect(() => toNativeTls({ secureProtocol: 'SSLv3_method' })).toThrow(/^ssl\.secureProtocol/)
    expect(toNativeTls({ ALPNProtocols: ['kafka'] }).alpn).toEqual(['kafka'])
    expect(toNativeTls({ ALPNProtocols: Buffer.from('\x05kafka\x01x') }).alpn).toEqual([
      'kafka',
      'x'
    ])
  })
})

describe('the identity of a broker', () => {
  const authority = createAuthority('an authority')
  const other = createAuthority('another')
  const der = pem => new X509Certificate(pem).raw
  const { cert } = authority.issue({ name: 'broker', hosts: ['kafka.example'] })
  const chain = [der(cert)]

  /** @param {any} ssl */
  const judge = (ssl, event = { servername: 'a', chain }) =>
    createIdentityCheck(ssl, toNativeTls(ssl))(event)

  it("is the engine's to find in the certificate, unless a function is given", () => {
    const asks = ssl => toNativeTls(ssl).checkServerIdentity
    expect(asks(true)).toBe(false)
    expect(asks({ checkServerIdentity: null })).toBe(false)
    expect(asks({ checkServerIdentity: tls.checkServerIdentity })).toBe(false)
    expect(asks({ checkServerIdentity: () => undefined })).toBe(true)
    const replaced = jest.spyOn(tls, 'checkServerIdentity')
    expect(asks(true)).toBe(true)
    replaced.mockRestore()
    expect(asks(true)).toBe(false)
  })

  it.each([true, 'x', {}])('cannot be checked by %p', checkServerIdentity => {
    expect(() => toNativeTls({ checkServerIdentity })).toThrow(
      `ssl.checkServerIdentity has to be a function, received ${checkServerIdentity}`
    )
  })

  it("is checked by Node's function if there is no other", () => {
    for (const ssl of [true, { ca: 'C' }, { checkServerIdentity: tls.checkServerIdentity }]) {
      expect(judge(ssl, { servername: 'kafka.example', chain })).toBe(null)
      expect(judge(ssl)).toEqual({
        message:
          "Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:kafka.example",
        code: 'ERR_TLS_CERT_ALTNAME_INVALID'
      })
    }
  })

  it('is checked with the certificates of the chain, and those it lacks', () => {
    const root = der(authority.cert)
    for (const [ca, sent] of [
      [`${other.cert}\nrubbish\n${authority.cert}`, chain],
      [[other.cert, Buffer.from(authority.cert)], chain],
      [other.cert, [...chain, der(other.cert), root]]
    ]) {
      const checkServerIdentity = jest.fn()
      expect(judge({ ca, checkServerIdentity }, { servername: 'b', chain: sent })).toBe(null)
      const [[servername, certificate]] = checkServerIdentity.mock.calls
      expect(servername).toBe('b')
      const { issuerCertificate } = certificate
      expect(certificate).toEqual({
        ...new X509Certificate(cert).toLegacyObject(),
        issuerCertificate
      })
      expect(issuerCertificate.raw.equals(root)).toBe(true)
      expect(issuerCertificate.issuerCertificate).toBe(issuerCertificate)
    }
  })

  it('has no issuer that nobody knows', () => {
    const checkServerIdentity = jest.fn()
    const rubbish = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
    judge({ ca: [other.cert, rubbish], checkServerIdentity })
    expect(checkServerIdentity.mock.calls[0][1]).not.toHaveProperty('issuerCertificate')
  })

  it('is checked by a method as such', () => {
    const ssl = {
      fine: ['a'],
      checkServerIdentity(name) {
        return this.fine.includes(name) ? undefined : new Error(`not ${name}`)
      }
    }
    expect(judge(ssl)).toBe(null)
    expect(judge(ssl, { servername: 'b', chain })).toEqual({ message: 'not b', code: null })
  })

  it.each([
    [null, null],
    [false, null],
    ['', null],
    [new Error('no'), { message: 'no', code: null }],
    [
      { message: 'no', code: 'X' },
      { message: 'no', code: 'X' }
    ],
    [Object.assign(new Error(''), { code: 7 }), { message: '', code: null }],
    [
      true,
      {
        message: 'ssl.checkServerIdentity has to return undefined or an Error, received true',
        code: null
      }
    ],
    [
      Promise.resolve(),
      {
        message: 'ssl.checkServerIdentity has to return undefined or an Error, received a promise',
        code: null
      }
    ]
  ])('is refused, or not, by %p', (answer, refusal) => {
    expect(judge({ checkServerIdentity: () => answer })).toEqual(refusal)
  })

  it('is refused by a function that throws, whatever it throws', () => {
    for (const thrown of [new Error('boom'), { message: 'boom' }]) {
      const checkServerIdentity = () => {
        throw thrown
      }
      expect(judge({ checkServerIdentity })).toEqual({ message: 'boom', code: null })
    }
    for (const thrown of [undefined, null, 0, 'boom']) {
      const checkServerIdentity = () => {
        throw thrown
      }
      expect(judge({ checkServerIdentity })).toMatchObject({ message: expect.any(String) })
    }
  })

  it('is refused when its certificate cannot be read', () => {
    const checkServerIdentity = jest.fn()
    for (const sent of [[], [Buffer.from('nonsense')], [...chain, Buffer.alloc(0)]]) {
      const refusal = judge({ checkServerIdentity }, { servername: 'a', chain: sent })
      expect(refusal).toMatchObject({ message: expect.any(String) })
    }
    expect(checkServerIdentity).not.toHaveBeenCalled()
  })
})

describe('pfx', () => {
  let folder
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kafkars-'))
    writeFileSync(join(folder, 'key.pem'), pkcs8)
    openssl('req', '-x509', '-new', '-key', 'key.pem', '-subj', '/CN=client', '-out', 'cert.pem')
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  const DES = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']
  it.each([
    ['PBES2', 'pässword', []],
    ['3DES', 'password', DES],
    ['a long password and 3DES', 'p'.repeat(70), DES],
    ['no encryption', '', ['-keypbe', 'NONE', '-certpbe', 'NONE']]
  ])('is taken apart: %s', (_, password, options) => {
    const files = ['-inkey', 'key.pem', '-in', 'cert.pem', '-out', 'file.p12']
    openssl('pkcs12', '-export', ...files, '-passout', `pass:${password}`, ...options)
    const pfx = readFileSync(join(folder, 'file.p12'))
    for (const ssl of [
      { pfx, passphrase: password },
      { pfx: [{ buf: pfx, passphrase: password }] }
    ]) {
      const { cert, key } = toNativeTls(ssl)
      expect(cert).toBe(readFileSync(join(folder, 'cert.pem'), 'utf8'))
      expect(createPrivateKey(key).equals(privateKey)).toBe(true)
    }
    if (password) {
      expect(() => toNativeTls({ pfx, passphrase: 'no' })).toThrow(/passphrase is wrong/)
    }
    for (let end = 0; end < pfx.length; end += 97) {
      expect(() => toNativeTls({ pfx: pfx.subarray(0, end) })).toThrow(KafkaJSNonRetriableError)
    }
  })

  it('knows every wrong passphrase for one', () => {
    const files = ['-inkey', 'key.pem', '-in', 'cert.pem', '-out', 'file.p12']
    openssl('pkcs12', '-export', ...files, '-passout', 'pass:password', '-iter', '1')
    const pfx = readFileSync(join(folder, 'file.p12'))
    for (let i = 0; i < 1000; i++) {
      expect(() => toNativeTls({ pfx, passphrase: `no ${i}` })).toThrow(/passphrase is wrong/)
    }
  })
})
