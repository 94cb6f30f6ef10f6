import { statSync } from 'node:fs'
import { createServer } from 'node:https'
import path from 'node:path'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { JoiningRole } from '../../src/client/index.ts'
import { after, systemClock, type Instant } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { LEAF_LIFE, newAuthority, newLeaf } from '../../src/inbound/index.ts'
import {
  followSnapshot,
  join,
  loadOrCreateIdentity,
  Membership,
  nodeTokenSource,
  readJoinToken,
  renderJoinToken,
  type NodeIdentity,
} from '../../src/membership/index.ts'
import { controlLink } from '../../src/membership/control-link.ts'
import { agreeOnStorage } from '../../src/membership/index.ts'
import { ensureMark, memoryStore, openStore, readMark } from '../../src/storage/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { freshFolder } from '../app/folder.ts'
import { ControlFixture } from './fixture.ts'

const DAY = 86_400_000
let control: ControlFixture
const time = { ahead: 0 }
const clock = { now: (): Instant => after(systemClock.now(), time.ahead) }

beforeAll(async () => {
  const reach = { url: 'https://control.example:9000', names: ['control.example', '127.0.0.1'] }
  control = await ControlFixture.open({ clock }, undefined, { reach })
})
afterAll(() => control.end())
afterEach(() => void (time.ahead = 0))

const overTls = (): string => `https://127.0.0.1:${control.running.port}`

async function tokenFor(role: JoiningRole, ttlSeconds = 3600): Promise<string> {
  const made = await control.client.createJoinToken({ role, pop: 'fra1', ttlSeconds, url: overTls() })
  return made.token
}

interface Machine {
  identityFile: string
  membershipFile: string
}

function machine(): Machine {
  const folder = freshFolder()
  return { identityFile: path.join(folder, 'node.json'), membershipFile: path.join(folder, 'member.json') }
}

type Joined = Awaited<ReturnType<typeof join>>

async function joinAs(role: JoiningRole, token: string, on = machine()): Promise<Joined> {
  return join({ token, role, ...on, url: role === 'edge' ? null : 'https://10.0.0.7:1936' })
}

function linkOf({ identity, membership }: Joined): ReturnType<typeof controlLink> {
  return controlLink({ controlUrl: '', membership }, nodeTokenSource(identity, 'control', clock))
}

const asks = { method: 'GET', path: '/v1/node/snapshot', signal: AbortSignal.timeout(120_000) } as const

async function snapshotOf(joined: Joined): Promise<{ status: number; snapshot: Snapshot }> {
  const { status, body } = await linkOf(joined)(asks)
  return { status, snapshot: body as Snapshot } // our own server's
}

test('a machine that has a token joins, and keeps what it was given for itself', async () => {
  const { token, ...told } = await control.client.createJoinToken({
    ...{ role: 'gateway', pop: 'fra1', ttlSeconds: 3600 },
  })
  expect(told).toMatchObject({ role: 'gateway', pop: 'fra1' })
  expect(readJoinToken(token).url).toBe('https://control.example:9000')
  const on = machine()
  const joined = await joinAs('gateway', await tokenFor('gateway'), on)
  const { snapshot } = await snapshotOf(joined)
  const { kty, crv, x } = joined.identity.publicJwk
  expect(snapshot.nodes.find(({ id }) => id === joined.identity.id)).toEqual({
    ...{ id: joined.identity.id, role: 'gateway', publicKey: { kty, crv, x } },
    ...{ pop: 'fra1', url: 'https://10.0.0.7:1936' },
  })
  expect([on.identityFile, on.membershipFile].map(file => statSync(file).mode & 0o777)).toEqual([
    0o600, 0o600,
  ])
  const again = Membership.read(on.membershipFile)
  expect([again?.credentials, again?.pop, again?.controls]).toEqual([
    ...[joined.membership.credentials, 'fra1', [overTls()]],
  ])
})

test('a node that joined follows the snapshot and acknowledges it', async () => {
  const { identity, membership } = await joinAs('edge', await tokenFor('edge'))
  const applied: number[] = []
  const follower = followSnapshot({
    ...{ controlUrl: '', membership, identity, stateDir: freshFolder(), log: silentLogger },
    apply: ({ version }) => void applied.push(version),
  })
  onTestFinished(() => follower.close())
  await follower.started
  const { snapshotVersion } = await control.client.createChannel({ path: '/live/stage' })
  const acknowledged = async (): Promise<unknown> =>
    (await control.client.acknowledged(snapshotVersion)).acknowledged.map(({ id }) => id)
  await expect.poll(acknowledged, { timeout: 10_000 }).toContain(identity.id)
  expect(applied.at(-1)).toBe(snapshotVersion)
  expect((await control.client.nodes()).find(({ id }) => id === identity.id)).toMatchObject({
    ...{ role: 'edge', state: 'live', version: snapshotVersion },
  })
})

