import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DistributionId } from '../../src/core/index.ts'
import { startControl } from '../../src/control/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { followSnapshot, type NodeIdentity } from '../../src/membership/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { ControlFixture, newIdentity, until } from './fixture.ts'

const SECRETS = { header: 'header-value-hush', key: 'secret-key-hush', session: 'session-token-hush' }

let control: ControlFixture
const gateway = newIdentity('gateway')
const regional = newIdentity('regional')

beforeAll(async () => {
  control = await ControlFixture.open()
  const options = control.options()
  await control.running.close()
  const others = [gateway, regional].map(({ id, role, publicJwk }) => ({ id, role, publicJwk }))
  control.running = await startControl({ ...options, localNodes: [...options.localNodes, ...others] })
})

afterAll(() => control.end())

async function snapshotOf(identity: NodeIdentity): Promise<{ text: string; snapshot: Snapshot }> {
  const text = await (await control.asNode(identity, '/v1/node/snapshot')).text()
  return { text, snapshot: JSON.parse(text) as Snapshot } // our own server's
}

/** Everything that people are told of what there is, as text. */
async function told(): Promise<string> {
  const { client } = control
  const all = [client.distributions(), client.originAccess(), client.issuers(), client.keyGroups()]
  return JSON.stringify(await Promise.all<unknown>(all))
}

const site = (value?: string) => ({
  origins: [
    {
      id: 'site',
      url: 'https://site.example',
      headers: [{ name: 'X-Origin-Secret', ...(value === undefined ? {} : { value }) }],
    },
  ],
})

