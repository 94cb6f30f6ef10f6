import { expect, test } from 'vitest'
import { instant, type Instant } from '../../src/core/index.ts'
import type { Exchange } from '../../src/delivery/exchange.ts'
import type { Owned } from '../../src/delivery/workers/neighbour.ts'
import { Versions } from '../../src/delivery/workers/versions.ts'

const START = 1_800_000_000_000

/** What the owner of a live playlist answers: made `age` ago, newest for `left` more, in milliseconds. */
function answer(status: number, at: Instant, { age, left }: { age: number; left: number }): Answered {
  return {
    ...{ kind: 'answer', run: 'r' },
    answer: {
      ...{ status, requestedAt: at, respondedAt: at, destroy() {} },
      headers: [
        ...['ETag', '"1"', 'Sluice-Found', `version known ${left}`],
        ...['Sluice-Age-Ms', String(age), 'Sluice-Cache-Control', 'no-store'],
      ],
      body: (async function* () {
        yield await Promise.resolve(Buffer.from('#EXTM3U'))
      })(),
    },
  }
}

type Answered = Owned & { kind: 'answer' }

test('a playlist that its owner says is still the same is as old as he says, and the same to whoever keeps what he made of it', async () => {
  let now = instant(START)
  const versions = new Versions({ now: () => now })
  const x = {
    ...{ key: 'k', directives: '', served: { distribution: { id: 'E1' } } },
    target: { path: '/live/a/playlist.m3u8' },
  } as unknown as Exchange // all that is looked at
  const first = await versions.read(x, answer(200, now, { age: 100, left: 2_000 }), undefined)
  now = instant(START + 60_000)
  const again = await versions.read(x, answer(304, now, { age: 300, left: 1_500 }), versions.last(x))
  if (first.kind !== 'version' || again.kind !== 'version') throw new Error('they are no versions')
  expect([first.object.bornAt, first.object.freshUntil]).toEqual([START - 100, START + 2_000])
  expect([again.object.bornAt, again.object.freshUntil]).toEqual([START + 59_700, START + 61_500])
  expect([again.object.body === first.object.body, again.object.headers === first.object.headers]).toEqual([
    ...[true, true],
  ])
  expect(versions.last(x)).toBe(again.object)
})
