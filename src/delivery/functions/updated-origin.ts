import { DEFAULT_WIRE, type HttpOrigin, type Origin, type S3Origin } from '../../distribution/index.ts'
import { unusable, type OriginUpdate, type Unusable } from '../../functions/index.ts'
import { fields } from '../../http/index.ts'
import { serverOf } from '../upstream/origin-request.ts'
import { seenOrigin } from './seen-origin.ts'

/**
 * An origin as `updateRequestOrigin` has it. What it does not say stays as it was, but for what the first one alone is
 * told or trusted with: secret headers and signatures go to no other server.
 */
export function updatedOrigin(was: Origin, update: OriginUpdate): Origin | Unusable {
  if (was.kind === 's3' && update.custom === undefined) return updatedBucket(was, update)
  if (update.signed === true) return unsignable()
  if (was.kind === 'http') return updatedServer(was, update)
  if (update.domainName === undefined)
    return unusable('function-result', 'it changed an origin that is no server, and named none')
  const { id } = was
  return updatedServer(
    { kind: 'http', id, url: 'https://nowhere.invalid', headers: [], ...DEFAULT_WIRE },
    update,
  )
}

function updatedServer(was: HttpOrigin, update: OriginUpdate): HttpOrigin {
  const { domainName, custom, host, attempts, connectTimeout, readTimeout, keepAlive } = update
  const url = new URL(was.url)
  const path = update.path ?? url.pathname.replace(/\/$/, '')
  if (domainName !== undefined) url.hostname = domainName
  const server = custom === undefined ? url.origin : `${custom.protocol}://${url.hostname}:${custom.port}`
  const tls = (['1.2', '1.3'] as const).filter(version => custom?.versions.includes(`TLSv${version}`))
  const moved: HttpOrigin = {
    ...was,
    url: `${server}${path}`,
    ...(custom !== undefined && { protocol: 'as-url' }),
    ...(tls.length > 0 && { tls }),
    ...(attempts !== undefined && { attempts }),
    ...(connectTimeout !== undefined && { connectTimeout }),
    ...(readTimeout !== undefined && { responseTimeout: readTimeout }),
    ...(keepAlive !== undefined && { keepAlive }),
  }
  const isSame = (['http', 'https'] as const).every(scheme => serversOf(was).has(serverOf(moved, scheme)))
  const own = update.headers === undefined ? (isSame ? was.headers : []) : headersOf(update.headers)
  const headers = host === undefined ? own : [...own, { name: 'Host', value: host }]
  return shielded({ ...moved, headers, id: isSame ? was.id : otherId(was, moved.url) }, update)
}

function serversOf(origin: HttpOrigin): Set<string> {
  return new Set([serverOf(origin, 'http'), serverOf(origin, 'https')])
}

/** Whether it can be reached is known of each server by itself. */
function otherId({ id }: Origin, url: string): string {
  return `${id} (${new URL(url).host})`
}

function headersOf(headers: readonly string[]): HttpOrigin['headers'] {
  return [...fields(headers)].map(([name, value]) => ({ name, value }))
}

/** Of another bucket nothing is known that would open it; one of the distribution's own can be selected. */
function updatedBucket(was: S3Origin, update: OriginUpdate): Origin | Unusable {
  const { domainName, path = was.path, signed } = update
  const seen = seenOrigin(was, { scheme: undefined, domain: 'cdn' })
  if (domainName !== undefined && domainName !== seen.domainName) {
    if (signed === true) return unsignable()
    const [bucket = '', ...store] = domainName.split('.')
    if (store.length === 0) return unusable('function-result', 'it gave a bucket that is in no store')
    const endpoint = `https://${store.join('.')}`
    const id = otherId(was, `https://${domainName}`)
    return shielded({ ...was, id, endpoint, bucket, path, addressing: 'host', access: null }, update)
  }
  if (signed === true && was.access === null) return unsignable()
  return shielded({ ...was, path, ...(signed === false && { access: null }) }, update)
}

function unsignable(): Unusable {
  return unusable('function-result', 'it wanted an origin signed for that nothing here may sign for')
}

function shielded<Kind extends HttpOrigin | S3Origin>(
  { shield, ...origin }: Kind,
  update: OriginUpdate,
): Kind {
  const place = 'shield' in update ? update.shield : shield
  return { ...origin, ...(place !== undefined && { shield: place }) } as Kind // it has lost nothing else
}
