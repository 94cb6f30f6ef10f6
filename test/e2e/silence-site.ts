import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, systemClock } from '../../src/core/index.ts'
import {
  createSigner,
  signCookies,
  signPath,
  signUrl,
  type PolicyTerms,
  type Signer,
} from '../../src/signing/index.ts'
import { S3Server } from '../contracts/s3-server.ts'
import { AUDIENCE, ISSUER, tokenKey, tokenOf, type TokenKey } from '../signing/tokens.ts'
import type { Secrets } from './secrets.ts'
import { cli, type Outcome, type Sluice } from './sluice.ts'

export const HEADER_SECRET = 'header-secret-7Qm1+/="v\\Zk'
export const WRONG_HEADER = 'header-secret-of-yesterday-9'
export const BUCKET_SECRET = 'bucket-Secret/Ke7y+with=slashes0'
export const WRONG_BUCKET_SECRET = 'bucket-secret-of-yesterday-123456'
export const SESSION_TOKEN = 'temporary-session-token/of+a=bucket-1234567890'

/** A site whose server and bucket are private, one server away, and two origins whose secrets are wrong. */
export interface SilentSite {
  /** `http://e….cdn.localhost:port` of the distribution with these origins. */
  base: string
  host: string
  /** What the HTTP origin was asked for. */
  asked: { url: string; headers: IncomingHttpHeaders }[]
  jwtKey: TokenKey
  close(): Promise<void>
}

export async function openSilentSite(sluice: Sluice, folder: string, secrets: Secrets): Promise<SilentSite> {
  const asked: SilentSite['asked'] = []
  const server: Server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    if (request.headers['x-origin-secret'] !== HEADER_SECRET) return response.writeHead(403).end('no')
    return response.end('the origin')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const store = await S3Server.start()
  store.users = [{ accessKeyId: 'AKSILENT', secretAccessKey: BUCKET_SECRET, may: ['films:read'] }]
  store.bucket('films')
  store.put('films', 'files/a.txt', 'the bucket')

  const jwtKey = tokenKey('ES256', 'k1')
  const keySet = path.join(folder, 'jwks.json')
  writeFileSync(keySet, JSON.stringify({ keys: [jwtKey.jwk] }))
  const issuer = ['--issuer', ISSUER, '--audience', AUDIENCE, '--jwks-file', keySet]
  const access = (name: string, env: Record<string, string>): Promise<Outcome> =>
    cli(['origin-access', 'create', name], {
      ...{ SLUICE_DATA: sluice.data, SLUICE_ACCESS_KEY_ID: 'AKSILENT' },
      ...env,
    })
  const made = await Promise.all([
    sluice.cli('issuers', 'create', 'login', ...issuer),
    access('films', { SLUICE_SECRET_ACCESS_KEY: BUCKET_SECRET }),
    access('stale', {
      SLUICE_SECRET_ACCESS_KEY: WRONG_BUCKET_SECRET,
      SLUICE_SESSION_TOKEN: SESSION_TOKEN,
    }),
  ])
  made.forEach(succeed)
  const { port } = server.address() as AddressInfo // listening on TCP
  const bucket = { bucket: 'films', endpoint: store.url, region: 'eu-central-1' }
  const file = path.join(folder, 'site.json')
  const gate = { keyGroups: ['default'], issuers: ['login'] }
  const secretHeader = (value: string): object[] => [{ name: 'X-Origin-Secret', value }]
  writeFileSync(
    file,
    JSON.stringify({
      origins: [
        { id: 'site', url: `http://127.0.0.1:${port}`, headers: secretHeader(HEADER_SECRET) },
        { id: 'stranger', url: `http://127.0.0.1:${port}`, headers: secretHeader(WRONG_HEADER) },
        { id: 'away', url: 'http://127.0.0.1:9', headers: secretHeader(HEADER_SECRET) },
        { id: 'forbidden', url: sluice.ready.control, headers: secretHeader(HEADER_SECRET) },
        { id: 'films', ...bucket, access: 'films' },
        { id: 'stale', ...bucket, access: 'stale' },
      ],
      behaviours: [
        { pattern: '/members/*', originId: 'site', gate, ttl: { default: 0 }, carry: 'define' },
        { pattern: '/files/*', originId: 'films', gate },
        { pattern: '/stale/*', originId: 'stale', gate },
        { pattern: '/stranger/*', originId: 'stranger', gate },
        { pattern: '/away/*', originId: 'away', gate },
        { pattern: '/forbidden/*', originId: 'forbidden' },
        { pattern: '*', originId: 'site', query: ['lang'], headers: ['x-lang'] },
      ],
    }),
  )
  const site = await sluice.cli<{ domain: string }>('distribution', 'create', '--file', file)
  succeed(site)
  secrets.add('a secret header', HEADER_SECRET, WRONG_HEADER)
  secrets.add('the secret of a bucket', BUCKET_SECRET, WRONG_BUCKET_SECRET, SESSION_TOKEN)
  const host = `${site.json.domain}:${new URL(sluice.ready.http).port}`
  return {
    ...{ base: `http://${host}`, host, asked, jwtKey },
    async close() {
      server.close()
      server.closeAllConnections()
      await store.close()
    },
  }
}

function succeed(outcome: Outcome): void {
  if (outcome.code !== 0) throw new Error(outcome.stderr)
}

