// @ts-check
'use strict'

/** TLS as Node does it: whom `tls.connect` reaches, the engine reaches with the same options, and nobody else. */

const { execFile, execFileSync } = require('node:child_process')
const crypto = require('node:crypto')
const dns = require('node:dns')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { promisify } = require('node:util')
const tls = require('node:tls')
const { createAuthority, selfSigned, toPem } = require('../kafka/certificates')
const { ANSWER, byBoth } = require('./programs/connect')

const authority = createAuthority('an authority')
const deputy = authority.deputy('a deputy')
const ca = authority.cert
const broker = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
const rsaBroker = authority.issue({ name: 'localhost', hosts: ['localhost'], keys: 2048 })
const shortBroker = authority.issue({ name: 'localhost', hosts: ['localhost'], keys: 1024 })
const oldBroker = authority.issue({ name: 'localhost', version: 1, keys: 2048 })
const oldSelfSigned = selfSigned({ name: 'localhost', version: 1, keys: 2048 })
const client = authority.issue({ name: 'a client' })
const oldClient = authority.issue({ name: 'a client', version: 1, keys: 2048 })
const rsaClient = authority.issue({ name: 'a client', keys: 2048 })
const deputysClient = deputy.issue({ name: "a deputy's client" })
const passphrase = 'correct horse'

const folder = mkdtempSync(join(tmpdir(), 'kafkars-'))
const file = name => join(folder, name)

/** Notes behind a certificate, as `openssl x509 -trustout` writes them. @param {Buffer} notes */
const trusted = notes =>
  toPem(
    Buffer.concat([new crypto.X509Certificate(ca).raw, Buffer.from([0x30, notes.length]), notes]),
    'TRUSTED CERTIFICATE'
  )

/** @param {{ cert: string, key: string }} identity @param {string[]} [more] */
const pfxOf = ({ cert, key }, more = [], options = /** @type {string[]} */ ([])) => {
  writeFileSync(file('in.pem'), [key, cert, ...more].join(''))
  const files = ['-in', file('in.pem'), '-out', file('out.p12')]
  execFileSync('openssl', [
    'pkcs12',
    '-export',
    ...files,
    '-passout',
    `pass:${passphrase}`,
    ...options
  ])
  return readFileSync(file('out.p12'))
}

/** As older tools write them. */
const DES = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']

/** @type {tls.Server[]} */
const servers = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Answers what it hears, and hangs up. @param {tls.TlsOptions} options */
const listen = async options => {
  const server = tls.createServer(options, socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(ANSWER))
  })
  servers.push(server)
  server.on('tlsClientError', () => {})
  server.listen(0)
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

/** The server wants to see a certificate. */
const mutual = { ...broker, ca, requestCert: true, rejectUnauthorized: true }
const bom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(ca)])
const lines = (/** @type {string} */ text) => text.replaceAll('\n', '\r\n')
const weak = {
  ...rsaBroker,
  ciphers: 'ALL:@SECLEVEL=0',
  minVersion: /** @type {const} */ ('TLSv1')
}

