import { generateKeyPairSync } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient, type Scope } from '../../src/client/index.ts'
import { ADMIN, ControlFixture } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(() => control.end())

async function ask(
  method: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; code: string; message: string }> {
  const headers = { authorization: `Bearer ${ADMIN}`, ...init.headers }
  const response = await fetch(`${control.url}${path}`, { method, ...init, headers })
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

const json = { 'content-type': 'application/json' }

describe('tokens', () => {
  const operations: [Scope, string, (client: ControlClient) => Promise<unknown>][] = [
    ['read', 'list assets', client => client.assets()],
    [
      'publish',
      'publish',
      client => client.publish({ path: '/t/x', fileName: 'a', size: 1, ladder: 'none' }),
    ],
    ['publish', 'create channels', client => client.createChannel({ path: '/only-one-segment' })],
    ['publish', 'stop channels', client => client.stopChannel('/none/such')],
    ['publish', 'delete channels', client => client.deleteChannel('/none/such')],
    ['read', 'list channels', client => client.channels()],
    ['keys', 'delete keys', client => client.deleteKey('KNONE')],
    ['keys', 'change key groups', client => client.changeKeyGroup('none', {})],
    ['read', 'list issuers', client => client.issuers()],
    ['keys', 'delete issuers', client => client.deleteIssuer('none')],
    ['read', 'list policies', client => client.policies()],
    ['admin', 'make policies', client => client.createPolicy({ name: 'a b', says: { kind: 'cache' } })],
    [
      'admin',
      'replace policies',
      client => client.replacePolicy('none', { name: 'a', says: { kind: 'cache' } }),
    ],
    ['admin', 'delete policies', client => client.deletePolicy('none')],
    ['read', 'list distributions', client => client.distributions()],
    ['admin', 'make distributions', client => client.createDistribution({})],
    ['admin', 'replace distributions', client => client.replaceDistribution('ENONE', {})],
    ['admin', 'apply the distributions of a file', client => client.applyFile({ 'a b': {} })],
    ['admin', 'delete distributions', client => client.deleteDistribution('ENONE')],
    ['read', 'list origin accesses', client => client.originAccess()],
    ['admin', 'make origin accesses', client => client.createOriginAccess({ name: 'x' })],
    ['admin', 'change origin accesses', client => client.changeOriginAccess('none', {})],
    ['admin', 'delete origin accesses', client => client.deleteOriginAccess('none')],
    ['purge', 'invalidate', client => client.invalidate({ paths: ['/t/*'] })],
    ['admin', 'list tokens', client => client.tokens()],
  ]

  it.each(['read', 'publish', 'keys', 'purge', 'admin'] as const)(
    'of scope %s may do that and read, and no more',
    async scope => {
      const { token, id } = await control.client.createToken({ name: scope, scopes: [scope] })
      const client = new ControlClient({ url: control.url, token })
      for (const [needed, , operate] of operations) {
        const code = await operate(client).then(
          () => 'done',
          (error: { code: string }) => error.code,
        )
        const may = needed === 'read' || needed === scope || scope === 'admin'
        expect(`${needed}: ${code === 'scope' ? 'refused' : 'let in'}`).toBe(
          `${needed}: ${may ? 'let in' : 'refused'}`,
        )
      }
      await control.client.deleteToken(id)
      await expect(client.assets()).rejects.toMatchObject({ code: 'bad-token', kind: 'unauthorised' })
    },
  )

  it('are needed, and told once', async () => {
    for (const [authorization, code] of [
      ['', 'no-token'],
      ['Basic YTpi', 'no-token'],
      ['Bearer wrong', 'bad-token'],
      [`Bearer ${'x'.repeat(5000)}`, 'no-token'],
    ]) {
      const refused = await ask('GET', '/v1/assets', { headers: { authorization: authorization ?? '' } })
      expect([refused.status, refused.code]).toEqual([401, code])
    }
    const { token } = await control.client.createToken({ name: 'once', scopes: ['read'] })
    expect(JSON.stringify(await control.client.tokens())).not.toContain(token)
    await expect(
      new ControlClient({ url: control.url, token }).createToken({ name: 'more', scopes: ['admin'] }),
    ).rejects.toMatchObject({
      code: 'scope',
      kind: 'unauthorised',
    })
  })
})

describe('requests that are wrong', () => {
  it.each([
    [
      'POST',
      '/v1/assets',
      '{"path":"/a","fileName":"a","size":1,"ladder":"none","extra":1}',
      400,
      'unknown-field',
    ],
    ['POST', '/v1/assets', '{"path":"/a","fileName":"a","size":-1,"ladder":"none"}', 400, 'bad-input'],
    ['POST', '/v1/assets', '{"path":"/a","fileName":"a","size":"1","ladder":"none"}', 400, 'bad-input'],
    ['POST', '/v1/assets', '{"path":"/a","fileName":"a","size":1,"ladder":"tall"}', 400, 'bad-input'],
    ['POST', '/v1/assets', '[]', 400, 'bad-input'],
    ['POST', '/v1/assets', 'null', 400, 'bad-input'],
    ['POST', '/v1/assets', '{"path":', 400, 'bad-json'],
    ['POST', '/v1/assets', '', 400, 'bad-json'],
    ['POST', '/v1/assets', '{"__proto__":{"x":1}}', 400, 'bad-json'],
    ['POST', '/v1/channels', '{"path":"/stage"}', 400, 'bad-path'],
    ['POST', '/v1/channels', '{"path":"/live/../x"}', 400, 'bad-path'],
    ['POST', '/v1/channels', '{"path":"/live/x","reconnectSeconds":-1}', 400, 'bad-input'],
    ['POST', '/v1/channels', '{"path":"/live/x","reconnectSeconds":3601}', 400, 'bad-input'],
    ['POST', '/v1/channels', '{"path":"/live/x","keyGroup":"nobody"}', 404, 'not-found'],
    ['POST', '/v1/channels', '{"path":"/live/x","dvr":"2h"}', 400, 'unknown-field'],
    ['POST', '/v1/channels/stop', '{"path":"/live/none"}', 404, 'not-found'],
    ['POST', '/v1/keys', '{"name":"k","pem":"hello","group":"default"}', 400, 'bad-key'],
    ['POST', '/v1/keys', '{"name":"k","pem":"hello","group":"../x"}', 400, 'bad-input'],
    ['POST', '/v1/invalidations', '{"paths":["/a*b"]}', 400, 'bad-path'],
    ['POST', '/v1/invalidations', '{"paths":["/a/../b"]}', 400, 'bad-path'],
    ['POST', '/v1/invalidations', '{"paths":["/a?b"]}', 400, 'bad-path'],
    ['POST', '/v1/invalidations', '{"paths":[]}', 400, 'bad-input'],
    ['POST', '/v1/invalidations', '{"paths":["/a"],"distributionId":"EXXXXXX"}', 404, 'not-found'],
    ['POST', '/v1/tokens', '{"name":"t","scopes":["root"]}', 400, 'bad-input'],
    ['POST', '/v1/distributions', '{}', 400, 'bad-distribution'],
    ['POST', '/v1/distributions', '{"origin":"http://a.example","aliasses":[]}', 400, 'unknown-field'],
    ['POST', '/v1/distributions', '{"origins":[{"url":"http://a.example","x":1}]}', 400, 'bad-input'],
    ['PUT', '/v1/distributions/ENONE', '{"origin":"http://a.example"}', 404, 'not-found'],
    ['PATCH', '/v1/key-groups/nobody', '{"sha1":"refuse"}', 404, 'not-found'],
    ['PATCH', '/v1/key-groups/default', '{"sha1":"perhaps"}', 400, 'bad-input'],
    ['POST', '/v1/issuers', '{"name":"l","issuer":"i","audience":"a"}', 400, 'bad-input'],
    [
      'PUT',
      '/v1/issuers/none',
      '{"name":"l","issuer":"i","audience":"a","keys":{"kind":"url","url":"https://l.example"}}',
      404,
      'not-found',
    ],
    ['POST', '/v1/policies', '{"name":"a b","says":{"kind":"cache"}}', 400, 'bad-policy'],
    ['POST', '/v1/policies', '{"name":"a","says":{"kind":"cache","forward":"all"}}', 400, 'bad-input'],
    ['PUT', '/v1/policies/none', '{"name":"a","says":{"kind":"cache"}}', 404, 'not-found'],
    ['POST', '/v1/origin-access', '{"name":"x"}', 400, 'bad-origin-access'],
    [
      'POST',
      '/v1/origin-access',
      '{"name":"x","kind":"identity","signing":"never"}',
      400,
      'bad-origin-access',
    ],
    ['POST', '/v1/origin-access', '{"name":"x","credentials":{"accessKeyId":"a"}}', 400, 'bad-input'],
    ['PUT', '/v1/origin-access/none', '{}', 404, 'not-found'],
  ])('%s %s with %s is %i %s', async (method, path, body, status, code) => {
    const refused = await ask(method, path, { body, headers: json })
    expect([refused.status, refused.code]).toEqual([status, code])
    expect(refused.message).toMatch(/^[^\n]{10,}$/)
  })

  it.each([
    ['GET', '/v1/assets?prefx=/a', 400, 'unknown-field'],
    ['GET', '/v1/acknowledgements?version=abc', 400, 'bad-input'],
    ['GET', '/v1/acknowledgements?version=1&wait=9999', 400, 'bad-input'],
    ['GET', '/v1/assets/publications/nope', 404, 'not-found'],
    ['DELETE', '/v1/assets/at?path=/nothing/here', 404, 'not-found'],
    ['GET', '/v1/channels/at?path=/live/none', 404, 'not-found'],
    ['GET', '/v1/channels/at?path=/stage', 400, 'bad-path'],
    ['DELETE', '/v1/channels/at?path=/live/none', 404, 'not-found'],
    ['DELETE', '/v1/keys/KNONE', 404, 'not-found'],
    ['DELETE', '/v1/distributions/ENONE', 404, 'not-found'],
    ['GET', '/v1/issuers/none', 404, 'not-found'],
    ['DELETE', '/v1/issuers/none', 404, 'not-found'],
    ['DELETE', '/v1/origin-access/none', 404, 'not-found'],
    ['GET', '/v1/policies/none', 404, 'not-found'],
    ['DELETE', '/v1/policies/none', 404, 'not-found'],
    ['GET', '/v1/nothing', 404, 'not-found'],
    ['PATCH', '/v1/uploads/nope', 404, 'not-found'],
    ['POST', '/v1/uploads', 404, 'not-found'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    const refused = await ask(method, path)
    expect([refused.status, refused.code]).toEqual([status, code])
  })

  it('are refused without their ten megabytes being read', async () => {
    expect(await garbage({ authorization: `Bearer ${ADMIN}`, ...json })).toBe(413)
    expect(await garbage(json)).toBe(401)
    expect(await garbage({ authorization: `Bearer ${ADMIN}`, 'content-type': 'text/xml' })).toBe(415)
    expect(await control.client.assets()).toEqual(expect.any(Array))
  })

  /** What ten megabytes of noise are answered with; the connection may be cut while they are sent. */
  function garbage(headers: Record<string, string>): Promise<number | undefined> {
    return new Promise(resolve => {
      const asked = request(`${control.url}/v1/assets`, { method: 'POST', headers, agent: false })
      let status: number | undefined
      asked.on('response', response => {
        status = response.statusCode
        response.resume().on('close', () => resolve(status))
      })
      asked.on('error', () => resolve(status))
      asked.end(Buffer.alloc(10_000_000, 0x5b))
    })
  }

  it('never reach the database as anything but values', async () => {
    const path = "/x'; drop table assets; --"
    expect((await ask('GET', `/v1/assets?prefix=${encodeURIComponent(path)}%00`)).status).toBe(400)
    expect(await control.client.assets(path.replaceAll(' ', '+'))).toEqual([])
    expect((await ask('GET', '/v1/assets/publications/x%00y')).status).toBe(400)
    expect((await ask('PATCH', '/v1/uploads/x%00y')).status).toBe(404)
  })
})

describe('the document of the API', () => {
  it('is public OpenAPI 3.1 and lists every operation', async () => {
    const response = await fetch(`${control.url}/v1/openapi.json`)
    const document = (await response.json()) as {
      openapi: string
      paths: Record<string, Record<string, { summary: string; responses: object }>>
    }
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect(operations.sort()).toEqual(
      [
        'DELETE /v1/assets/at',
        'DELETE /v1/channels/at',
        'DELETE /v1/distributions/{id}',
        'DELETE /v1/encryptions/{id}',
        'DELETE /v1/functions/{name}',
        'DELETE /v1/issuers/{id}',
        'DELETE /v1/keys/{id}',
        'DELETE /v1/nodes/{id}',
        'DELETE /v1/origin-access/{id}',
        'DELETE /v1/policies/{id}',
        'DELETE /v1/stores/{id}',
        'DELETE /v1/tokens/{id}',
        'DELETE /v1/uploads/{id}',
        'DELETE /v1/webhooks/{id}',
        'GET /v1/webhooks',
        'GET /v1/webhooks/{id}/deliveries',
        'POST /v1/webhooks',
        'POST /v1/webhooks/{id}/replay',
        'POST /v1/webhooks/{id}/test',
        'GET /v1/acknowledgements',
        'GET /v1/assets',
        'GET /v1/assets/at',
        'GET /v1/assets/publications/{id}',
        'GET /v1/backup',
        'GET /v1/channels',
        'GET /v1/channels/at',
        'GET /v1/distributions',
        'GET /v1/distributions/{id}',
        'GET /v1/encryptions',
        'GET /v1/encryptions/{id}',
        'GET /v1/events',
        'GET /v1/functions',
        'GET /v1/functions/{name}',
        'GET /v1/functions/{name}/code',
        'GET /v1/issuers',
        'GET /v1/issuers/{id}',
        'GET /v1/key-groups',
        'GET /v1/keys',
        'GET /v1/node/authority',
        'GET /v1/node/blobs/{sha256}',
        'GET /v1/node/edges',
        'GET /v1/node/snapshot',
        'GET /v1/nodes',
        'GET /v1/origin-access',
        'GET /v1/policies',
        'GET /v1/policies/{id}',
        'GET /v1/stores',
        'GET /v1/stores/{id}',
        'GET /v1/stores/{id}/items',
        'GET /v1/tokens',
        'HEAD /v1/uploads/{id}',
        'OPTIONS /v1/uploads/{id}',
        'PATCH /v1/key-groups/{id}',
        'PATCH /v1/stores/{id}',
        'PATCH /v1/uploads/{id}',
        'POST /v1/assets',
        'POST /v1/channels',
        'POST /v1/channels/stop',
        'POST /v1/distributions',
        'POST /v1/encryptions',
        'POST /v1/explain',
        'POST /v1/functions',
        'POST /v1/functions/{name}/publish',
        'POST /v1/functions/{name}/test',
        'POST /v1/invalidations',
        'POST /v1/issuers',
        'POST /v1/keys',
        'POST /v1/node/certificate',
        'POST /v1/node/channels',
        'POST /v1/node/health',
        'POST /v1/node/jobs/lease',
        'POST /v1/node/jobs/{id}/finish',
        'POST /v1/node/jobs/{id}/heartbeat',
        'POST /v1/node/jobs/{id}/release',
        'POST /v1/node/join',
        'POST /v1/node/leases',
        'POST /v1/node/storage',
        'POST /v1/node/usage',
        'POST /v1/node/viewers',
        'POST /v1/nodes/tokens',
        'POST /v1/nodes/{id}/drain',
        'POST /v1/nodes/{id}/undrain',
        'POST /v1/origin-access',
        'POST /v1/policies',
        'POST /v1/stores',
        'POST /v1/tokens',
        'PUT /v1/distributions/{id}',
        'PUT /v1/encryptions/{id}',
        'PUT /v1/file/distributions',
        'PUT /v1/functions/{name}',
        'PUT /v1/issuers/{id}',
        'PUT /v1/origin-access/{id}',
        'PUT /v1/policies/{id}',
      ].sort(),
    )
    expect(document.paths['/v1/events']?.['get']?.responses).toMatchObject({
      200: { content: { 'text/event-stream': { schema: { required: expect.any(Array) as string[] } } } },
    })
    for (const methods of Object.values(document.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toMatch(/\w/)
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
      }
    }
  })
})

describe('keys', () => {
  const p256 = () =>
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString()

  it('are imported into a group, listed, and deleted', async () => {
    const pem = p256()
    const imported = await control.client.importKey({ name: 'site', pem, group: 'default' })
    expect(imported).toEqual({
      id: expect.stringMatching(/^K[A-Z0-9]{13}$/) as string,
      name: 'site',
      group: 'default',
      groupMade: false,
      snapshotVersion: imported.snapshotVersion,
    })
    expect(await control.client.importKey({ name: 'site', pem, group: 'default' })).toEqual(imported)
    const groups = await control.client.keyGroups()
    expect(groups.map(({ name, keys }) => ({ name, keys }))).toEqual([
      { name: 'default', keys: [imported.id] },
    ])
    expect((await control.client.keys()).map(({ id, type, groups: of }) => ({ id, type, of }))).toEqual([
      { id: imported.id, type: 'p256', of: ['default'] },
    ])
    const deleted = await control.client.deleteKey(imported.id)
    expect(deleted.snapshotVersion).toBe(imported.snapshotVersion + 1)
    expect(await control.client.keys()).toEqual([])
  })

  it('make the group that they name', async () => {
    const pem = p256()
    const { id, groupMade } = await control.client.importKey({ name: 'other', pem, group: 'partners' })
    expect(groupMade).toBe(true)
    expect((await control.client.keyGroups()).find(group => group.name === 'partners')?.keys).toEqual([id])
    const again = await control.client.importKey({ name: 'other', pem, group: 'partners' })
    expect([again.id, again.groupMade]).toEqual([id, false])
  })

  it('may be in several groups, each under an id of its own', async () => {
    const pem = p256()
    const one = await control.client.importKey({ name: 'both', pem, group: 'default' })
    const other = await control.client.importKey({ name: 'both', pem, group: 'partners' })
    expect(other.id).not.toBe(one.id)
    await control.client.deleteKey(one.id)
    const groups = await control.client.keyGroups()
    expect(groups.flatMap(group => group.keys)).toContain(other.id)
    expect(groups.flatMap(group => group.keys)).not.toContain(one.id)
  })

  it.each([
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
    ['Ed25519', () => generateKeyPairSync('ed25519').publicKey],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey],
  ])('of the kind %s are refused', async (_kind, make) => {
    const pem = make().export({ type: 'spki', format: 'pem' }).toString()
    await expect(control.client.importKey({ name: 'weak', pem, group: 'default' })).rejects.toMatchObject({
      code: 'bad-key',
      kind: 'usage',
    })
  })
})

describe('distributions', () => {
  it('begin with one that is the fallback', async () => {
    const [first, ...others] = await control.client.distributions()
    expect(others).toEqual([])
    expect(first).toMatchObject({
      fallback: true,
      enabled: true,
      domain: `${first?.id.toLowerCase()}.cdn.localhost`,
    })
    expect(first?.behaviours.map(behaviour => behaviour.pattern)).toEqual(['/members/*', '/live/*', '*'])
    if (first) expect(await control.client.distribution(first.id)).toEqual(first)
  })
})

describe('invalidations', () => {
  it('have rising numbers, and one number for one reference', async () => {
    const one = await control.client.invalidate({ paths: ['/a', 'b/*'], reference: 'deploy-1' })
    const two = await control.client.invalidate({ paths: ['/a'] })
    expect(two.sequence).toBe(one.sequence + 1)
    expect(await control.client.invalidate({ paths: ['/b/*', '/a'], reference: 'deploy-1' })).toEqual(one)
    await expect(control.client.invalidate({ paths: ['/c'], reference: 'deploy-1' })).rejects.toMatchObject({
      code: 'reference-used',
      kind: 'conflict',
    })
    const snapshot = (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as {
      sequence: number
      invalidations: { pattern: string; sequence: number }[]
    }
    expect(snapshot.sequence).toBe(two.sequence)
    const mine = snapshot.invalidations.filter(each => ['/a', '/b/*'].includes(each.pattern))
    expect(mine.map(({ pattern, sequence }) => ({ pattern, sequence }))).toEqual([
      { pattern: '/b/*', sequence: one.sequence },
      { pattern: '/a', sequence: two.sequence },
    ])
  })

  it('become one when there are more than ten thousand', async () => {
    let last = 0
    for (let batch = 0; batch < 4; batch++) {
      const paths = Array.from({ length: 2_600 }, (_, n) => `/many/${batch}/${n}`)
      last = (await control.client.invalidate({ paths })).sequence
    }
    const snapshot = (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as {
      invalidations: object[]
    }
    const id = (await control.client.distributions())[0]?.id
    expect(snapshot.invalidations).toEqual([{ distributionId: id, pattern: '/*', sequence: last }])
  })
})
