import type { LookupAddress } from 'node:dns'
import { expect, test } from 'vitest'
import { instant, SluiceError, type Clock } from '../../src/core/index.ts'
import { rememberedLookups, type Resolve } from '../../src/outbound/name-lookups.ts'

/** Resolves when the test says so. */
function resolver(): {
  lookup: ReturnType<typeof rememberedLookups>
  asked: string[]
  settle: (answer: string[] | Error) => void
  move: (ms: number) => void
} {
  let now = 1_000_000
  const clock: Clock = { now: () => instant(now) }
  const asked: string[] = []
  const open: Parameters<Resolve>[1][] = []
  return {
    lookup: rememberedLookups((name, answer) => {
      asked.push(name)
      open.push(answer)
    }, clock),
    asked,
    settle: answer => {
      const next = open.shift()
      if (answer instanceof Error) next?.(answer, undefined)
      else
        next?.(
          null,
          answer.map((address): LookupAddress => ({ address, family: 4 })),
        )
    },
    move: ms => void (now += ms),
  }
}

const ask = (
  lookup: ReturnType<typeof rememberedLookups>,
  name = 'site.example',
): Promise<string[] | string> =>
  new Promise(resolve =>
    lookup(name, (error, found) => resolve(error ? (error.code ?? '') : found.map(each => each.address))),
  )

test('a name is resolved once for all who ask meanwhile, and for half a minute', async () => {
  const { lookup, asked, settle, move } = resolver()
  const crowd = Array.from({ length: 50 }, () => ask(lookup))
  settle(['192.0.2.1', '192.0.2.2'])
  expect(new Set((await Promise.all(crowd)).map(String))).toEqual(new Set(['192.0.2.1,192.0.2.2']))
  move(29_999)
  expect(await ask(lookup)).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(asked).toEqual(['site.example'])
  move(1)
  const again = ask(lookup)
  settle(['192.0.2.9'])
  expect([await again, asked.length]).toEqual([['192.0.2.9'], 2])
})

test.each<[string, string[] | Error, string | string[]]>([
  ['a failure', new SluiceError('EAI_AGAIN', 'the resolver is away'), 'EAI_AGAIN'],
  ['an empty answer', [], []],
])('%s is asked about again after a second', async (_, answer, seen) => {
  const { lookup, asked, settle, move } = resolver()
  const first = ask(lookup)
  settle(answer)
  expect(await first).toEqual(seen)
  move(999)
  expect(await ask(lookup)).toEqual(seen)
  expect(asked).toHaveLength(1)
  move(1)
  const again = ask(lookup)
  settle(['192.0.2.1'])
  expect(await again).toEqual(['192.0.2.1'])
})

test('what was learnt before the clock was set back does not count', async () => {
  const { lookup, asked, settle, move } = resolver()
  const first = ask(lookup)
  settle(['192.0.2.1'])
  await first
  move(-3_600_000)
  const again = ask(lookup)
  settle(['192.0.2.2'])
  expect([await again, asked.length]).toEqual([['192.0.2.2'], 2])
})

test('nobody is answered before he has gone on, and no answer can be spoilt for the next', async () => {
  const { lookup, settle } = resolver()
  const first = ask(lookup)
  settle(['192.0.2.1'])
  await first
  let gone = false
  const found = await new Promise<LookupAddress[]>(resolve => {
    lookup('site.example', (_error, addresses) => {
      expect(gone).toBe(true)
      resolve(addresses)
    })
    gone = true
  })
  found.length = 0
  expect(await ask(lookup)).toEqual(['192.0.2.1'])
})

test('of names that nobody asks for any more it keeps a bounded number', async () => {
  const { lookup, asked, settle } = resolver()
  for (let n = 0; n <= 1_000; n++) {
    const answer = ask(lookup, `host-${n}.example`)
    settle(['192.0.2.1'])
    await answer
  }
  const first = ask(lookup, 'host-0.example')
  expect(asked).toHaveLength(1_002)
  settle(['192.0.2.1'])
  await first
})
