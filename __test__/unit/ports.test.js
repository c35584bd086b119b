// @ts-check
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { CLAIMS, FIRST, LAST, freePorts } = require('../kafka/ports')

afterEach(() => jest.restoreAllMocks())

/** What is drawn next; behind that, chance goes on. @param {number[]} ports */
const draw = (...ports) => {
  const random = jest.spyOn(Math, 'random')
  for (const port of ports) random.mockReturnValueOnce((port - FIRST + 0.5) / (LAST - FIRST))
}

it('a port is given once, although nobody listens there', async () => {
  const [port, next] = await freePorts(2)
  fs.rmSync(path.join(CLAIMS, String(next)))
  draw(port, next)
  expect(await freePorts(1)).toEqual([next])
})

it('a port that another process has is left to it, until that ends', async () => {
  const [port, spare, more] = await freePorts(3)
  for (const other of [spare, more]) fs.rmSync(path.join(CLAIMS, String(other)))
  fs.writeFileSync(path.join(CLAIMS, String(port)), String(process.ppid))
  draw(port, spare)
  expect(await freePorts(1)).toEqual([spare])
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  fs.writeFileSync(path.join(CLAIMS, String(port)), String(pid))
  draw(port, port)
  expect(await freePorts(1)).toEqual([port])
})
