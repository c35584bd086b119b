// @ts-check
/**
 * `node __test__/kafka/assignors.js > __test__/kafka/assignors.txt` makes the golden vectors of the assignors anew, by
 * Kafka's own: see `Assignors.java`. The cargo tests of `engine/group/assignors` read them.
 */
const { execFileSync } = require('node:child_process')
const path = require('node:path')

const { compile, fetchKafka } = require('./fetch')

const SEED = '881'
const CASES = '260'

const main = async () => {
  const distribution = await fetchKafka()
  const classpath = await compile(distribution, path.join(__dirname, 'Assignors.java'))
  const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit'])
  execFileSync(
    distribution.java,
    ['-Dlog4j2.level=OFF', '-cp', classpath, 'Assignors', SEED, CASES],
    { stdio: [...stdio] }
  )
}

main()
