import { expect, test } from 'vitest'
import { Turnstile } from '../../src/core/index.ts'

test('a turnstile lets so many through, has so many wait in order, and sends the rest away', async () => {
  const turnstile = new Turnstile({ width: 2, queue: 1 })
  const inside: string[] = []
  const leave = new Map<string, () => void>()
  const pass = (name: string): Promise<string> =>
    turnstile.pass(async () => {
      inside.push(name)
      await new Promise<void>(resolve => leave.set(name, resolve))
      return name
    })
  const [a, b, c] = [pass('a'), pass('b'), pass('c')]
  await expect(pass('d')).rejects.toMatchObject({ code: 'overloaded', kind: 'unavailable' })
  expect(inside).toEqual(['a', 'b'])
  leave.get('b')?.()
  expect(await b).toBe('b')
  await Promise.resolve()
  expect(inside).toEqual(['a', 'b', 'c'])
  leave.get('a')?.()
  leave.get('c')?.()
  expect(await Promise.all([a, c])).toEqual(['a', 'c'])
})

test('who fails inside makes room as well', async () => {
  const turnstile = new Turnstile({ width: 1, queue: 0 })
  await expect(turnstile.pass(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await turnstile.pass(() => Promise.resolve('next'))).toBe('next')
})
