'use strict'

/** What `.github/workflows` runs, needs and names is there: a mistake in it would be found by a release. */

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const yaml = require('yaml')
const { ROOT, manifest, platforms } = require('../../release/platforms')

const FOLDER = path.join(ROOT, '.github', 'workflows')
const files = fs.readdirSync(FOLDER)
const textOf = file => fs.readFileSync(path.join(FOLDER, file), 'utf8')
const workflows = Object.fromEntries(files.map(file => [file, yaml.parse(textOf(file))]))

/** Each step with where it is. */
const allSteps = Object.entries(workflows).flatMap(([file, { jobs }]) =>
  Object.entries(jobs).flatMap(([job, { steps = [] }]) => steps.map(step => ({ file, job, step })))
)

/** The combinations that a job runs with. */
const matrixOf = ({ strategy }) => {
  const { include, ...lists } = strategy?.matrix ?? {}
  const [[name, values] = []] = Object.entries(lists)
  return include ?? values?.map(value => ({ [name]: value })) ?? [{}]
}

/** A text of a job, for one combination. */
const filled = (text, matrix) =>
  text.replace(/\$\{\{ matrix\.(\w+)(?: \|\| '([^']*)')? \}\}/g, (_, key, other) => {
    const value = matrix[key] ?? other
    if (value === undefined) throw new Error(`the matrix has no ${key}: ${JSON.stringify(matrix)}`)
    return value
  })

