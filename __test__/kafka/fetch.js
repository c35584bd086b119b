// @ts-check
/**
 * Gets what a broker needs before its first start, once: Java is found, the jars come from Maven into
 * `.kafka/lib-<version>`, and one formatted log directory is kept as the template of every later node.
 *
 * Folders are made beside their final place and renamed into it: a folder that exists is complete,
 * and of two processes that fetch at once one wins.
 */
const { execFile } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')

const run = promisify(execFile)

const POM = path.join(__dirname, 'pom.xml')
const [, KAFKA_VERSION] = /<kafka\.version>(.+)<\//.exec(fs.readFileSync(POM, 'utf8')) ?? []

/** Everything the fixture writes is in here; git ignores it. */
const HOME = path.join(__dirname, '..', '..', '.kafka')

/** A folder per cluster, for as long as it runs. */
const RUNS = path.join(HOME, 'run')

/** The users of PLAIN and SCRAM. */
const USERS = { alice: 'alice-secret' }

const OR_USE_ANOTHER = 'or set KAFKA_BROKERS=host:port,… to use a cluster that runs already'

/**
 * @typedef {object} Distribution
 * @property {string} java      the Java to start
 * @property {string} classpath Kafka's jars
 * @property {string} template  a formatted log directory, without `meta.properties`
 * @property {string} archive   the file of loaded classes, which `index.js` records
 */

/** @returns {Promise<Distribution>} */
const fetchKafka = async () => {
  const { java, version } = await findJava()
  const lib = path.join(HOME, `lib-${KAFKA_VERSION}`)
  await once(lib, fetchJars)
  const classpath = path.join(lib, '*')
  const template = path.join(HOME, `format-${KAFKA_VERSION}`)
  await once(template, directory => format(java, classpath, directory))
  // It is of no use to a Java that finds the jars elsewhere: in a checkout that was moved, or copied.
  const place = crypto.createHash('sha256').update(lib).digest('hex').slice(0, 8)
  const name = `archive-${KAFKA_VERSION}-java-${version}-${place}`
  const archive = path.join(HOME, name, 'kafka.jsa')
  return { java, classpath, template, archive }
}

/**
 * Compiles a Java source of the fixture, once per content.
 *
 * @param {Distribution} distribution
 * @param {string} source
 * @returns {Promise<string>} the class path to run it with
 */
const compile = async ({ java, classpath }, source) => {
  const hash = crypto.createHash('sha256').update(fs.readFileSync(source)).digest('hex')
  const classes = path.join(HOME, `classes-${KAFKA_VERSION}-${hash.slice(0, 8)}`)
  const javac = ['-m', 'jdk.compiler/com.sun.tools.javac.Main']
  const lib = path.dirname(classpath)
  const jars = fs.readdirSync(lib).map(jar => path.join(lib, jar)) // no `*` for a compiler started this way
  await once(classes, async directory => {
    await run(java, [...javac, '-cp', jars.join(path.delimiter), '-d', directory, source])
  })
  return [classpath, classes].join(path.delimiter)
}

/**
 * Makes a folder that does not exist yet.
 *
 * @param {string} directory
 * @param {(directory: string) => Promise<void>} make
 */
const once = async (directory, make) => {
  if (fs.existsSync(directory)) return
  fs.mkdirSync(HOME, { recursive: true })
  const temporary = fs.mkdtempSync(`${directory}.`)
  try {
    await make(temporary)
    fs.renameSync(temporary, directory)
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true })
    // The rename fails when another process has been quicker: its folder is as good as ours.
    if (!fs.existsSync(directory)) throw error
  }
}

/** @returns {Promise<{ java: string, version: string }>} */
const findJava = async () => {
  const { JAVA_HOME } = process.env
  const java = JAVA_HOME ? path.join(JAVA_HOME, 'bin', 'java') : 'java'
  const { stderr } = await run(java, ['-version']).catch(() => ({ stderr: '' }))
  const [, version = '', major = '0'] = /version "((\d+)[^"]*)/.exec(stderr) ?? []
  if (Number(major) < 17) {
    const found = Number(major) > 0 ? `${java} is Java ${major}` : `${java} cannot be run`
    throw new Error(
      `Apache Kafka ${KAFKA_VERSION} needs Java 17 or newer, and ${found}: ` +
        `install a JDK (Debian: apt-get install openjdk-17-jdk-headless), ${OR_USE_ANOTHER}.`
    )
  }
  return { java, version }
}

/** @param {string} directory */
const fetchJars = async directory => {
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${directory}`]
  // On Windows Maven is a script, which only a shell can start.
  const shell = process.platform === 'win32'
  try {
    await run('mvn', ['-q', '-B', '-f', POM, ...goal], { shell })
  } catch (error) {
    const { code, stdout = '', stderr = '' } = /** @type {any} */ (error)
    if (code === 'ENOENT') {
      throw new Error(
        'Apache Kafka is fetched with Maven, and mvn is not on the PATH: ' +
          `install Maven (Debian: apt-get install maven), ${OR_USE_ANOTHER}.`
      )
    }
    throw new Error(`Maven could not fetch Apache Kafka ${KAFKA_VERSION}:\n${stdout}${stderr}`)
  }
}

/**
 * Only a node's number and its cluster's differ between formatted directories, and both are in
 * `meta.properties`, so that one run of the storage tool (2 s) serves for ever.
 *
 * @param {string} java
 * @param {string} classpath
 * @param {string} directory
 */
const format = async (java, classpath, directory) => {
  const properties = path.join(directory, 'format.properties')
  fs.writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:9093',
      'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'controller.listener.names=CONTROLLER',
      `log.dirs=${directory.replaceAll('\\', '/')}`
    ].join('\n')
  )
  const scram = Object.entries(USERS).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`
    ])
  )
  const cluster = ['--cluster-id', 'AAAAAAAAAAAAAAAAAAAAAQ', '--config', properties]
  await run(java, ['-cp', classpath, 'kafka.tools.StorageTool', 'format', ...cluster, ...scram])
  fs.rmSync(properties)
  fs.rmSync(path.join(directory, 'meta.properties'))
}

module.exports = { HOME, KAFKA_VERSION, RUNS, USERS, compile, fetchKafka, once }
