'use strict'

const { X509Certificate, generateKeyPairSync } = require('node:crypto')
const dns = require('node:dns')
const tls = require('node:tls')
const { hasOwnLookup, lookUp } = require('../../src/cluster/lookup')
const { checkTls, createIdentityCheck, toNativeTls } = require('../../src/tls')
const { securityLevel } = require('../../src/tls/process')
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
      defaultCa: false,
      certs: [],
      keys: [],
      pfx: [],
      servername: null,
      rejectUnauthorized: true,
      checkServerIdentity: false,
      allowPartialTrustChain: false,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      securityLevel: securityLevel(),
      ciphers: expect.stringContaining('ECDHE-RSA-AES128-GCM-SHA256'),
      cipherSuites: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
      groups: null,
      signatureAlgorithms: null,
      minDhSize: 1024,
      options: 0,
      alpn: [],
      configuration: process.env.OPENSSL_CONF ?? null,
      section: 'nodejs_conf'
    })
  })

  it('takes only the roots given', () => {
    expect(toNativeTls({ ca: 'PEM' }).ca).toEqual(['PEM'])
    expect(toNativeTls({ ca: [Buffer.from('A'), 'B'] }).ca).toEqual(['A', 'B'])
    const bytes = new Uint8Array(Buffer.from('-PEM-')).buffer
    expect(toNativeTls({ ca: new DataView(bytes, 1, 3) }).ca).toEqual(['PEM'])
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
      certs: ['C'],
      keys: [pkcs8]
    })
    const keys = [{ pem, passphrase }, pkcs8]
    expect(toNativeTls({ key: keys }).keys).toEqual([pkcs8, pkcs8])
  })

  it('says which field cannot be read', () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a' }) // prettier-ignore
    expect(() => toNativeTls({ key: pem, passphrase: 'b' })).toThrow(/^ssl\.key cannot be read: /)
    expect(() => toNativeTls({ key: 'nonsense' })).toThrow(KafkaJSNonRetriableError)
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
    'socket',
    'pskCallback',
    'path',
    'crl',
    'localPort',
    'family',
    'timeout',
    'signal',
    'onread'
  ])('refuses %s', field => {
    expect(() => toNativeTls({ [field]: 'x' })).toThrow(`ssl.${field} is not supported`)
    expect(toNativeTls({ [field]: undefined, ca: 'C' }).ca).toEqual(['C'])
  })

  it('takes several identities, and none', () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')]
    const view = new DataView(new Uint8Array(Buffer.from('-abc-')).buffer, 1, 3)
    expect(toNativeTls({ pfx: view, passphrase: view }).pfx).toEqual([
      { bytes: Buffer.from('abc'), passphrase: 'abc' }
    ])
    expect(toNativeTls({ pfx: [{ buf: a, passphrase: 'x' }, b], passphrase: 'y' }).pfx).toEqual([
      { bytes: a, passphrase: 'x' },
      { bytes: b, passphrase: 'y' }
    ])
    for (const none of [[], '', null, false]) {
      const native = toNativeTls({ key: none, pfx: none, cert: none })
      expect(native).toMatchObject({ certs: [], keys: [], pfx: [] })
    }
  })

  it('parts the ciphers of TLS 1.3 from the others', () => {
    const read = (ciphers, options = {}) => {
      const { cipherSuites, minVersion, ...native } = toNativeTls({ ciphers, ...options })
      return [cipherSuites, native.ciphers, minVersion]
    }
    expect(read('HIGH:TLS_A:!aNULL::TLS_B')).toEqual(['TLS_A:TLS_B', 'HIGH:!aNULL', 'TLSv1.2'])
    expect(read('HIGH@SECLEVEL=0')).toEqual([null, 'HIGH@SECLEVEL=0', 'TLSv1.2'])
    expect(read('TLS_A')).toEqual(['TLS_A', '', 'TLSv1.3'])
    expect(read('TLS_A', { maxVersion: 'TLSv1.2' })).toEqual(['TLS_A', '', 'TLSv1.2'])
    for (const none of ['', ':', 1, {}]) {
      expect(() => checkTls({ ciphers: none })).toThrow(/^ssl\.ciphers /)
    }
  })

  it('reads curves, signatures and options', () => {
    expect(toNativeTls({ ecdhCurve: 'P-521:X25519' }).groups).toBe('P-521:X25519')
    expect(toNativeTls({ ecdhCurve: 'auto' }).groups).toBe(null)
    expect(toNativeTls({ sigalgs: 'ECDSA+SHA256' }).signatureAlgorithms).toBe('ECDSA+SHA256')
    expect(toNativeTls({ secureOptions: 7, minDHSize: 2048 })).toMatchObject({
      options: 7,
      minDhSize: 2048
    })
    for (const [field, value] of Object.entries({
      ecdhCurve: 1,
      sigalgs: '',
      secureOptions: 'x',
      minDHSize: -1,
      lookup: 'x'
    })) {
      // prettier-ignore
      expect(() => checkTls({ [field]: value })).toThrow(`ssl.${field} has to be `)
    }
  })

  it('reads versions and ALPN', () => {
    const versions = options => {
      const { minVersion, maxVersion } = toNativeTls(options)
      return [minVersion, maxVersion]
    }
    expect(versions({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.3' })).toEqual([
      'TLSv1.1',
      'TLSv1.3'
    ])
    expect(versions({ maxVersion: 'TLSv1.2' })).toEqual(['TLSv1.2', 'TLSv1.2'])
    expect(versions({ secureProtocol: 'TLSv1_2_method' })).toEqual(['TLSv1.2', 'TLSv1.2'])
    expect(versions({ secureProtocol: 'TLS_client_method' })).toEqual(['TLSv1', 'TLSv1.3'])
    expect(() => checkTls({ maxVersion: 'SSLv3' })).toThrow(/^ssl\.maxVersion has to be one of /)
    expect(() => checkTls({ secureProtocol: 'SSLv3_method' })).toThrow(/^ssl\.secureProtocol/)
    expect(() => checkTls({ secureProtocol: 'TLS_method', minVersion: 'TLSv1.2' })).toThrow(
      /^ssl\.secureProtocol conflicts/
    )
    expect(toNativeTls({ ALPNProtocols: ['kafka'] }).alpn).toEqual(['kafka'])
    expect(toNativeTls({ ALPNProtocols: Buffer.from('\x05kafka\x01x') }).alpn).toEqual([
      'kafka',
      'x'
    ])
  })

  it('is at the security level of Node', () => {
    const level = (node, build = {}) => securityLevel({ node, shared: false, text: '', ...build })
    expect(level('20.20.2')).toBe(1)
    expect(level('20.20.2', { shared: true })).toBe(2)
    expect(level('22.23.3')).toBe(1)
    expect(level('24.21.0')).toBe(2)
    expect(level('26.0.0')).toBe(2)
    const named = '[a]\nCipherString = DEFAULT:@SECLEVEL=2\n'
    expect(level('20.20.2', { text: `openssl_conf = a\n${named}` })).toBe(1)
    expect(level('20.20.2', { text: `nodejs_conf = a\n${named}` })).toBe(null)
    expect(level('20.20.2', { text: '# .include x' })).toBe(1)
    expect(level('20.20.2', { text: '.include x' })).toBe(null)
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

describe('names', () => {
  const found = (lookup, host = 'x') => new Promise(resolve => lookUp({ lookup }, host, (...answer) => resolve(answer))) // prettier-ignore

  it("are the engine's to look up, unless a function is given, or Node's is replaced", () => {
    expect(hasOwnLookup(undefined)).toBe(false)
    expect(hasOwnLookup(true)).toBe(false)
    expect(hasOwnLookup({ lookup: dns.lookup })).toBe(false)
    expect(hasOwnLookup({ lookup: () => {} })).toBe(true)
    const replaced = jest.spyOn(dns, 'lookup').mockReturnValue(undefined)
    expect(hasOwnLookup(true)).toBe(true)
    replaced.mockRestore()
  })

  it.each([
    [
      'all addresses',
      done => done(null, [{ address: 'a', family: 4 }, { address: 'b' }]),
      ['a', 'b']
    ],
    ['one address', done => done(null, 'a', 4), ['a']],
    ['nothing', done => done(null, undefined), ['undefined']]
  ])('have %s', async (_, answer, addresses) => {
    expect(await found((_host, _options, done) => answer(done))).toEqual([addresses, null, null])
  })

  it.each([null, 0, 'no', { message: 'no' }])('have none after %p is thrown', async thrown => {
    const failing = () => {
      throw thrown
    }
    expect(await found(failing)).toEqual([[], String(thrown?.message ?? thrown), null])
  })
})
