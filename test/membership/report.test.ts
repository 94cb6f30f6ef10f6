import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newNodeId } from '../../src/core/index.ts'
import { startReporting, type Reporting, type ReportingOptions } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { FakeControl, until, type Said } from './fake-control.ts'

let control: FakeControl
let reporting: Reporting | undefined
let next: object | undefined
let taken: object[]

beforeEach(async () => {
  control = await FakeControl.start()
  control.answer = () => ({ status: 204 })
  next = { n: 1 }
  taken = []
})

afterEach(async () => {
  await reporting?.close()
  await control.close()
})

const HOUR = 3_600_000

function start(over: Partial<ReportingOptions> = {}): Reporting {
  reporting = startReporting({
    controlUrl: control.url,
    identity: { id: newNodeId('edge'), role: 'edge', ...newNodeKey() },
    path: '/v1/node/viewers',
    everyMs: HOUR,
    read: () => next,
    taken: body => void taken.push(body),
    log: silentLogger,
    ...over,
  })
  return reporting
}

const bodies = () => control.heard.map(each => each.body)

describe('reporting', () => {
  it('says at once what there is, as a node, and again and again', async () => {
    start({ everyMs: 5 })
    await until('three reports were taken', () => taken.length >= 3)
    expect(control.heard[0]).toMatchObject({ url: '/v1/node/viewers', body: { n: 1 } })
    expect(control.heard[0]?.headers['sluice-node']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(taken[0]).toBe(next)
  })

  it('says nothing while there is nothing to say, and hurries when it is told to', async () => {
    let reads = 0
    next = undefined
    const started = start({ read: () => (reads++, next) })
    await until('it looked', () => reads === 1)
    next = { n: 2 }
    started.soon()
    await until('it was taken', () => taken.length === 1)
    expect(bodies()).toEqual([{ n: 2 }])
  })

  it('reads again after a report that was under way when it was hurried', async () => {
    let release: (said: Said) => void = () => {}
    control.answer = () => new Promise<Said>(resolve => (release = resolve))
    const started = start()
    await until('the first is under way', () => control.heard.length === 1)
    next = { n: 2 }
    started.soon()
    started.soon()
    control.answer = () => ({ status: 204 })
    release({ status: 204 })
    await until('both were taken', () => taken.length === 2)
    expect(bodies()).toEqual([{ n: 1 }, { n: 2 }])
  })

  it.each([503, 400, 403])('does not call a report taken that was answered with %i', async status => {
    control.answer = () => ({ status: control.heard.length < 3 ? status : 204 })
    start({ everyMs: 5 })
    await until('one was taken', () => taken.length > 0)
    expect(control.heard.length).toBeGreaterThanOrEqual(3)
  })

  it('complains once while control is away, and goes on when it is back', async () => {
    const lines: string[] = []
    const log = { ...silentLogger, warn: (_fields: object, text: string) => void lines.push(text) }
    control.answer = () => ({ status: 503 })
    start({ everyMs: 1, log })
    await until('it tried often', () => control.heard.length > 10)
    control.answer = () => ({ status: 204 })
    await until('one was taken', () => taken.length > 0)
    expect(lines).toEqual(['report not taken'])
  })

  it('outlives a reader that throws', async () => {
    let reads = 0
    start({
      everyMs: 1,
      read() {
        if (reads++ === 0) throw new Error('not now')
        return { n: 3 }
      },
    })
    await until('it was taken', () => taken.length > 0)
    expect(bodies()[0]).toEqual({ n: 3 })
  })

  it('closes while a report is under way, and says no more', async () => {
    control.answer = () => new Promise<Said>(() => {})
    const started = start({ everyMs: 1 })
    await until('one is under way', () => control.heard.length === 1)
    await started.close()
    expect([control.heard.length, taken]).toEqual([1, []])
  })
})