describe('a distribution', () => {
  it('is made of a URL, replaced, switched off and deleted, each at a version that nodes wait for', async () => {
    const made = await control.client.createDistribution({ origin: 'https://plain.example' })
    const { id, domain } = made.distribution
    expect(domain).toBe(`${id.toLowerCase()}.cdn.localhost`)
    expect(made).toMatchObject({
      distribution: {
        enabled: true,
        fallback: false,
        origins: [{ id: 'plain.example', kind: 'http', url: 'https://plain.example', headers: [] }],
        behaviours: [{ pattern: '*', gate: null, originId: 'plain.example' }],
      },
      warnings: [],
    })
    expect(await control.client.distribution(id)).toEqual(made.distribution)
    await expect(control.client.deleteDistribution(id)).rejects.toMatchObject({
      code: 'enabled',
      kind: 'conflict',
      message: `${id} is enabled: disable it first, sluice distribution update ${id} --disable`,
    })
    const off = await control.client.replaceDistribution(id, { ...made.distribution, enabled: false })
    expect(off.snapshotVersion).toBe(made.snapshotVersion + 1)
    expect(off.distribution).toEqual({ ...made.distribution, enabled: false })
    await control.client.invalidate({ paths: ['/x'], distributionId: id })
    const gone = await control.client.deleteDistribution(id)
    const { snapshot } = await snapshotOf(control.edge)
    expect(snapshot.version).toBe(gone.snapshotVersion)
    expect(snapshot.distributions.map(each => each.id)).not.toContain(id)
    expect(snapshot.invalidations.map(each => each.distributionId)).not.toContain(id)
    await expect(control.client.distribution(id)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('that serves unknown hosts cannot be deleted, and stays that', async () => {
    const first = (await control.client.distributions()).find(each => each.fallback)
    const id = first?.id ?? ('' as DistributionId) // the next line fails then
    await control.client.replaceDistribution(id, { ...first, enabled: false })
    await expect(control.client.deleteDistribution(id)).rejects.toMatchObject({ code: 'fallback' })
    await expect(control.client.replaceDistribution(id, { ...first, fallback: false })).rejects.toMatchObject(
      { code: 'bad-distribution' },
    )
    await control.client.replaceDistribution(id, { ...first })
  })

  it('keeps its names to itself', async () => {
    const aliases = ['media.example.com']
    const { distribution } = await control.client.createDistribution({ origin: 'http://a.example', aliases })
    await expect(
      control.client.createDistribution({ origin: 'http://b.example', aliases: ['MEDIA.example.com'] }),
    ).rejects.toMatchObject({ code: 'alias-taken', kind: 'conflict' })
    await control.client.replaceDistribution(distribution.id, { origin: 'http://a.example' })
    await control.client.createDistribution({ origin: 'http://b.example', aliases })
  })

  it('that is wrong in several places is told all of them, and changes nothing', async () => {
    const before = await snapshotOf(control.edge)
    await expect(
      control.client.createDistribution({
        origin: 'a.example',
        aliases: ['x y'],
        behaviours: [{ pattern: '/a' }],
      }),
    ).rejects.toMatchObject({
      code: 'bad-distribution',
      kind: 'usage',
      message:
        'the url of origin "a.example" is no address: begin it with https:// or http://; ' +
        'the alias "x y" is no host name: write it as media.example.com, without scheme, port or path; ' +
        'the last behaviour must be "*", for all that no other matches: add {"pattern": "*"} at the end',
    })
    expect(await snapshotOf(control.edge)).toEqual(before)
  })

  it.each([
    [
      { behaviours: [{ pattern: '*', viewerProtocol: 'http' }] },
      '"allow-all", "redirect-to-https", "https-only"',
    ],
    [{ behaviours: [{ pattern: '*', gates: null }] }, 'the field "gates" is not known here'],
    [{ behaviours: [{ pattern: '*', gate: { groups: [] } }] }, 'the field "groups" is not known here'],
    [
      { behaviours: [{ pattern: '*', gate: { keyGroups: [7] } }] },
      '/behaviours/0/gate/keyGroups/0: must be string',
    ],
  ])('of the shape %j is refused with a sentence', async (input, sentence) => {
    const wrong = { origin: 'http://a.example', ...input } as object
    await expect(control.client.createDistribution(wrong)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(sentence) as string,
    })
  })

  it('is warned of when its order opens what is gated', async () => {
    const gate = { keyGroups: ['default'] }
    const behaviours = [{ pattern: '*.jpg' }, { pattern: '/members/*', gate }, { pattern: '*' }]
    const { warnings } = await control.client.createDistribution({ origin: 'http://c.example', behaviours })
    expect(warnings).toEqual([expect.stringContaining('"*.jpg" is open and stands before "/members/*"')])
  })
})

describe('secrets', () => {
  it('are given to the nodes that talk to origins, and told to nobody else', async () => {
    const { client } = control
    const access = await client.createOriginAccess({
      name: 'films',
      credentials: { accessKeyId: 'AKIDFILMS', secretAccessKey: SECRETS.key, sessionToken: SECRETS.session },
    })
    expect(access.originAccess).toEqual({
      id: expect.stringMatching(/^E[A-Z0-9]{13}$/) as string,
      name: 'films',
      kind: 'control',
      signing: 'always',
      accessKeyId: 'AKIDFILMS',
    })
    const made = await client.createDistribution({
      origins: [...site(SECRETS.header).origins, { bucket: 'films', access: 'films' }],
    })
    expect(made.distribution.origins).toMatchObject([
      { headers: [{ name: 'X-Origin-Secret', value: null }] },
      { access: access.originAccess.id },
    ])
    expect(made.snapshotVersion).toBe(access.snapshotVersion + 1)
    const answers = JSON.stringify([access, made]) + (await told())
    for (const secret of Object.values(SECRETS)) {
      expect(answers).not.toContain(secret)
      for (const who of [control.edge, regional]) expect((await snapshotOf(who)).text).toContain(secret)
      for (const who of [control.origin, gateway]) expect((await snapshotOf(who)).text).not.toContain(secret)
    }
    const { snapshot } = await snapshotOf(control.origin)
    expect(snapshot.originAccess).toEqual([])
    expect(snapshot.distributions.at(-1)?.origins[0]).toMatchObject({ kind: 'http', headers: [] })
    expect(snapshot.version).toBe(made.snapshotVersion)
  })

  it('reach a node within the poll that it holds open, by its role', async () => {
    const { version } = (await snapshotOf(control.edge)).snapshot
    const poll = async (who: NodeIdentity): Promise<string> => {
      const headers = { 'if-none-match': `"${version}"` }
      return (await control.asNode(who, '/v1/node/snapshot?wait=20', { headers })).text()
    }
    const [edge, origin] = [poll(control.edge), poll(control.origin)]
    const changed = await control.client.changeOriginAccess('films', {
      credentials: { accessKeyId: 'AKIDNEW', secretAccessKey: 'rotated-hush' },
    })
    expect(changed.originAccess).toMatchObject({ name: 'films', accessKeyId: 'AKIDNEW', signing: 'always' })
    expect(changed.snapshotVersion).toBe(version + 1)
    expect(await edge).toContain('rotated-hush')
    expect(await edge).not.toContain(SECRETS.key)
    expect(await edge).not.toContain(SECRETS.session)
    expect(await origin).not.toContain('rotated-hush')
  })

  it('of headers stay when what was shown comes back, and change when they are told anew', async () => {
    const { distribution, snapshotVersion } = await control.client.createDistribution(site('one-hush'))
    const same = await control.client.replaceDistribution(distribution.id, distribution)
    expect(same.distribution).toEqual(distribution)
    const valueOf = async (): Promise<unknown> => {
      const { snapshot } = await snapshotOf(control.edge)
      const origin = snapshot.distributions.find(each => each.id === distribution.id)?.origins[0]
      return origin?.kind === 'http' ? origin.headers : undefined
    }
    expect(await valueOf()).toEqual([{ name: 'X-Origin-Secret', value: 'one-hush' }])
    await control.client.replaceDistribution(distribution.id, site())
    expect(await valueOf()).toEqual([{ name: 'X-Origin-Secret', value: 'one-hush' }])
    const told = await control.client.replaceDistribution(distribution.id, site('two-hush'))
    expect(told.snapshotVersion).toBe(snapshotVersion + 3)
    expect(await valueOf()).toEqual([{ name: 'X-Origin-Secret', value: 'two-hush' }])
  })

  it('lie in a file of the node that only its user reads', async () => {
    const root = await mkdtemp(join(tmpdir(), 'node-'))
    const stateDir = join(root, 'edge')
    const follower = followSnapshot({
      controlUrl: control.url,
      identity: control.edge,
      stateDir,
      apply: () => {},
      log: silentLogger,
    })
    try {
      await follower.started
      const file = join(stateDir, 'snapshot.json')
      await until('the snapshot is stored', () => existsSync(file))
      expect(await readFile(file, 'utf8')).toContain('rotated-hush')
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await stat(stateDir)).mode & 0o777).toBe(0o700)
    } finally {
      await follower.close()
      await rm(root, { recursive: true })
    }
  })

  it('are not in what is wrong', async () => {
    const { client } = control
    const wrong = [
      () => client.createDistribution(site('line\r\nhush')),
      () => client.createDistribution(site(`${'x'.repeat(2049)}hush`)),
      () =>
        client.createOriginAccess({
          name: 'films',
          credentials: { accessKeyId: 'A', secretAccessKey: 'spaced hush' },
        }),
      () =>
        client.createOriginAccess({
          name: 'films',
          credentials: { accessKeyId: 'A', secretAccessKey: `${'x'.repeat(1025)}hush` },
        }),
    ]
    for (const each of wrong) {
      const error = await each().then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ kind: 'usage' })
      expect(error?.message).not.toContain('hush')
    }
  })
})

