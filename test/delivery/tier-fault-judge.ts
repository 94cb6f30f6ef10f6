import type { NodeId } from '../../src/core/index.ts'
import type { Received, Wish } from './tier-fault-viewer.ts'
import { kindOf, versionIn, type VersionedSite } from './tier-fault-site.ts'

/** What held at an edge when a viewer asked. */
export interface Moment {
  edge: NodeId
  /** Of an edge that was started anew since, nothing of before counts for playlists. */
  life: number
  floor: number
  /** Of a playlist: the newest that this life of the edge had answered in full. */
  seen: number
}

/** What is wrong with an answer; undefined when nothing is. */
export function faultOf(
  wish: Wish,
  received: Received | undefined,
  { floor, seen }: Moment,
  site: VersionedSite,
): string | undefined {
  if (received === undefined) return undefined
  const { status, ended } = received
  if (ended === 'hung') return 'it hangs'
  if (REFUSALS.has(status)) return undefined
  if (status === 416) return undefined
  if (![200, 206, 304].includes(status)) return `nobody expects ${status}`
  const said = saidVersion(wish, received)
  if (said !== undefined && !(said >= 1 && said <= site.versionOf(wish.path)))
    return `its head says version ${said}, which never was`
  if (said !== undefined && said < floor) return `its head is of version ${said}, after ${floor} was due`
  if (status === 304 || wish.method === 'HEAD') return undefined
  return bodyFault(wish, received, { floor, seen }, site)
}

/** An edge may be unable to ask anybody. */
const REFUSALS: ReadonlySet<number> = new Set([502, 503, 504])

/** Nothing ties the head of what has no validator to its body: the rest may come from another answer. */
function saidVersion({ path }: Wish, { headers }: Received): number | undefined {
  return kindOf(path) === 'bare' ? undefined : Number(headers['x-version'])
}

function bodyFault(
  { path, query, headers = {} }: Wish,
  { status, body, headers: answer, ended }: Received,
  { floor, seen }: Pick<Moment, 'floor' | 'seen'>,
  site: VersionedSite,
): string | undefined {
  const part = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(answer['content-range']))
  if (status === 206 && part === null) return 'a part that does not say which'
  const first = status === 206 ? Number(part?.[1]) : 0
  const version = versionIn(body, first)
  if (version === undefined) {
    const isShort = ended === 'cut' || body.length < 128
    return isShort ? undefined : 'bytes that say no version'
  }
  const whole = site.bodyOf(path, version)
  const last = status === 206 ? Number(part?.[2]) : whole.length - 1
  if (!body.equals(whole.subarray(first, first + body.length)))
    return `torn: it begins as version ${version} and goes on as another`
  if (ended === 'whole' && body.length !== last - first + 1) return 'a part that looks whole'
  if (status === 206 && Number(part?.[3]) !== whole.length) return 'the length of another version'
  if (version > site.versionOf(path)) return 'a version that never was'
  if (version < floor) return `version ${version}, after ${floor} was due`
  if (kindOf(path) !== 'bare' && version !== Number(answer['x-version']))
    return `a body of version ${version} under the head of ${String(answer['x-version'])}`
  if (headers['If-None-Match'] === `"${version}"`) return undefined
  if (version < seen && query === undefined)
    return `playlist ${version}, after this edge has answered ${seen}`
  return undefined
}