/** What is reached, and what is not. @type {[string, tls.TlsOptions, any, boolean][]} */
const CASES = [
  ['a certificate of version 1', oldBroker, { ca }, true],
  [
    'a certificate of version 1 that signed itself',
    oldSelfSigned,
    { ca: oldSelfSigned.cert },
    true
  ],
  ['… and that nobody trusts', oldSelfSigned, { ca }, false],
  ['a certificate of version 1, not verified', oldBroker, { rejectUnauthorized: false }, true],
  ["a client's certificate of version 1", mutual, { ca, ...oldClient }, true],
  ['… without verification', mutual, { ...oldClient, rejectUnauthorized: false }, true],
  ['… in a pfx', mutual, { ca, pfx: pfxOf(oldClient), passphrase }, true],
  ['a client without a certificate', mutual, { ca }, false],
  [
    'a key on P-521',
    authority.issue({ name: 'localhost', hosts: ['localhost'], keys: 'P-521' }),
    { ca },
    true
  ],
  [
    "a client's key on P-521",
    mutual,
    { ca, ...authority.issue({ name: 'c', keys: 'P-521' }) },
    true
  ],
  ['the curve P-521', { ...broker, ecdhCurve: 'P-521' }, { ca }, true],
  ['other curves', { ...broker, ecdhCurve: 'P-521' }, { ca, ecdhCurve: 'P-256:X25519' }, false],
  ['an RSA key of 1024 bits', { ...shortBroker, ciphers: 'ALL:@SECLEVEL=0' }, { ca, ciphers: 'DEFAULT:@SECLEVEL=1' }, true], // prettier-ignore
  ['… at level 2', { ...shortBroker, ciphers: 'ALL:@SECLEVEL=0' }, { ca, ciphers: 'DEFAULT:@SECLEVEL=2' }, false], // prettier-ignore
  ['TLS 1.2 with DHE', { ...rsaBroker, ciphers: 'DHE-RSA-AES128-GCM-SHA256', dhparam: 'auto', maxVersion: 'TLSv1.2' }, { ca }, true], // prettier-ignore
  ['… and a short modulus', { ...rsaBroker, ciphers: 'DHE-RSA-AES128-GCM-SHA256', dhparam: 'auto', maxVersion: 'TLSv1.2' }, { ca, minDHSize: 8192 }, false], // prettier-ignore
  ['TLS 1.2 with CBC', { ...rsaBroker, ciphers: 'ECDHE-RSA-AES128-SHA', maxVersion: 'TLSv1.2' }, { ca }, true], // prettier-ignore
  ['TLS 1.2 with an RSA key exchange', { ...rsaBroker, ciphers: 'AES128-SHA', maxVersion: 'TLSv1.2' }, { ca }, true], // prettier-ignore
  ['ciphers that leave that out', { ...rsaBroker, ciphers: 'AES128-SHA', maxVersion: 'TLSv1.2' }, { ca, ciphers: 'DEFAULT:!kRSA' }, false], // prettier-ignore
  ['TLS 1.0', { ...weak, maxVersion: 'TLSv1' }, { ca }, false],
  ['… for who asks for it', { ...weak, maxVersion: 'TLSv1' }, { ca, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, true], // prettier-ignore
  ['… not at its security level', { ...weak, maxVersion: 'TLSv1' }, { ca, minVersion: 'TLSv1' }, false], // prettier-ignore
  ['TLS 1.2 for who wants more', { ...broker, maxVersion: 'TLSv1.2' }, { ca, minVersion: 'TLSv1.3' }, false], // prettier-ignore
  ['TLS 1.3 for who wants less', { ...broker, minVersion: 'TLSv1.3' }, { ca, secureProtocol: 'TLSv1_2_method' }, false], // prettier-ignore
  ['TLS 1.2 for who names ciphers of 1.3 alone', { ...broker, maxVersion: 'TLSv1.2' }, { ca, ciphers: 'TLS_AES_128_GCM_SHA256' }, false], // prettier-ignore
  ['TLS 1.3 for who names ciphers of 1.2 alone', { ...broker, minVersion: 'TLSv1.3' }, { ca, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, true], // prettier-ignore
  ['TLS 1.3 against the secure options', { ...broker, minVersion: 'TLSv1.3' }, { ca, secureOptions: crypto.constants.SSL_OP_NO_TLSv1_3 }, false], // prettier-ignore
  ['signatures that are not asked for', broker, { ca, sigalgs: 'RSA-PSS+SHA256' }, false],
  ['signatures that are', broker, { ca, sigalgs: 'ECDSA+SHA256' }, true],
  ['an issuer of ours that stands in ca alone', mutual, { ca: [ca, deputy.cert], ...deputysClient }, true], // prettier-ignore
  ['… without verification', mutual, { ca: [deputy.cert], ...deputysClient, rejectUnauthorized: false }, true], // prettier-ignore
  ['… that stands nowhere', mutual, { ca, ...deputysClient }, false],
  ['… behind our certificate', mutual, { ca, cert: deputysClient.cert + deputy.cert, key: deputysClient.key }, true], // prettier-ignore
  ['… in a pfx', mutual, { ca, pfx: pfxOf(deputysClient, [deputy.cert]), passphrase }, true],
  ['a pfx in 3DES', mutual, { ca, pfx: pfxOf(client, [], DES), passphrase }, true],
  ['a pfx and a wrong passphrase', mutual, { ca, pfx: pfxOf(client), passphrase: 'no' }, false],
  ['several keys', mutual, { ca, cert: [client.cert, rsaClient.cert], key: [client.key, rsaClient.key] }, true], // prettier-ignore
  ['several keys for a server of one kind', { ...mutual, sigalgs: 'RSA-PSS+SHA256', ...rsaBroker }, { ca, cert: [client.cert, rsaClient.cert], key: [client.key, rsaClient.key] }, true], // prettier-ignore
  ['several pfx', mutual, { ca, pfx: [{ buf: pfxOf(client), passphrase }, { buf: pfxOf(rsaClient), passphrase }] }, true], // prettier-ignore
  ['a byte-order mark', broker, { ca: bom }, true],
  ['a byte-order mark in a string', broker, { ca: bom.toString() }, true],
  ['lines that end as in Windows', broker, { ca: lines(ca) }, true],
  ['the old label of certificates', broker, { ca: ca.replaceAll('CERT', 'X509 CERT') }, true],
  ['trusted certificates', broker, { ca: trusted(Buffer.from('\x0c\x01x')) }, true],
  ['empty texts beside a certificate', broker, { ca: ['', ca, Buffer.from('')] }, true],
  ['several certificates in texts', broker, { ca: [`# comment\n${deputy.cert}${ca}`] }, true],
  ['a deputy as a root', deputy.issue({ name: 'localhost', hosts: ['localhost'] }), { ca: deputy.cert }, false], // prettier-ignore
  ['… if that is wanted', deputy.issue({ name: 'localhost', hosts: ['localhost'] }), { ca: deputy.cert, allowPartialTrustChain: true }, true], // prettier-ignore
  ['a name in another certificate', authority.issue({ name: 'x', hosts: ['x'] }), { ca }, false],
  [
    'a servername',
    authority.issue({ name: 'x', hosts: ['*.y.z'] }),
    { ca, servername: 'x.y.z' },
    true
  ],
  ['a servername of too many labels', authority.issue({ name: 'x', hosts: ['*.y.z'] }), { ca, servername: 'w.x.y.z' }, false], // prettier-ignore
  ['a certificate that is expired', authority.issue({ name: 'localhost', notAfter: new Date(0) }), { ca }, false], // prettier-ignore
  ['ciphers that there are not', broker, { ca, ciphers: 'nonsense' }, false],
  ['a curve that there is not', broker, { ca, ecdhCurve: 'nonsense' }, false],
  ['a method that there is not', broker, { ca, secureProtocol: 'SSLv3_method' }, false]
]

it.each(CASES)('%s', async (_, server, ssl, connected) => {
  const { node, engine } = await byBoth({ port: await listen(server), ssl })
  expect({ node, engine }).toMatchObject({ node: { connected }, engine: { connected } })
})

it.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', broker, { ca: deputy.cert }],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', oldSelfSigned, { ca }],
  ['SELF_SIGNED_CERT_IN_CHAIN', { ...broker, cert: broker.cert + ca }, { ca: deputy.cert }],
  ['CERT_HAS_EXPIRED', authority.issue({ name: 'localhost', notAfter: new Date(0) }), { ca }],
  [
    'CERT_NOT_YET_VALID',
    authority.issue({ name: 'localhost', notBefore: new Date('2045-01-01') }),
    { ca }
  ],
  ['ERR_TLS_CERT_ALTNAME_INVALID', authority.issue({ name: 'x', hosts: ['x'] }), { ca }]
])('has the code %s in both', async (code, server, ssl) => {
  const { node, engine } = await byBoth({ port: await listen(server), ssl })
  expect([node.code, engine.code]).toEqual([code, code])
  // Newer Nodes go on with advice: "; if the root CA …". So does the engine, with its own.
  expect(engine.message).toContain(node.message.split('; if ')[0])
})

