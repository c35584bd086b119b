'use strict'

const oracle = require('kafkajs/src/loggers')
const oracleConsole = require('kafkajs/src/loggers/console')
const { LEVELS, createLogger, createEngineLog, levelOf } = require('../../src/loggers')
const consoleLogCreator = require('../../src/loggers/console')

const METHODS = ['info', 'error', 'warn', 'debug']

/** What a logger made by `create` hands to its creator, for every level, namespace and method. */
const entriesOf = (create, level) => {
  const entries = []
  const logCreator = jest.fn(() => entry => entries.push(entry))
  const root = create({ level, logCreator })
  const loggers = [root, root.namespace('A'), root.namespace('A').namespace('B')]
  loggers.push(root.namespace('C', LEVELS.DEBUG), root.namespace('D', LEVELS.NOTHING))
  const all = () => {
    for (const logger of loggers) {
      for (const method of METHODS) logger[method](`${method}!`, { extra: 1, message2: null })
      logger.info('no extra')
    }
  }
  all()
  loggers[2].setLogLevel(LEVELS.ERROR)
  all()
  return { entries, calls: logCreator.mock.calls }
}

describe('loggers', () => {
  beforeEach(() => jest.useFakeTimers({ now: 1e12 }))
  afterEach(() => {
    jest.useRealTimers()
    jest.restoreAllMocks()
    delete process.env.KAFKAJS_LOG_LEVEL
  })

  it('have the levels of kafkajs', () => {
    expect(LEVELS).toEqual(oracle.LEVELS)
  })

  it.each(Object.values(oracle.LEVELS))('write what kafkajs writes at level %i', level => {
    expect(entriesOf(createLogger, level)).toEqual(entriesOf(oracle.createLogger, level))
  })

  it.each(['debug', 'NOTHING', 'nonsense'])('obey KAFKAJS_LOG_LEVEL=%s', value => {
    process.env.KAFKAJS_LOG_LEVEL = value
    const ours = entriesOf(createLogger, LEVELS.WARN)
    expect(ours).toEqual(entriesOf(oracle.createLogger, LEVELS.WARN))
  })

  it.each([
    ['warn', LEVELS.WARN],
    [' DEBUG ', LEVELS.DEBUG],
    ['4', LEVELS.INFO],
    [3, 3],
    [Infinity, Infinity],
    [false, LEVELS.NOTHING],
    [undefined, LEVELS.INFO],
    [null, LEVELS.INFO],
    ['', LEVELS.INFO],
    [NaN, LEVELS.INFO],
    ['loud', null],
    [{}, null]
  ])('read %p as a level', (given, level) => {
    expect(levelOf(given)).toBe(level)
  })

  it('take a level by its name later on, and leave what is none', () => {
    const entries = []
    const root = createLogger({ level: LEVELS.ERROR, logCreator: () => e => entries.push(e) })
    root.setLogLevel(/** @type {any} */ ('debug'))
    root.debug('heard')
    root.setLogLevel(/** @type {any} */ ('loud'))
    root.namespace('A').debug('heard, too')
    root.namespace('B', /** @type {any} */ ('error')).warn('not heard')
    expect(entries.map(({ log }) => log.message)).toEqual(['heard', 'heard, too'])
  })

  it('print on the console what kafkajs prints', () => {
    const lines = creator => {
      const printed = []
      for (const method of ['info', 'error', 'warn', 'log']) {
        jest.spyOn(console, method).mockImplementation((...args) => printed.push([method, ...args]))
      }
      entriesOf(options => createLogger({ ...options, logCreator: creator }), LEVELS.DEBUG)
      return printed
    }
    const ours = lines(consoleLogCreator)
    expect(ours.length).toBeGreaterThan(20)
    expect(ours).toEqual(lines(oracleConsole))
  })

  it('print what JSON has no words for: an error that leads back to itself, a BigInt', () => {
    const error = Object.assign(new Error('bad'), { code: 7n })
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {})
    const root = createLogger({ level: LEVELS.ERROR, logCreator: consoleLogCreator })
    root.namespace('A').error('m', { partition: 3, error })
    root.namespace('A').error('m', { partition: 3, error: Object.assign(error, { error }) })
    for (const [line] of printed.mock.calls) {
      expect(JSON.parse(line)).toMatchObject({
        level: 'ERROR',
        message: '[A] m',
        error: expect.stringMatching(/Error: bad[^]*code: 7n/)
      })
    }
    expect(printed).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['an error', new Error('full')],
    ['nothing', null],
    ['a symbol', Symbol('s')]
  ])('that throw %s are no end of what is logged; a warning tells once', (_, thrown) => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const fail = () => {
      throw thrown
    }
    const root = createLogger({ level: LEVELS.INFO, logCreator: () => fail })
    root.info('one')
    root.namespace('A').error('two')
    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining('"logCreator" has made a logger that throws'),
        expect.objectContaining({ code: 'KAFKARS_LOGGER' })
      ]
    ])
  })

  it('write the log of the engine', () => {
    const entries = []
    const root = createLogger({ level: LEVELS.DEBUG, logCreator: () => e => entries.push(e) })
    const log = createEngineLog(root)
    const extra = [['groupId', 'g'], ['n', 2]] // prettier-ignore
    log({ level: LEVELS.WARN, namespace: 'Runner', message: 'm', extra })
    expect(entries).toEqual([
      {
        namespace: 'Runner',
        level: LEVELS.WARN,
        label: 'WARN',
        log: expect.objectContaining({ message: 'm', groupId: 'g', n: 2 })
      }
    ])
  })
})
