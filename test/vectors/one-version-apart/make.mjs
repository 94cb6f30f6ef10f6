// What a version says between control and its nodes: node --import ../../control/typescript-loader.mjs make.mjs CHECKOUT
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const checkout = path.resolve(process.argv[2])
const { version } = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8'))
const room = name => import(pathToFileURL(path.join(checkout, `src/${name}/index.ts`)).href)
const [client, controls, core, distributions, membership, signing] = await Promise.all(
  ['client', 'control', 'core', 'distribution', 'membership', 'signing'].map(room),
)

const SHAPES = [
  ...['LeaseRequest', 'LeaseAnswer', 'HeartbeatRequest', 'FinishRequest', 'ReleaseRequest'],
  ...['ChannelsRequest', 'ViewersRequest', 'NodeHealth'],
  ...['JoinRequest', 'JoinAnswer', 'CertificateRenewal', 'NodeCertificate'],
]
const known = SHAPES.filter(name => name in client).map(name => [name, client[name]])
const schemas = { Snapshot: distributions.Snapshot, ...Object.fromEntries(known) }

const root = mkdtempSync(path.join(os.tmpdir(), 'sluice-vectors-'))
const dataDir = path.join(root, 'control')
mkdirSync(dataDir)
const identities = ['origin', 'edge', 'gateway'].map(role => {
  return { id: core.newNodeId(role), role, ...signing.newNodeKey() }
})
const control = await controls.startControl({
  listen: { host: '127.0.0.1', port: 0 },
  dataDir,
  storage: { kind: 'filesystem', folder: path.join(root, 'storage') },
  domainSuffix: 'cdn.localhost',
  adminTokenSha256: createHash('sha256').update('of-a-vector').digest('hex'),
  localNodes: identities.map(({ id, role, publicJwk }) => ({ id, role, publicJwk })),
  keeper: 'of a vector',
  logLevel: 'silent',
  limits: { spareBytes: 0 },
})
const url = `http://127.0.0.1:${control.port}`
const asPerson = new client.ControlClient({ url, token: 'of-a-vector' })

async function asNode(identity, at, body) {
  const token = await membership.nodeTokenSource(identity, 'control', core.systemClock)()
  const headers = { 'sluice-node': token, 'sluice-version': version, 'content-type': 'application/json' }
  const asked = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  return (await fetch(`${url}${at}`, { ...asked, headers })).json()
}

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' })
await asPerson.importKey({ name: 'site', pem, group: 'default' })
await asPerson.createChannel({ path: '/live/stage', reconnectSeconds: 20 })
await asPerson.createIssuer({
  ...{ name: 'login', issuer: 'https://login.example', audience: 'films' },
  keys: { kind: 'url', url: 'https://login.example/jwks.json' },
})
await asPerson.createOriginAccess({
  name: 'films',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'no-secret' },
})
await asPerson.createDistribution({
  comment: 'a site behind us',
  aliases: ['www.example.com'],
  origins: [
    { id: 'site', kind: 'http', url: 'https://site.example', headers: [{ name: 'x-secret', value: 'not a secret' }] },
    { id: 'copy', kind: 'http', url: 'https://copy.example' },
  ],
  originGroups: [{ id: 'both', members: ['site', 'copy'] }],
  behaviours: [
    { pattern: '/members/*', originId: 'site', gate: { keyGroups: ['default'], issuers: ['login'] }, query: ['page'] },
    { pattern: '*', originId: 'both', forward: 'all', cookies: 'all', methods: 'all' },
  ],
  errors: [{ status: 404, page: '/missing.html', respondWith: 200, ttl: 5 }],
})
await asPerson.invalidate({ paths: ['/a', '/b/*'], reference: 'once' })
const bytes = Buffer.alloc(1000)
const read = (start, length) => Promise.resolve(bytes.subarray(start, start + length))
const publication = await asPerson.publish({ path: '/films/talk', fileName: 'a.mp4', size: 1000, ladder: 'none' })
await asPerson.upload(publication, { size: 1000, read })
const [origin] = identities
const lease = await asNode(origin, '/v1/node/jobs/lease', { wait: 5 })

const at = '2026-11-23T12:00:00.000Z'
const broadcast = { id: 'b0123456789', startedAt: at }
const ingest = {
  ...{ address: '192.0.2.7', encoder: 'OBS', bitrate: 5_000_000, gaps: 0 },
  video: { codec: 'avc1.64001f', width: 1280, height: 720, bitrate: 4_800_000, framesPerSecond: 25, keyframeInterval: 2 },
  audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 160_000 },
}
const rendition = {
  ...{ name: 'video-0123456789', kind: 'video', codec: 'avc1.64001f', width: 1280, height: 720 },
  ...{ bandwidth: { average: 2_000_000, peak: 3_000_000 }, durationSeconds: 12.5 },
}
// What a node of that version sends; each is of the shape that it has there.
const requests = {
  LeaseRequest: { wait: 20 },
  HeartbeatRequest: { progress: { stage: 'probing', fraction: 0.5 }, attempt: 1 },
  FinishRequest: { result: { kind: 'packaged', renditions: [rendition], durationSeconds: 12.5 }, attempt: 1 },
  ReleaseRequest: { reason: { code: 'failed', message: 'the disk is full' }, attempt: 1 },
  ChannelsRequest: {
    channels: [{ path: '/live/stage', state: 'live', broadcast, ingest, advice: ['more keyframes'] }],
    events: [{ id: 'one', at, kind: 'live', path: '/live/stage', broadcast: broadcast.id, detail: '' }],
  },
  ViewersRequest: { channels: [{ path: '/live/stage', viewers: 7 }] },
  NodeHealth: {
    ...{ software: version, state: 'serving', snapshot: 4, sequence: 1, hitRatio: 0.9, busy: 3, roundTrip: 7 },
    ...{ traffic: { bytesPerSecond: 1000, requestsPerSecond: 12.5 }, controlAwaySince: at },
  },
}
for (const [name, body] of Object.entries(requests)) core.reader(schemas[name], name)(body)

const snapshots = {}
for (const identity of identities) snapshots[identity.role] = await asNode(identity, '/v1/node/snapshot')
await control.close()
rmSync(root, { recursive: true })
process.stdout.write(`${JSON.stringify({ version, schemas, snapshots, lease, requests }, null, 1)}\n`)