it('trust settings in a certificate are refused by name', async () => {
  const serverAuth = Buffer.from('300a06082b06010505070301', 'hex')
  const port = await listen(broker)
  const { node, engine } = await byBoth({ port, ssl: { ca: trusted(serverAuth) } })
  expect(node.connected).toBe(true)
  expect(engine).toMatchObject({ connected: false, message: expect.stringMatching(/^ssl\.ca /) })
})

describe('what the process demands', () => {
  /** @param {string[]} flags @param {any} options @param {Record<string, string>} [env] */
  const inProcess = async (flags, options, env = {}) => {
    const program = join(__dirname, 'programs/connect.js')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...flags, program, JSON.stringify(options)],
      { env: { ...process.env, ...env } }
    )
    const { node, engine } = JSON.parse(stdout)
    return [node.connected, engine.connected]
  }

  const old = { ...rsaBroker, maxVersion: /** @type {const} */ ('TLSv1.2') }

  it.each([
    [['--tls-min-v1.3'], old, {}, false],
    [['--tls-max-v1.2'], { ...broker, minVersion: /** @type {const} */ ('TLSv1.3') }, {}, false],
    [['--tls-cipher-list=DEFAULT:!AESGCM'], { ...old, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, {}, false], // prettier-ignore
    [[], old, { NODE_OPTIONS: '--tls-min-v1.3' }, false],
    [[], old, {}, true]
  ])('by %j', async (flags, server, env, connected) => {
    const port = await listen(server)
    const both = await inProcess(flags, { port, ssl: { ca } }, /** @type {any} */ (env))
    expect(both).toEqual([connected, connected])
  })

  it("by OpenSSL's roots", async () => {
    const port = await listen(broker)
    writeFileSync(file('roots.pem'), ca)
    const env = { SSL_CERT_FILE: file('roots.pem'), SSL_CERT_DIR: folder }
    expect(await inProcess(['--use-openssl-ca'], { port, ssl: true }, env)).toEqual([true, true])
    expect(await inProcess([], { port, ssl: true }, env)).toEqual([false, false])
    const elsewhere = { ...env, SSL_CERT_FILE: file('none.pem') }
    expect(await inProcess(['--use-openssl-ca'], { port, ssl: true }, elsewhere)).toEqual([
      false,
      false
    ])
  })

  it("by OpenSSL's configuration, in Node's section alone", async () => {
    const port = await listen({ ...shortBroker, ciphers: 'ALL:@SECLEVEL=0' })
    const section = (/** @type {string} */ name, /** @type {number} */ level) =>
      `${name} = init_${level}\n[init_${level}]\nssl_conf = ssl_${level}\n[ssl_${level}]\nsystem_default = level_${level}\n[level_${level}]\nCipherString = DEFAULT:@SECLEVEL=${level}\n`
    writeFileSync(file('strict.cnf'), section('nodejs_conf', 2))
    writeFileSync(file('lax.cnf'), section('nodejs_conf', 1))
    writeFileSync(file('other.cnf'), section('openssl_conf', 3))
    for (const [name, connected] of /** @type {const} */ ([
      ['strict.cnf', false],
      ['lax.cnf', true]
    ])) {
      // prettier-ignore
      const env = { OPENSSL_CONF: file(name) }
      expect(await inProcess([], { port, ssl: { ca } }, env)).toEqual([connected, connected])
      const flag = `--openssl-config=${file(name)}`
      expect(await inProcess([flag], { port, ssl: { ca } })).toEqual([connected, connected])
    }
    const flags = [`--openssl-config=${file('other.cnf')}`, '--openssl-shared-config']
    expect(await inProcess(flags, { port, ssl: { ca } })).toEqual([false, false])
    const [byNode, byEngine] = await inProcess(flags.slice(0, 1), { port, ssl: { ca } })
    expect(byEngine).toBe(byNode)
  })

  it('by what it has changed in tls', async () => {
    const port = await listen(old)
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls
    try {
      tls.DEFAULT_MIN_VERSION = 'TLSv1.3'
      expect(await byBoth({ port, ssl: { ca } })).toMatchObject({
        node: { connected: false },
        engine: { connected: false }
      })
      tls.DEFAULT_MIN_VERSION = DEFAULT_MIN_VERSION
      tls.DEFAULT_CIPHERS = 'DEFAULT:!aRSA'
      expect(await byBoth({ port, ssl: { ca } })).toMatchObject({
        node: { connected: false },
        engine: { connected: false }
      })
    } finally {
      Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS })
    }
  })
})

