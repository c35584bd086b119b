'use strict'

const { Numbered } = require('../../src/utils/numbered')

describe('Numbered', () => {
  const filled = names => {
    const things = new Numbered()
    const numbers = names.map(name => {
      const number = things.next
      things.add({ name })
      return number
    })
    return { things, numbers }
  }

  it('gives each thing a number of its own until it is taken', () => {
    const { things, numbers } = filled(['a', 'b', 'c'])
    expect(numbers).toEqual([0, 1, 2])
    expect(things.take(1)).toEqual({ name: 'b' })
    expect(things.take(1)).toBeUndefined()
    expect(things.next).toBe(1)
    things.add({ name: 'd' })
    expect(things.next).toBe(3)
    expect([2, 1, 0].map(number => things.take(number)?.name)).toEqual(['c', 'd', 'a'])
  })

  it('needs no more places than there were things at once', () => {
    const { things } = filled(['a', 'b'])
    for (let n = 0; n < 1000; n++) {
      expect(things.next).toBeLessThan(3)
      const number = things.next
      things.add({ n })
      expect(things.take(number)).toEqual({ n })
    }
    expect(things.places).toHaveLength(3)
  })

  it('knows no number that nothing has', () => {
    const { things } = filled(['a'])
    for (const number of [-1, 1, 7, NaN]) expect(things.take(number)).toBeUndefined()
    expect(things.take(0)).toEqual({ name: 'a' })
  })

  it('is empty behind takeAll', () => {
    const { things } = filled(['a', 'b', 'c'])
    things.take(1)
    expect(things.takeAll().map(({ name }) => name)).toEqual(['a', 'c'])
    expect(things.takeAll()).toEqual([])
    expect(things.next).toBe(0)
  })
})
