import { expect, test } from 'vitest'
import type { Exchange } from '../../src/delivery/exchange.ts'
import { key } from '../../src/delivery/key.ts'
import { readPeer } from '../../src/delivery/peers/peer.ts'

const HEADERS = {
  'sluice-distribution': 'E1',
  'sluice-domain': 'site',
  'sluice-viewer': 'http 10.0.0.1 site',
  'sluice-version': '7',
  'sluice-seq': '5',
  'sluice-changes': '3',
}

const UP_TO_DATE = { version: 7, sequence: 5, changes: 3 }

/** A question to a process that knows so much. */
class Asked {
  readonly said: unknown[] = []
  readonly node = {
    snapshot: { version: 0, sequence: 0 },
    siblings: { changes: 0 },
    matcher: {
      distribution: () => ({ distribution: { id: 'E1' }, behaviour: () => ({}) }),
    },
  }
  readonly x = {
    node: this.node,
    request: { url: '/a', headers: { ...HEADERS }, rawHeaders: [] },
    response: { end: () => {} },
    head: (status: number, headers: string[]) => this.said.push(status, headers.slice(0, 2)),
  } as unknown as Exchange // all that is looked at

  constructor(known: typeof UP_TO_DATE) {
    this.learn(known)
  }

  learn({ version, sequence, changes }: typeof UP_TO_DATE): void {
    this.node.snapshot = { version, sequence }
    this.node.siblings.changes = changes
  }
}

test('whoever knows as much as the asker, or more, looks it up at once', () => {
  for (const known of [UP_TO_DATE, { version: 8, sequence: 6, changes: 4 }]) {
    const { x } = new Asked(known)
    expect(readPeer(x)).toBe(key)
    expect(x.appliedThen).toBe(known.sequence)
  }
})

const BEHIND = [
  ['a version of the snapshot', { version: 6 }],
  ['an invalidation', { sequence: 4 }],
  ['a change that a request has made', { changes: 2 }],
] as const

test.each(BEHIND)('whoever has not heard of %s yet answers when he has', async (_what, less) => {
  const asked = new Asked({ ...UP_TO_DATE, ...less })
  const step = readPeer(asked.x)
  expect(step).toBeInstanceOf(Promise)
  asked.learn(UP_TO_DATE)
  expect(await step).toBe(key)
  // What he answers with is as new as what he knew when he looked.
  expect(asked.x.appliedThen).toBe(5)
})

test('whoever does not hear of it in time says so, and has looked at nothing', async () => {
  const asked = BEHIND.map(([, less]) => new Asked({ ...UP_TO_DATE, ...less }))
  const steps = await Promise.all(asked.map(async ({ x }) => readPeer(x)))
  expect(steps).toEqual(asked.map(() => undefined))
  expect(asked.map(({ said }) => said)).toEqual(asked.map(() => [421, ['Sluice-Refused', 'behind']]))
  expect(asked.map(({ x }) => x.asker)).toEqual(asked.map(() => undefined))
})
