import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeHealth } from '../../src/client/index.ts'
import { newNodeId, reader, systemClock } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { reportHealth, softwareVersion, type HealthReporting } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'
import { FakeControl, snapshotOf, until, type Said } from './fake-control.ts'

let control: FakeControl
let node: HealthReporting | undefined
let snapshot: Snapshot | undefined
let lines: string[]
let metrics = createMetrics('edge')
const identity = { id: newNodeId('edge'), role: 'edge' as const, ...newNodeKey() }
const { kty, crv, x } = identity.publicJwk
const peer = { id: identity.id, role: 'edge' as const, publicKey: { kty, crv, x } }
const read = reader(NodeHealth, 'the report')

beforeEach(async () => {
  control = await FakeControl.start()
  snapshot = undefined
  lines = []
  metrics = createMetrics('edge')
})

afterEach(async () => {
  await node?.close()
  await control.close()
})

const keep = (_fields: object, text?: string): void => void lines.push(text ?? '')

function start(everyMs = 5): HealthReporting {
  node = reportHealth({
    ...{ controlUrl: control.url, identity, metrics, everyMs },
    log: { ...silentLogger, info: keep, warn: keep },
    snapshot: () => snapshot,
    totals: () => ({ requests: 7, bytes: 900, hits: 1, misses: 1 }),
    busy: () => 3,
  })
  return node
}

/** Says a time that is so far from ours. */
const answerWith =
  (offset = 0, said: Said = { status: 204 }): FakeControl['answer'] =>
  () => ({ ...said, headers: { 'sluice-clock': String(systemClock.now() - offset) } })

const newest = (): NodeHealth => read(control.heard.at(-1)?.body)

async function gauge(name: string): Promise<number> {
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(await metrics.text())?.[1])
}

describe('the report of health', () => {
  it('says how the node does, which version it is, and what time it has', async () => {
    control.answer = answerWith()
    start(3_600_000)
    await until('a report', () => control.heard.length === 1)
    expect(control.heard[0]?.url).toBe('/v1/node/health')
    expect(newest()).toEqual({
      ...{ software: softwareVersion(), state: 'starting', snapshot: null, sequence: null },
      ...{ traffic: { bytesPerSecond: 0, requestsPerSecond: 0 }, hitRatio: null, busy: 3, roundTrip: 0 },
      ...{ controlAwaySince: null, viewers: null },
    })
    const { headers } = control.heard[0] ?? {}
    expect(headers?.['sluice-version']).toBe(softwareVersion())
    expect(Math.abs(Number(headers?.['sluice-clock']) - Date.now())).toBeLessThan(20_000)
    expect(node?.health(['snapshot'])).toEqual({ kind: 'not-ready', waitingFor: ['snapshot'] })
  })

  it('tells what is applied, and that nothing new is to come', async () => {
    control.answer = answerWith()
    const node = start()
    snapshot = snapshotOf(41, { sequence: 6, nodes: [peer] })
    await until('it says so', () => control.heard.length > 0 && newest().snapshot === 41)
    expect(newest()).toMatchObject({ state: 'serving', sequence: 6 })
    expect([node.health([]), node.draining(), await gauge('sluice_draining')]).toEqual([
      ...[{ kind: 'ready' }, false, 0],
    ])
    snapshot = snapshotOf(42, { nodes: [{ ...peer, draining: true }] })
    await until('it says so', () => newest().state === 'draining')
    expect([node.health([]), node.draining(), await gauge('sluice_draining')]).toEqual([
      ...[{ kind: 'draining' }, true, 1],
    ])
  })

  it('notices that control is away, serves on and says so, and tells control when it is back', async () => {
    control.answer = answerWith()
    snapshot = snapshotOf(41)
    const node = start()
    await until('control has answered', () => control.heard.length > 1)
    const { url } = control
    await control.close()
    await until('it notices', () => lines.length > 0)
    expect(node.health([])).toEqual({
      kind: 'ready',
      notes: [expect.stringMatching(/^control is away since \d{4}-/) as unknown],
    })
    control = await FakeControl.start(Number(new URL(url).port))
    control.answer = answerWith()
    await until('it is told', () => control.heard.length > 1)
    expect(read(control.heard[0]?.body).controlAwaySince).toMatch(/^\d{4}-/)
    expect(read(control.heard[1]?.body).controlAwaySince).toBeNull()
    expect(node.health([])).toEqual({ kind: 'ready' })
    expect(await gauge('sluice_control_away_seconds')).toBe(0)
    expect(lines).toEqual([
      'control does not answer: this node serves on with the configuration that it has',
      'control answers again',
    ])
  })

  it('says how long control is away', async () => {
    await control.close()
    start()
    await expect.poll(() => gauge('sluice_control_away_seconds'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(lines).toEqual(['control does not answer, and this node has no configuration yet'])
    control = await FakeControl.start()
  })

  it.each([
    [95_000, "the clock is 95 s ahead of control's", 95],
    [-45_000, "the clock is 45 s behind control's", -45],
  ])(
    'notices a clock that is off by %i ms, even where control refuses it for that',
    async (offset, note, seconds) => {
      const refusal = { error: { code: 'clock-off', message: 'the clock of this one is off' } }
      control.answer = answerWith(offset, { status: 401, body: refusal })
      const node = start()
      await until('it notices', () => lines.length > 1)
      expect(node.health([])).toEqual({ kind: 'ready', notes: [note] })
      expect(Math.round(await gauge('sluice_clock_offset_seconds'))).toBe(seconds)
      const before = lines.length
      control.answer = answerWith()
      await until('it is right again', () => lines.includes('the clock is right again'))
      expect(lines.slice(0, before)).toEqual([
        expect.stringContaining('let NTP set both'),
        'report not taken',
      ])
      expect(node.health([])).toEqual({ kind: 'ready' })
    },
  )

  it('is not missed by a control that does not know it', async () => {
    control.answer = () => ({
      status: 404,
      body: { error: { code: 'not-found', message: 'there is no POST' } },
    })
    start()
    await until('some tries', () => control.heard.length > 3)
    expect(lines).toEqual([])
  })
})