test('a token lets one machine in; that one may ask again where it has not heard the answer', async () => {
  const token = await tokenFor('edge')
  const on = machine()
  const first = await joinAs('edge', token, on)
  const again = await joinAs('edge', token, on)
  expect(again.identity.id).toBe(first.identity.id)
  await expect(joinAs('edge', token)).rejects.toMatchObject({
    code: 'bad-join-token',
    message: expect.stringContaining('sluice nodes token') as unknown,
  })
})

test('an origin is let in where it finds the mark of the storage of control, and where others reach it', async () => {
  const token = await tokenFor('origin')
  const on = { ...machine(), token, role: 'origin' as const, url: 'https://10.0.0.7:9001' }
  const own = await openStore({ kind: 'filesystem', folder: path.join(control.root, 'storage') })
  const mark = await readMark(own)
  expect(mark).toMatch(/^[0-9a-f-]{36}$/)
  const before = await idsOfNodes()
  for (const storage of [null, await ensureMark(memoryStore())]) {
    await expect(join({ ...on, storage })).rejects.toMatchObject({
      code: 'other-storage',
      message: expect.stringContaining('s3://BUCKET') as unknown,
    })
  }
  await expect(join({ ...on, storage: mark ?? '', url: null })).rejects.toMatchObject({ code: 'no-url' })
  expect(await idsOfNodes()).toEqual(before)
  const joined = await join({ ...on, storage: mark ?? '' })
  const { snapshot } = await snapshotOf(joined)
  expect(snapshot.nodes.find(({ id }) => id === joined.identity.id)).toMatchObject({
    ...{ role: 'origin', pop: 'fra1', url: 'https://10.0.0.7:9001' },
  })
  expect(await agreeOnStorage(joined, mark ?? '')).toBe('agreed')
  await expect(agreeOnStorage(joined, 'another')).rejects.toMatchObject({ code: 'other-storage' })
  await control.client.removeNode(joined.identity.id)
})

test('a node that is found elsewhere after a start says so, whatever its certificate', async () => {
  const joined = await joinAs('gateway', await tokenFor('gateway'))
  const { identity, membership } = joined
  const url = 'https://10.0.0.8:1936'
  const of = { id: identity.id, clock, signal: AbortSignal.timeout(20_000) }
  expect(await membership.renew(linkOf(joined), { ...of, url: 'https://10.0.0.7:1936' })).toBe('good')
  expect(await membership.renew(linkOf(joined), { ...of, url })).toBe('renewed')
  expect(await membership.renew(linkOf(joined), { ...of, url })).toBe('good')
  const { snapshot } = await snapshotOf(joined)
  expect(snapshot.nodes.find(({ id }) => id === identity.id)?.url).toBe(url)
})

test('a token that has expired, is for another role or was made up lets nobody in', async () => {
  const before = await idsOfNodes()
  const ofEdge = await tokenFor('edge', 60)
  await expect(joinAs('gateway', ofEdge)).rejects.toMatchObject({ code: 'wrong-role' })
  const made = renderJoinToken({ ...readJoinToken(ofEdge), secret: 'x'.repeat(43) })
  await expect(joinAs('edge', made)).rejects.toMatchObject({ code: 'bad-join-token' })
  time.ahead = 60_000
  await expect(joinAs('edge', ofEdge)).rejects.toMatchObject({ code: 'bad-join-token' })
  expect(await idsOfNodes()).toEqual(before)
})

async function idsOfNodes(): Promise<string[]> {
  return (await control.client.nodes()).map(({ id }) => id)
}

test('the secret is told to nobody who cannot prove to be the control that made the token', async () => {
  const authority = await newAuthority('Sluice nodes', systemClock.now())
  const terms = { subject: 'control', names: ['control.sluice.internal'], usages: ['server' as const] }
  const pair = await newLeaf(authority, { ...terms, now: systemClock.now(), life: LEAF_LIFE })
  const heard: string[] = []
  const known = readJoinToken(await tokenFor('edge'))
  for (const told of [authority.certificate, await ownAuthority()]) {
    const impostor = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
      heard.push(`${request.method} ${request.url}`)
      response.end(JSON.stringify({ authority: told }))
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void impostor.close())
    await once(impostor, 'listening')
    const { port } = impostor.address() as AddressInfo // listening on TCP
    const token = renderJoinToken({ ...known, url: `https://127.0.0.1:${port}` })
    const codes = ['not-control', 'control-away']
    await expect(joinAs('edge', token)).rejects.toMatchObject({
      code: expect.toSatisfy((code: string) => codes.includes(code)) as unknown,
    })
  }
  expect(heard).toEqual(['GET /v1/node/authority', 'GET /v1/node/authority'])
})

