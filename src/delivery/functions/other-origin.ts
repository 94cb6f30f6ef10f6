import { KiB, type Bytes } from '../../core/index.ts'
import { membersOf, type Origin } from '../../distribution/index.ts'
import {
  asOriginChange,
  isUnusable,
  readOriginChange,
  unusable,
  type Json,
  type OriginChange,
  type Unusable,
} from '../../functions/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { sourceOf, type Source } from '../upstream/source.ts'
import { updatedOrigin } from './updated-origin.ts'

/** Whom a function has a request asked of, in place of its behaviour's own origin. */
export interface Elsewhere {
  kind: 'elsewhere'
  source: Source
  /** What it said, as JSON: keyed, and told to whoever asks for this process. */
  said: string
}

/** Other processes are told it in a header. */
const LONGEST: Bytes = 4 * KiB

/** What a function says of the origin, as this request meets it. */
export function elsewhere(x: Exchange, change: OriginChange): Elsewhere | Unusable {
  const said = JSON.stringify(change)
  if (Buffer.byteLength(said) > LONGEST)
    return unusable('function-output', `it said more than ${LONGEST} bytes of an origin`)
  const wanted = originsFor(x, change)
  if (isUnusable(wanted)) return wanted
  const behaviour = known(x.behaviour, 'the behaviour')
  const { distribution } = known(x.served, 'the distribution')
  const originAccess = x.node.snapshot?.originAccess ?? []
  const source = sourceOf(behaviour, { ...wanted, distribution, originAccess })
  return source === undefined ? noSuchOrigin() : { kind: 'elsewhere', source, said }
}

interface Wanted extends Pick<Source, 'failover'> {
  kind: 'wanted'
  origins: readonly Origin[]
}

function originsFor(x: Exchange, change: OriginChange): Wanted | Unusable {
  const { distribution } = known(x.served, 'the distribution')
  const { originId } = known(x.behaviour, 'the behaviour')
  const named = (id: string): Wanted => ({
    kind: 'wanted',
    origins: membersOf(distribution, id),
    failover: new Set(distribution.originGroups?.find(group => group.id === id)?.statuses),
  })
  const read = readOriginChange(change)
  switch (read.kind) {
    case 'unusable':
      return read
    case 'select':
      return named(read.id)
    case 'group': {
      const origins = read.members.flatMap(id => distribution.origins.find(origin => origin.id === id) ?? [])
      return origins.length === 2
        ? { kind: 'wanted', origins, failover: new Set(read.statuses) }
        : noSuchOrigin()
    }
    case 'update': {
      // CloudFront: of a group the first alone.
      const own = named(originId)
      const [first, ...others] = own.origins
      const updated = first === undefined ? noSuchOrigin() : updatedOrigin(first, read.update)
      return isUnusable(updated) ? updated : { ...own, origins: [updated, ...others] }
    }
    default:
      return read satisfies never
  }
}

function noSuchOrigin(): Unusable {
  return unusable('function-result', 'it named an origin that this distribution does not have')
}

/** Whether a request of this method may go there: only servers of somebody else's take more than questions. */
export function takes(method: string, { members }: Source): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  const asked = method === 'OPTIONS' ? members : members.slice(0, 1)
  return asked.every(member => member?.origin.kind === 'http')
}

/** In questions between the processes of one installation. */
export function elsewhereField({ elsewhere }: Exchange): string[] {
  return elsewhere === undefined ? [] : ['Sluice-Origin', Buffer.from(elsewhere.said).toString('base64url')]
}

/** What such a field says, about a request whose behaviour is known; undefined where it cannot be heeded. */
export function readElsewhere(x: Exchange, text: string): Elsewhere | undefined {
  const change = asOriginChange(parsed(Buffer.from(text, 'base64url').toString()))
  const found = change && elsewhere(x, change)
  return found === undefined || isUnusable(found) ? undefined : found
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json // which is what JSON can say
  } catch {
    return undefined
  }
}
