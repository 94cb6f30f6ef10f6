import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newNodeId } from '../../src/core/index.ts'
import { followSnapshot, Membership, reportHealth } from '../../src/membership/index.ts'
import { controlLink } from '../../src/membership/control-link.ts'
import { Controls } from '../../src/membership/controls.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'
import { freshFolder } from '../app/folder.ts'
import { FakeControl, snapshotOf, until, type Said } from './fake-control.ts'

const identity = { id: newNodeId('edge'), role: 'edge' as const, ...newNodeKey() }

async function fakeControl(): Promise<FakeControl> {
  const control = await FakeControl.start()
  onTestFinished(() => control.close())
  return control
}

async function memberOf(controls: string[]): Promise<{ file: string; membership: Membership }> {
  const file = path.join(freshFolder(), 'edge.membership.json')
  // Asked in the clear, so that nothing of TLS is looked at.
  const kept = { controls, pop: 'fra1', authority: '', certificate: '', key: '' }
  return { file, membership: await Membership.keep(file, kept) }
}

test('everything that asks one control goes on to the next with the first that has failed', () => {
  const controls = new Controls(['https://a/', 'https://b', 'https://c'])
  const { moved } = controls
  expect([controls.url, moved.aborted]).toEqual(['https://a', false])
  controls.failed('https://a')
  controls.failed('https://a')
  expect([controls.url, moved.aborted, controls.moved.aborted]).toEqual(['https://b', true, false])
  controls.set(['https://c', 'https://b'])
  expect([controls.url, controls.moved.aborted]).toEqual(['https://b', false])
  controls.failed('https://b')
  expect(controls.url).toBe('https://c')
  controls.set(['https://d'])
  expect(controls.url).toBe('https://d')
  const waiting = controls.moved
  controls.failed('https://d')
  expect([controls.url, waiting.aborted, controls.moved.aborted]).toEqual(['https://d', true, false])
})

test('a node learns of the other controls, and keeps them behind the one that its token named', async () => {
  const { file, membership } = await memberOf(['https://by.token'])
  await Promise.all([
    membership.learn(['https://a', 'https://b']),
    membership.learn(['https://b', 'https://c']),
  ])
  const kept = ['https://by.token', 'https://b', 'https://c']
  expect([membership.controls, membership.asked.urls, Membership.read(file)?.controls]).toEqual([
    kept,
    kept,
    kept,
  ])
  const { mtimeMs } = await import('node:fs').then(fs => fs.statSync(file))
  await membership.learn(['https://b', 'https://by.token', 'https://c'])
  expect((await import('node:fs')).statSync(file).mtimeMs).toBe(mtimeMs)
  expect(readFileSync(file, 'utf8')).toContain('"pop": "fra1"')
})

test('a node whose control dies goes on with another one that it was told of', async () => {
  const [one, other] = [await fakeControl(), await fakeControl()]
  const { file, membership } = await memberOf([one.url])
  const later = snapshotOf(2)
  const offer = (snapshot: object): Said => ({
    status: 200,
    body: snapshot,
    headers: { 'sluice-epoch': 'e' },
  })
  const never = (): Promise<Said> => new Promise(() => {})
  const first = snapshotOf(1, { controls: [one.url, other.url] })
  one.answer = ({ url }) => (url.endsWith('wait=0') ? offer(first) : never())
  other.answer = ({ headers }) => (headers['if-none-match'] === '"1"' ? offer(later) : never())
  const applied: number[] = []
  const follower = followSnapshot({
    ...{ controlUrl: '', membership, identity, stateDir: freshFolder(), log: silentLogger },
    apply: ({ version }) => void applied.push(version),
  })
  onTestFinished(() => follower.close())
  await until('it holds its poll at the first', () => one.heard.length === 2)
  await one.close()
  await until('the other has given it a version', () => applied.length === 2)
  expect([applied, Membership.read(file)?.controls]).toEqual([
    [1, 2],
    [one.url, other.url],
  ])
})

test('a control that says nothing any more is left by all when one notices, also by who waits for its answer', async () => {
  const [one, other] = [await fakeControl(), await fakeControl()]
  const { membership } = await memberOf([one.url, other.url])
  const place = { controlUrl: '', membership }
  // It hangs: what is asked of it is never answered.
  one.answer = () => new Promise(() => {})
  other.answer = () => ({ status: 204 })
  const link = controlLink(place, () => Promise.resolve('a token'))
  const signal = AbortSignal.timeout(30_000)
  const held = link({ method: 'GET', path: '/held', signal, waitSeconds: 3_600 })
  const refused = expect(held).rejects.toMatchObject({ code: 'control-away' })
  await until('it is asked', () => one.heard.length === 1)
  await expect(link({ method: 'GET', path: '/soon', signal, within: 50 })).rejects.toMatchObject({
    code: 'control-away',
  })
  await refused
  expect((await link({ method: 'GET', path: '/again', signal })).status).toBe(204)
  const health = reportHealth({
    ...{ ...place, identity, metrics: createMetrics('edge'), log: silentLogger },
    ...{ snapshot: () => undefined, totals: () => ({ requests: 0, bytes: 0 }), busy: () => 0 },
  })
  await until('health goes there too', () => other.heard.some(({ url }) => url === '/v1/node/health'))
  await health.close()
  expect(one.heard.map(({ url }) => url)).toEqual(['/held', '/soon'])
})

test('a control that answers and cannot reach its database is left for the next, and where none can all is quiet', () => {
  const controls = new Controls(['https://a', 'https://b'])
  controls.unable('https://a')
  expect(controls.url).toBe('https://b')
  controls.unable('https://b')
  expect(controls.url).toBe('https://b')
  const alone = new Controls(['https://a'])
  const waiting = alone.moved
  alone.unable('https://a')
  expect([alone.url, waiting.aborted]).toEqual(['https://a', false])
})

test('who asks such a control is at the other with the next question', async () => {
  const [first, second] = await Promise.all([fakeControl(), fakeControl()])
  first.answer = () => ({ status: 503, body: { error: { code: 'database-away', message: 'away' } } })
  second.answer = () => ({ status: 200, body: {} })
  const { membership } = await memberOf([first.url, second.url])
  const ask = controlLink({ controlUrl: first.url, membership }, () => Promise.resolve('token'))
  const question = { method: 'POST', path: '/v1/node/leases', signal: new AbortController().signal } as const
  expect([(await ask(question)).status, (await ask(question)).status]).toEqual([503, 200])
})