test('every action is a commit, of a version that is named beside it', () => {
  const uses = files.flatMap(file =>
    [...textOf(file).matchAll(/uses: (?!\.\/)(.*)/g)].map(([, action]) => `${file}: ${action}`)
  )
  expect(uses.length).toBeGreaterThan(20)
  expect(uses.filter(one => !/@[0-9a-f]{40} # (v\d+\.\d+\.\d+|master)$/.test(one))).toEqual([])
  // The same everywhere.
  const actions = new Set(uses.map(one => one.split(': ')[1]))
  expect(new Set([...actions].map(one => one.split('@')[0])).size).toBe(actions.size)
})

test('every npm script that a step runs is there, and so is every file of ours', () => {
  const lines = allSteps.flatMap(({ step }) => step.run ?? [])
  const scripts = lines.flatMap(run =>
    [...run.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
  )
  expect(scripts.length).toBeGreaterThan(5)
  expect(scripts.filter(name => !Object.hasOwn(manifest().scripts, name))).toEqual([])
  const programs = lines.filter(run => /^\.ci\//.test(run))
  expect(programs.filter(file => !fs.existsSync(path.join(ROOT, file)))).toEqual([])
})

test('every step knows what its matrix has, for each combination', () => {
  for (const { jobs } of Object.values(workflows)) {
    for (const job of Object.values(jobs)) {
      for (const matrix of matrixOf(job)) {
        expect(() => filled(JSON.stringify(job), matrix)).not.toThrow()
      }
    }
  }
})

test('what a job needs and calls is there', () => {
  for (const { jobs } of Object.values(workflows)) {
    for (const { needs = [], uses } of Object.values(jobs)) {
      expect(Object.keys(jobs)).toEqual(expect.arrayContaining([needs].flat()))
      if (uses) expect(workflows[path.basename(uses)].on).toHaveProperty('workflow_call')
    }
  }
})

test('what is downloaded was uploaded, by a job that is waited for', () => {
  const { jobs } = workflows['build.yml']
  const uploads = name =>
    jobs[name].steps
      .filter(({ uses = '' }) => uses.startsWith('actions/upload-artifact@'))
      .flatMap(step => matrixOf(jobs[name]).map(matrix => filled(step.with.name, matrix)))
  for (const [name, job] of Object.entries(jobs)) {
    const downloads = (job.steps ?? []).filter(({ uses = '' }) =>
      uses.startsWith('actions/download-artifact@')
    )
    const there = [job.needs ?? []].flat().flatMap(uploads)
    const wanted = downloads.flatMap(step =>
      matrixOf(job).map(matrix => filled(step.with.name, matrix))
    )
    expect({ name, missing: wanted.filter(one => !there.includes(one)) }).toEqual({
      name,
      missing: []
    })
  }
  const all = ['linux', 'others'].flatMap(uploads)
  expect(new Set(all).size).toBe(platforms().length)
  // What a release gathers.
  const [download] = workflows['release.yml'].jobs.publish.steps.filter(({ uses = '' }) =>
    uses.startsWith('actions/download-artifact@')
  )
  expect(
    all.filter(one => !new RegExp(`^${download.with.pattern.replace('*', '.*')}$`).test(one))
  ).toEqual([])
})

test('each platform of the package is built, and tested', () => {
  const { jobs } = workflows['build.yml']
  const built = ['linux', 'others'].flatMap(name => matrixOf(jobs[name]))
  expect(built.map(({ target }) => target).sort()).toEqual([...manifest().napi.targets].sort())
  for (const { name, target } of matrixOf(jobs.linux)) {
    const named = platforms().filter(
      platform => platform.os === 'linux' && platform.name.includes(name)
    )
    expect(named.map(platform => platform.target)).toEqual([target])
  }
  const names = new Set(matrixOf(jobs['test-linux']).map(({ name }) => name))
  expect([...names].sort()).toEqual(
    matrixOf(jobs.linux)
      .map(({ name }) => name)
      .sort()
  )
  const targets = matrixOf(jobs['test-others']).map(({ target }) => target)
  expect(targets.sort()).toEqual(
    matrixOf(jobs.others)
      .map(({ target }) => target)
      .sort()
  )
})

test('what the documents promise is tried: versions of Node, the oldest compiler', () => {
  const versions = fs.readFileSync(path.join(ROOT, 'docs', 'versions.md'), 'utf8')
  const [, promised] = /\| Node \|[^|]*\| ([\d, ]+) \|/.exec(versions)
  const { jobs } = workflows['ci.yml']
  expect(matrixOf(jobs.test).map(({ node }) => node)).toEqual(promised.split(', ').map(Number))
  const [, oldest] = /^rust-version = "([\d.]+)"/m.exec(
    fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8')
  )
  const [
    {
      with: { toolchain }
    }
  ] = jobs.msrv.steps.filter(({ uses }) => uses?.includes('rust-toolchain'))
  expect(toolchain).toBe(oldest)
})

/** Runs a step of the release as GitHub does, with programs that say what they were called with. */
const release = (run, { published, released }) => {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'kafkars-release-'))
  const said = path.join(directory, 'said')
  const version = manifest().version
  const programs = {
    npm: `echo "npm $*" >> "${said}"; [ "$1" != view ] || ${published ? `echo ${version}` : 'exit 1'}`,
    gh: `echo "gh $*" >> "${said}"; [ "$2" != view ] || exit ${released ? 0 : 1}`
  }
  for (const [name, text] of Object.entries(programs)) {
    fs.writeFileSync(path.join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  const env = {
    ...process.env,
    PATH: `${directory}${path.delimiter}${process.env.PATH}`,
    GITHUB_REF_NAME: `v${version}`
  }
  try {
    execFileSync('bash', ['-e', '-c', run], { env, stdio: 'ignore' })
    return fs.readFileSync(said, 'utf8')
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}

test('a release that broke off goes on where it was', () => {
  const { steps } = workflows['release.yml'].jobs.publish
  const [publish] = steps.filter(({ run }) => run?.includes('npm publish'))
  const [announce] = steps.filter(({ run }) => run?.includes('gh release create'))
  expect(release(publish.run, { published: false })).toMatch(/^npm publish$/m)
  expect(release(publish.run, { published: true })).not.toMatch(/^npm publish$/m)
  expect(release(announce.run, { released: false })).toMatch(/^gh release create v.* kafkars\.npm/m)
  expect(release(announce.run, { released: true })).not.toMatch(/^gh release create/m)
})

test('the list of what is in the binaries is that of all platforms', () => {
  const [{ run }] = workflows['release.yml'].jobs.publish.steps.filter(step =>
    step.run?.includes('cargo cyclonedx')
  )
  expect(run).toMatch(/^cargo cyclonedx .*--target all /m)
})

test('nothing may write but what publishes, and no step keeps the credentials', () => {
  for (const { permissions } of Object.values(workflows)) {
    expect(permissions).toEqual({ contents: 'read' })
  }
  const writers = Object.values(workflows).flatMap(({ jobs }) =>
    Object.entries(jobs)
      .filter(([, job]) => job.permissions)
      .map(([name]) => name)
  )
  expect(writers).toEqual(['publish'])
  const checkouts = allSteps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'))
  expect(checkouts.filter(({ step }) => step.with?.['persist-credentials'] !== false)).toEqual([])
})
