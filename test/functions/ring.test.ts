import { describe, expect, test } from 'vitest'
import type { Fetch, Outcome } from '../../src/functions/index.ts'
import { STATE, type RunMessage } from '../../src/functions/protocol.ts'
import { MOST_TEXT, Ring, ringMemory } from '../../src/functions/ring.ts'
import { named, program, runnerOf } from './runner-under-test.ts'

const run = (sequence: number, argument: string): RunMessage => ({
  ...{ kind: 'run', sequence, slot: 7, event: 'viewer-response', argument, now: 1_700_000_000_123.5 },
})

/** Both ends of one. */
function ends(counted = 0): { writer: Ring; reader: Ring } {
  const state = new Int32Array(new SharedArrayBuffer(STATE.length * Int32Array.BYTES_PER_ELEMENT))
  state[STATE.written] = state[STATE.taken] = counted
  const memory = ringMemory()
  return { writer: new Ring(state, memory), reader: new Ring(state, memory) }
}

describe('the ring', () => {
  test('gives runs as they were written, and in that order', () => {
    const { writer, reader } = ends()
    const runs = [run(1, '{}'), run(2 ** 40, '"é\u{1f600}\u2028\\ud800"'), run(3, '')]
    expect(runs.map(each => writer.write(each))).toEqual([true, true, true])
    expect([reader.take(), reader.take(), reader.take(), reader.take()]).toEqual([...runs, undefined])
  })

  test('takes what is as long as it may be, of the widest characters, and nothing longer', () => {
    const { writer, reader } = ends()
    for (const wide of ['\uffff', '\u{1f600}', 'a']) {
      const most = wide.repeat(MOST_TEXT / wide.length)
      expect(writer.write(run(1, most))).toBe(true)
      expect(reader.take()).toEqual(run(1, most))
      expect(writer.write(run(1, `${most}a`))).toBe(false)
    }
    expect(reader.take()).toBeUndefined()
  })

  test('gives nothing of a run with a shorter one that has its place after it', () => {
    const { writer, reader } = ends()
    for (let at = 0; at < 40; at++) {
      const argument = at < 16 ? JSON.stringify('secret'.repeat(100)) : '1'
      writer.write(run(at, argument))
      expect(reader.take()).toEqual(run(at, argument))
    }
  })

  test.each([0, 2 ** 31 - 3, -3])('takes sixteen runs, also where it has counted to %i', counted => {
    const { writer, reader } = ends(counted)
    const written = Array.from({ length: 20 }, (_, at) => writer.write(run(at, String(at))))
    expect(written).toEqual([...Array<boolean>(16).fill(true), ...Array<boolean>(4).fill(false)])
    expect(reader.take()).toEqual(run(0, '0'))
    expect(writer.write(run(16, '16'))).toBe(true)
    const rest = Array.from({ length: 17 }, () => reader.take()?.argument)
    expect(rest).toEqual([...Array.from({ length: 16 }, (_, at) => String(at + 1)), undefined])
  })
})

describe('a thread that sleeps', () => {
  const ECHO =
    'const seen = []; function handler(e) { if (e.all) return seen; seen.push(e.at); return e.text }'

  const said = (outcome: Outcome): unknown => (outcome.kind === 'returned' ? outcome.value : outcome)

  test('is told long and short events in the order in which they came, in characters of every width', async () => {
    const runner = await runnerOf([program('sluice-js-1', ECHO)], new Map(), { threads: 1 })
    const ask = async (argument: { at: number; text: string } | { all: true }) =>
      said(await runner.run({ function: named('f'), event: 'playlist-response', argument }))
    await ask({ at: -1, text: '' })
    const rest = JSON.stringify({ at: 1000, text: '' }).length
    const texts = [
      ...['a', '\u{1f600}é\0"\\', '\ud800', 'x'.repeat(MOST_TEXT - rest), 'x'.repeat(MOST_TEXT - rest + 1)],
      ...['\u{1f600}'.repeat((MOST_TEXT - rest) / 2), 'é'.repeat(MOST_TEXT), 'x'.repeat(300_000), ''],
    ]
    for (let round = 0; round < 4; round++) {
      const many = texts.map((text, at) => ask({ at: 1000 + round * 100 + at, text }))
      expect(await Promise.all(many)).toEqual(texts)
    }
    // At once, so that they may have had more than one sandbox; one after the other they have the first.
    for (const [at, text] of texts.entries()) expect(await ask({ at, text })).toBe(text)
    expect(((await ask({ all: true })) as number[]).slice(-texts.length)).toEqual([...texts.keys()])
  })

  test('is woken by each of many runs, one at a time and at once', async () => {
    const runner = await runnerOf([program('cloudfront-js-2.0', 'function handler(e) { return e + 1 }')])
    const ask = async (argument: number) =>
      said(await runner.run({ function: named('f'), event: 'viewer-request', argument }))
    for (let at = 0; at < 600; at++) expect(await ask(at)).toBe(at + 1)
    const numbers = Array.from({ length: 30 }, (_, at) => at)
    expect(await Promise.all(numbers.map(ask))).toEqual(numbers.map(at => at + 1))
  })

  test('goes on with what is quick while handlers wait for timers and answers, and sleeps again after that', async () => {
    const asked: (() => void)[] = []
    const fetch: Fetch = () =>
      new Promise(resolve => {
        asked.push(() => resolve({ status: 200, headers: [], body: new Uint8Array() }))
      })
    const slow = `exports.handler = async () => { await new Promise(r => setTimeout(r, 1)); return (await fetch('http://a.test/')).status }`
    const programs = [
      program('lambda-edge', slow, { id: named('slow'), hosts: ['a.test'] }),
      program('cloudfront-js-2.0', 'function handler(e) { return e }', { id: named('quick') }),
    ]
    const runner = await runnerOf(programs, new Map(), { threads: 1, fetch })
    const ask = async (name: string, argument: number) =>
      said(await runner.run({ function: named(name), event: 'origin-request', argument }))
    for (let round = 0; round < 3; round++) {
      const waiting = ask('slow', 0)
      while (asked.length === 0) expect(await ask('quick', asked.length)).toBeTypeOf('number')
      expect(await Promise.all([1, 2, 3].map(at => ask('quick', at)))).toEqual([1, 2, 3])
      for (const answer of asked.splice(0)) answer()
      expect(await waiting).toBe(200)
      for (const at of [1, 2, 3]) expect(await ask('quick', at)).toBe(at)
    }
  })

  test('is ended in its sleep, and what it was computing has failed, with all behind it done by another', async () => {
    const runner = await runnerOf(
      [
        program(
          'cloudfront-js-2.0',
          'function handler(e) { return e === 0 ? [].indexOf.call({ length: 2 ** 52 }, 1) : e }',
        ),
      ],
      new Map(),
      { threads: 1 },
    )
    const ask = (argument: number) => runner.run({ function: named('f'), event: 'viewer-request', argument })
    // Warm and asleep: what follows goes through the ring.
    for (let at = 1; at < 20; at++) expect(said(await ask(at))).toBe(at)
    const [bad, ...good] = await Promise.all([ask(0), ask(1), ask(2)])
    expect(bad).toMatchObject({ kind: 'failed', reason: 'function-timeout' })
    expect(good.map(said)).toEqual([1, 2])
    expect(said(await ask(3))).toBe(3)
    await runner.close()
    expect(await ask(4)).toMatchObject({ kind: 'failed', message: 'the runner has been closed' })
  })
})