describe('names that the program alone knows', () => {
  const server = authority.issue({ name: 'x', hosts: ['kafka.invalid'] })
  const everywhere = (
    /** @type {any} */ _host,
    /** @type {any} */ _options,
    /** @type {any} */ done
  ) => done(null, [{ address: '127.0.0.1', family: 4 }])

  it('are looked up by ssl.lookup', async () => {
    const port = await listen({ ...server, ca })
    const lookup = jest.fn(everywhere)
    const both = await byBoth({ host: 'kafka.invalid', port, ssl: { ca, lookup } })
    expect(both).toEqual({ node: { connected: true }, engine: { connected: true } })
    expect(lookup.mock.calls.map(([host]) => host)).toEqual(['kafka.invalid', 'kafka.invalid'])
  })

  it("are looked up by what is in the place of Node's function", async () => {
    const port = await listen(server)
    const replaced = jest.spyOn(dns, 'lookup').mockImplementation(/** @type {any} */ (everywhere))
    try {
      const both = await byBoth({ host: 'kafka.invalid', port, ssl: { ca } })
      expect(both).toEqual({ node: { connected: true }, engine: { connected: true } })
      expect(replaced).toHaveBeenCalledTimes(2)
    } finally {
      replaced.mockRestore()
    }
  })

  it.each([
    ['an error', (_host, _options, done) => done(Object.assign(new Error('no'), { code: 'ENO' }))],
    [
      'an exception',
      () => {
        throw Object.assign(new Error('no'), { code: 'ENO' })
      }
    ]
  ])('are not there after %s', async (_, lookup) => {
    const { engine } = await byBoth({ host: 'kafka.invalid', port: 1, ssl: { ca, lookup } })
    expect(engine).toEqual({ connected: false, code: 'ENO', message: 'Connection error: no' })
  })
})