describe('an origin access', () => {
  it('of a bucket without a signature needs no key; an identity always signs', async () => {
    const never = await control.client.createOriginAccess({ name: 'open', signing: 'never' })
    expect(never.originAccess).toMatchObject({ kind: 'control', signing: 'never', accessKeyId: null })
    await expect(control.client.changeOriginAccess('open', { signing: 'no-override' })).rejects.toMatchObject(
      { code: 'bad-origin-access' },
    )
    const credentials = { accessKeyId: 'A', secretAccessKey: 'B' }
    const identity = { name: 'oai', kind: 'identity' as const, credentials }
    expect((await control.client.createOriginAccess(identity)).originAccess).toMatchObject({
      kind: 'identity',
      signing: 'always',
    })
    await expect(control.client.createOriginAccess(identity)).rejects.toMatchObject({ code: 'exists' })
  })

  it('that an origin uses cannot be deleted, by name or id', async () => {
    const [films] = await control.client.originAccess()
    for (const which of ['films', films?.id ?? ''])
      await expect(control.client.deleteOriginAccess(which)).rejects.toMatchObject({
        code: 'in-use',
        kind: 'conflict',
      })
    await control.client.deleteOriginAccess('oai')
    expect((await control.client.originAccess()).map(each => each.name)).toEqual(['films', 'open'])
  })
})