async function ownAuthority(): Promise<string> {
  const response = await fetch(`${control.url}/v1/node/authority`)
  return ((await response.json()) as { authority: string }).authority // our own server's
}

test('from another machine a node has to show its own certificate beside its token', async () => {
  const first = await joinAs('edge', await tokenFor('edge'))
  const second = await joinAs('edge', await tokenFor('edge'))
  const mixed = (identity: NodeIdentity, membership: Membership): Promise<unknown> =>
    linkOf({ identity, membership })(asks).then(({ status, body }) => [status, codeIn(body)])
  expect(await mixed(first.identity, first.membership)).toEqual([200, undefined])
  expect(await mixed(first.identity, second.membership)).toEqual([403, 'no-certificate'])
  const stranger = await loadOrCreateIdentity(path.join(freshFolder(), 'node.json'), 'edge')
  expect(await mixed(stranger, second.membership)).toEqual([403, 'not-a-node'])
})

function codeIn(body: unknown): unknown {
  return (body as { error?: { code: string } }).error?.code // our own server's
}

test('a node that was removed is believed no more, by control and by its peers', async () => {
  const gone = await joinAs('edge', await tokenFor('edge'))
  const stays = await joinAs('edge', await tokenFor('edge'))
  await control.client.removeNode(gone.identity.id)
  const { snapshot } = await snapshotOf(stays)
  expect(snapshot.nodes.map(({ id }) => id)).not.toContain(gone.identity.id)
  expect((await snapshotOf(gone)).status).toBe(403)
  await expect(control.client.removeNode(gone.identity.id)).rejects.toMatchObject({ code: 'not-found' })
  await expect(control.client.removeNode(control.edge.id)).rejects.toMatchObject({ code: 'local-node' })
})

test('a certificate is made anew in its last month, and shown from then on', async () => {
  // By the system's clock, which TLS goes by, both are good now.
  time.ahead = 31 * DAY - LEAF_LIFE
  const joined = await joinAs('edge', await tokenFor('edge'))
  const before = joined.membership.credentials
  const ask = linkOf(joined)
  const of = { id: joined.identity.id, url: null, clock, signal: AbortSignal.timeout(20_000) }
  expect(await joined.membership.renew(ask, of)).toBe('good')
  time.ahead = 0
  expect(await joined.membership.renew(ask, of)).toBe('renewed')
  const { certificate, authority } = joined.membership.credentials
  expect([authority === before.authority, certificate === before.certificate]).toEqual([true, false])
  expect((await ask(asks)).status).toBe(200)
})

test('the authority outlives a restart of control', async () => {
  const joined = await joinAs('edge', await tokenFor('edge'))
  await control.restart()
  expect((await snapshotOf(joined)).status).toBe(200)
})

test('a control that listens on its own machine alone makes no token, unless told its address', async () => {
  control.reach = undefined
  await control.restart()
  const wanted = { role: 'edge', pop: 'fra1', ttlSeconds: 3600 } as const
  await expect(control.client.createJoinToken(wanted)).rejects.toMatchObject({
    code: 'control-is-local',
    message: expect.stringContaining('--control') as unknown,
  })
  const url = 'https://proxy.example'
  expect(readJoinToken((await control.client.createJoinToken({ ...wanted, url })).token).url).toBe(url)
})

test.each([
  ['nothing', ''],
  ['something else', 'sluice_abc'],
  [
    'one that was cut',
    renderJoinToken({ url: 'https://a', fingerprint: 'a'.repeat(64), secret: 's'.repeat(43) }).slice(0, -30),
  ],
  [
    'one in the clear',
    renderJoinToken({ url: 'http://a', fingerprint: 'a'.repeat(64), secret: 's'.repeat(43) }),
  ],
])('%s is no join token', (_, text) => {
  expect(() => readJoinToken(text)).toThrow('This is no join token')
})

test('what is kept for a membership and cannot be read says how to mend that', () => {
  expect(Membership.read(path.join(freshFolder(), 'none.json'))).toBeUndefined()
  expect(() => Membership.read(import.meta.filename)).toThrow('join again with a new token')
})

test('a node of a whole Sluice can be removed when nothing was heard of it for minutes, and comes again with it', async () => {
  time.ahead += 5 * 60_000
  const ids = async (): Promise<string[]> => (await control.client.nodes()).map(({ id }) => id)
  await control.client.removeNode(control.edge.id)
  expect(await ids()).not.toContain(control.edge.id)
  await control.restart()
  expect(await ids()).toContain(control.edge.id)
  await expect(control.client.removeNode(control.edge.id)).rejects.toMatchObject({ code: 'local-node' })
})