/** A request's target and header fields that carry a grant, or something that was to be one. */
export interface Carried {
  name: string
  target: string
  headers: Record<string, string>
  /** `elsewhere`: what is left is another path, which may be open to all. */
  leads: 'in' | 'nowhere' | 'elsewhere'
}

/** The path on every carrier: right ones, and each of them broken in every way that still shows a valid signature. */
export function carried(at: string, site: SilentSite, signer: Signer, secrets: Secrets): Carried[] {
  const url = `${site.base}${at}`
  const expires = after(systemClock.now(), 600_000)
  const terms: PolicyTerms = { resource: `*://*${at.slice(0, at.lastIndexOf('/'))}/*`, expires }
  const cookies = Object.entries(signCookies(signer, terms)) as [string, string][] // an optional field is there or not
  const cookie = cookies.map(([name, value]) => `${name}=${value}`).join('; ')
  const relative = (signed: { url: string }): string => signed.url.slice(site.base.length)
  const canned = relative(signUrl(signer, url, { expires }))
  const custom = relative(signUrl(signer, url, terms))
  const token = relative(signPath(signer, url, terms))
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    exp: Math.floor(expires / 1000),
    paths: [terms.resource.slice(5)],
  }
  const jwt = tokenOf(site.jwtKey, { ...claims, sub: 'someone' })
  for (const each of [cookie, canned, custom, token]) secrets.addGrant('a policy of a viewer', each)
  secrets.addGrant('a token of an issuer', jwt)

  const query = custom.slice(custom.indexOf('?') + 1)
  const [, policy = '', signature = '', keyId = ''] = /^\/~([^.]+)\.([^.]+)\.([^/]+)\//.exec(token) ?? []
  const broken = (text: string): string =>
    text.replace(/(?<=(?:Signature=|~[^.]+\.)...)[^&;.]/, sign => (sign === '-' ? 'A' : '-'))
  type Headers = Record<string, string>
  const inside = (name: string, target: string, headers: Headers = {}): Carried => ({
    ...{ name, target, headers, leads: 'in' },
  })
  const way = (name: string, target: string, headers: Headers = {}): Carried => ({
    ...{ name, target, headers, leads: 'nowhere' },
  })
  const beside = (name: string, before: string): Carried => ({
    ...{ name, target: before + at, headers: {}, leads: 'elsewhere' },
  })
  secrets.addGrant('a changed signature', broken(signature))
  return [
    inside('cookies', at, { cookie }),
    inside('a canned URL', canned),
    inside('a custom URL', custom),
    inside('a path token', token),
    inside('a path token with its mark escaped', token.replace('/~', '/%7E')),
    inside('a JWT in Authorization', at, { authorization: `Bearer ${jwt}` }),
    inside('a JWT in a cookie', at, { cookie: `sluice-token=${jwt}` }),
    inside('a JWT in the path', `/~${jwt}${at}`),
    inside('the page that it was asked from', custom, { referer: site.base + custom }),
    way('cookies, changed', at, { cookie: broken(cookie) }),
    way('cookies twice', at, { cookie: `${cookie}; ${broken(cookie)}` }),
    way('a canned URL for another path', canned.replace('?', 'x?')),
    way('a custom URL, changed', broken(custom)),
    way('a query twice', `${custom}&${query}`),
    way('a query without its mark', `${at}&${query}`),
    way('a query with its mark escaped', `${at}%3F${query}`),
    way('a query, escaped whole', `${at}${encodeURIComponent(`?${query}`)}`),
    way('a query behind a semicolon', `${at};${query}`),
    way('cookies in the path', `${at};${cookie.replaceAll(' ', '')}`),
    way('a path token, changed', broken(token)),
    beside('a path token without its key', `/~${policy}.${signature}`),
    beside('a path token without its policy', `/~${signature}.${keyId}`),
    beside('a path token with a part too many', `/~${policy}.${signature}.${keyId}.x`),
    beside('a path token without its mark', `/${policy}.${signature}.${keyId}`),
    beside('a path token of slashes', `/~${policy}/${signature}/${keyId}`),
    way('a path token in the middle', `/members${token}`),
    beside('a path token twice', token.slice(0, -at.length).repeat(2)),
    way('a path token before a bad path', `${token}/%zz`),
    way('a path token before dots', `${token}/../../x`),
    beside('a JWT without its mark', `/${jwt}`),
    way('a JWT in a query', `${at}?token=${jwt}`),
    beside('a JWT with a part too few', `/~${jwt.slice(0, jwt.lastIndexOf('.'))}`),
    way('a JWT, changed', at, { authorization: `Bearer ${jwt.slice(0, -8)}AAAAAAAA` }),
    way('a JWT as Basic', at, { authorization: `Basic ${jwt}` }),
    way('a JWT in a wrong cookie', at, { cookie: `session=${jwt}` }),
    way('no grant', at),
  ]
}

/** What the command line signs with: the key that `up` made, or a named one. */
export function signerOf(data: string, id?: string): Signer {
  const folder = path.join(data, 'keys')
  const found = id ?? path.basename(readdirSync(folder).find(name => name.endsWith('.pem')) ?? '', '.pem')
  return createSigner(readFileSync(path.join(folder, `${found}.pem`), 'utf8'), found)
}