describe('an issuer', () => {
  const login = {
    name: 'login',
    issuer: 'https://login.example/',
    audience: 'films',
    keys: { kind: 'url' as const, url: 'https://login.example/jwks' },
  }

  it('is made, trusted by its name, replaced, and kept while it is trusted', async () => {
    const { client } = control
    const made = await client.createIssuer(login)
    expect(made).toMatchObject({
      issuer: { ...login, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'], claim: 'paths' },
      warnings: [],
    })
    await expect(client.createIssuer(login)).rejects.toMatchObject({ code: 'exists', kind: 'conflict' })
    const gate = { issuers: ['login'] }
    const { distribution } = await client.createDistribution({
      origin: 'http://d.example',
      behaviours: [{ pattern: '*', gate }],
    })
    expect(distribution.behaviours[0]?.gate).toEqual({ keyGroups: [], issuers: [made.issuer.id] })
    const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    const replaced = await client.replaceIssuer('login', {
      ...made.issuer,
      algorithms: ['EdDSA'],
      keys: { kind: 'inline', keys: [{ ...jwk, kty: 'OKP' }] },
    })
    for (const who of [control.edge, control.origin])
      expect((await snapshotOf(who)).snapshot.issuers).toEqual([replaced.issuer])
    await expect(client.deleteIssuer('login')).rejects.toMatchObject({ code: 'in-use', kind: 'conflict' })
    await client.replaceDistribution(distribution.id, { origin: 'http://d.example' })
    const gone = await client.deleteIssuer(made.issuer.id)
    expect((await snapshotOf(control.edge)).snapshot).toMatchObject({
      version: gone.snapshotVersion,
      issuers: [],
    })
  })

  it('with a private key is refused, and the key is not told back', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = pair.privateKey.export({ format: 'jwk' })
    const wrong = control.client.createIssuer({
      ...login,
      keys: { kind: 'inline', keys: [{ ...jwk, kty: 'EC' }] },
    })
    const error = await wrong.then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ code: 'bad-issuer', kind: 'usage' })
    expect(error?.message).toMatch(/^key 1 holds the secret member "d"/)
    expect(error?.message).not.toContain(jwk.d)
  })
})

describe('a key group', () => {
  it('says what it accepts, to nodes too', async () => {
    const { id, ...before } = await control.client.changeKeyGroup('default', {})
    expect(before).toMatchObject({ name: 'default', sha1: 'accept', withoutResource: 'refuse' })
    const changed = await control.client.changeKeyGroup('default', { sha1: 'refuse' })
    expect(changed).toMatchObject({ id, sha1: 'refuse', withoutResource: 'refuse' })
    const both = await control.client.changeKeyGroup(id, { withoutResource: 'accept' })
    expect(both.snapshotVersion).toBe(changed.snapshotVersion + 1)
    const { snapshot } = await snapshotOf(control.edge)
    expect(snapshot.keyGroups).toMatchObject([{ name: 'default', sha1: 'refuse', withoutResource: 'accept' }])
    expect(await control.client.keyGroups()).toMatchObject([{ sha1: 'refuse', withoutResource: 'accept' }])
  })
})
