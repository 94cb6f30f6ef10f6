import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { LogFiles } from '../../src/app/log-files.ts'
import { humanLine } from '../../src/app/log-lines.ts'
import { instant } from '../../src/core/index.ts'
import { freshFolder } from './folder.ts'

const NOON = Date.UTC(2026, 10, 22, 12)
const DAY = 86_400_000

function logs(options: { rotateAt?: number } = {}) {
  const folder = freshFolder()
  const shown: string[] = []
  const state = { now: NOON }
  const files = () =>
    new LogFiles({
      folder,
      clock: { now: () => instant(state.now) },
      show: line => shown.push(line),
      ...options,
    })
  const write = async (lines: string[], name: 'stdout' | 'stderr' = 'stdout') => {
    const log = files()
    const stream = new PassThrough()
    log.take('edge', stream, name)
    for (const line of lines) stream.write(line)
    stream.end()
    await log.close()
  }
  return { folder, shown, state, write }
}

test('all that a role writes is kept, whole lines and the rest of a broken one', async () => {
  const { folder, write } = logs()
  await write(['one\ntw', 'o\n\nthree'])
  expect(readFileSync(join(folder, 'edge.log'), 'utf8')).toBe('one\ntwo\nthree\n')
})

test('a line without an end is cut, so that memory stays bounded', async () => {
  const { folder, write } = logs()
  // Before its end comes, if ever it does.
  await write(['x'.repeat(100_000), 'x'.repeat(100_000), '\n'])
  const lines = readFileSync(join(folder, 'edge.log'), 'utf8').trim().split('\n')
  expect(lines.map(line => line.length)).toEqual([65_536, 65_536, 65_536, 3_392])
})

test('a new day and a full file begin a new file, and files of more than seven days go', async () => {
  const { folder, state, write } = logs({ rotateAt: 10 })
  const old = join(folder, 'edge.2026-11-01T00-00-00.000.log')
  const others = join(folder, 'access.2026-11-01T00-00-00.000.log')
  for (const file of [old, others]) {
    writeFileSync(file, 'old\n')
    utimesSync(file, (NOON - 8 * DAY) / 1000, (NOON - 8 * DAY) / 1000)
  }
  await write(['first line\n'])
  await write(['second\n'])
  utimesSync(join(folder, 'edge.log'), NOON / 1000, NOON / 1000)
  state.now = NOON + DAY
  await write(['next day\n'])
  expect(readdirSync(folder).sort()).toEqual([
    'access.2026-11-01T00-00-00.000.log',
    'edge.2026-11-22T12-00-00.000.log',
    'edge.2026-11-23T12-00-00.000.log',
    'edge.log',
  ])
  expect(readFileSync(join(folder, 'edge.log'), 'utf8')).toBe('next day\n')
})

test('warnings and errors are shown, a few at a time', async () => {
  const { shown, write, folder } = logs()
  const event = (level: number, msg: string) => `${JSON.stringify({ level, msg })}\n`
  await write([event(30, 'listens'), ...Array.from({ length: 9 }, (_, n) => event(40, `slow ${n}`))])
  expect(shown).toEqual([
    ...[0, 1, 2, 3, 4].map(n => `edge: warning: slow ${n}`),
    `edge: more of this in ${join(folder, 'edge.log')}`,
  ])
})

test.each([
  ['stdout', '{"level":30,"msg":"listens"}', undefined],
  ['stdout', '{"level":40,"msg":"slow","error":"disk is busy"}', 'edge: warning: slow: disk is busy'],
  [
    'stdout',
    '{"level":50,"msg":"uncaught error","err":{"message":"boom"}}',
    'edge: error: uncaught error: boom',
  ],
  ['stdout', 'plain text', undefined],
  ['stderr', 'FATAL ERROR: heap', 'edge: FATAL ERROR: heap'],
  ['stdout', '{"level":50}', 'edge: error: no message'],
  [
    'stdout',
    '{"level":50,"origin":"site","why":"::1 is on this machine","msg":"an origin cannot be asked"}',
    'edge: error: an origin cannot be asked: ::1 is on this machine',
  ],
  ['stdout', '{broken', undefined],
] as const)('%s %s is shown as %s', (stream, line, shown) => {
  expect(humanLine('edge', stream, line)).toBe(shown)
})
