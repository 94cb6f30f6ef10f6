import { EventEmitter } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Found } from '../../src/cache/index.ts'
import { systemClock } from '../../src/core/index.ts'
import type { Exchange } from '../../src/delivery/exchange.ts'
import { LARGEST_HEAD, MOST_FIELDS } from '../../src/delivery/upstream/origin-limits.ts'
import { BorrowedFiles } from '../../src/delivery/workers/borrowed-files.ts'
import { LargeElsewhere } from '../../src/delivery/workers/borrowed-large.ts'
import { Neighbour } from '../../src/delivery/workers/neighbour.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'neighbour-'))
const socket = path.join(folder, 'owner.sock')
const warnings: unknown[] = []
let owner: Server
let answer: (response: ServerResponse) => void

const X = {
  ...{ id: 'r-1', directives: '', spent: new Set() },
  node: {
    ...{ largestCopy: 0, snapshot: undefined, siblings: undefined },
    log: { warn: (fields: object) => warnings.push(fields), debug() {} },
  },
  served: { distribution: { id: 'E1', domain: 'site' } },
  viewer: { scheme: 'http', address: '10.0.0.1', authority: 'site' },
  request: { headers: {} },
  headers: {},
  source: { headers: [], members: [{ origin: { kind: 'built-in' } }] },
  target: { path: '/a', query: '' },
} as unknown as Exchange // all that is looked at

beforeAll(async () => {
  owner = createServer((_request, response) => answer(response))
  await new Promise<void>(resolve => owner.listen(socket, resolve))
})
beforeEach(() => void warnings.splice(0))
afterAll(() => {
  owner.close().closeAllConnections()
  rmSync(folder, { recursive: true })
})

async function ask(socketPath = socket): Promise<string> {
  const neighbour = new Neighbour(socketPath, systemClock, new BorrowedFiles())
  try {
    const owned = await neighbour.ask(X, { largest: 0 })
    if (owned.kind === 'answer') owned.answer.destroy()
    return owned.kind
  } finally {
    await neighbour.close()
  }
}

const OWNED = ['Sluice-Run', 'r', 'Sluice-Found', 'hit']
const BASE64 = 'A'.repeat(70_000)

const ANSWERS: [what: string, kind: string, status: number, head: string[]][] = [
  ["as many fields as an origin's, and the owner's own", 'answer', 200, fieldsOf(MOST_FIELDS)],
  [
    "as large a head as an origin's, and a long key",
    'answer',
    200,
    ['X', 'x'.repeat(LARGEST_HEAD), 'Y', BASE64],
  ],
  ['an owner who is behind', 'away', 421, ['Sluice-Refused', 'behind']],
  ['an object that is another by now', 'away', 412, ['Sluice-Refused', 'changed']],
  ['a question that is none', 'unreadable', 400, ['Sluice-Refused', 'unreadable']],
  ['a question that is too large', 'unreadable', 431, []],
  ['more fields than the two can have', 'unreadable', 200, fieldsOf(MOST_FIELDS + 100)],
  ['a larger head than the two can have', 'unreadable', 200, ['X', 'x'.repeat(5 * LARGEST_HEAD)]],
]

test.each(ANSWERS)('of %s it is said: %s', async (_what, kind, status, head) => {
  const own = status === 200 ? OWNED : []
  answer = response => response.writeHead(status, [...own, ...head]).end()
  expect(await ask()).toBe(kind)
  // What is a fault of this program is not passed over in silence.
  expect(warnings.length).toBe(kind === 'unreadable' ? 1 : 0)
})

test('an owner who is not there is away', async () => {
  expect(await ask(path.join(folder, 'nobody.sock'))).toBe('away')
  expect(warnings).toEqual([])
})

function fieldsOf(count: number): string[] {
  return Array.from({ length: count }, (_, n) => [`X-${n}`, 'x']).flat()
}

const WHOLE = [
  'ETag',
  '"1"',
  'Sluice-Run',
  'r',
  'Sluice-Found',
  'hit',
  'Sluice-Large',
  '9',
  'Sluice-Part',
  '0-8',
]
const FOUND = { kind: 'passing', reason: 'no-store', forward: 'miss' } as unknown as Found // another one than before

test('a large object whose owner ends before its head is written is looked up anew where its origin has no ranges', async () => {
  answer = response => response.writeHead(200, WHOLE).end('123456789')
  const neighbour = new Neighbour(socket, systemClock, new BorrowedFiles())
  const owned = await neighbour.ask(x(), { largest: 0 })
  if (owned.kind !== 'answer') throw new Error(owned.kind)
  const found = new LargeElsewhere(x(), owned).found({
    owner: neighbour,
    alone: () => Promise.resolve({ ...owned.answer, status: 200, headers: ['ETag', '"1"'], destroy() {} }),
    again: () => FOUND,
  })
  if (found.kind !== 'filling') throw new Error(found.kind)
  answer = response => response.destroy()
  expect(await found.fill.reach?.(4, 6)).toEqual({ kind: 'changed', found: FOUND })
  await neighbour.close()
})

function x(): Exchange {
  return { ...X, response: new EventEmitter() } as unknown as Exchange // as above
}
