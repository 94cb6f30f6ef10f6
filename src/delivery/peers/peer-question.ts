import type { IncomingMessage } from 'node:http'
import { canonicalPath, type Bytes, type CanonicalPath, type DistributionId } from '../../core/index.ts'
import { endToEnd, fields, type FlatHeaders, type Validators } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { elsewhereField } from '../functions/other-origin.ts'
import { ownQueryOf } from '../keyed.ts'
import { traceOf } from '../trace.ts'
import { joinedFields, ownCookies, sendable } from '../upstream/forwarding.ts'
import { conditionsOf } from '../upstream/origin-request.ts'
import { isWritten, writtenField } from '../upstream/written-fields.ts'
import type { Viewer } from '../viewer.ts'

/** Bytes of one version of a large object, both ends included. */
export interface PeerRead {
  first: Bytes
  last: Bytes
  version: Validators
  /** What the owner called its bytes (`bodyName`). */
  body: string | undefined
}

/**
 * What one process of a node asks another that owns a key. Whoever asks has let the viewer in; what is asked for, and
 * of whom it comes, the owner finds out anew from the viewer's own request.
 */
export interface PeerQuestion {
  distributionId: DistributionId
  /** The distribution's own name, which finds it. */
  domain: string
  /** The owner must know this much at least. */
  snapshotVersion: number
  sequence: number
  /** As `Siblings.changes`. */
  changes: number
  viewer: Viewer
  /** The path that found the behaviour, where it is another one. */
  named: CanonicalPath | undefined
  /** Whom a function has it asked of in place of the behaviour's origin; empty where that is the one. */
  elsewhere: string
  /** What is longer is asked for in parts. */
  largest: Bytes
  /** What is there already. */
  validators: Validators
  /** Of the viewer's request. */
  method: 'GET' | 'OPTIONS'
  read: PeerRead | undefined
  /** Whether a file may be named in place of a body. */
  files: 'taken' | 'not-taken'
}

/** What an asker says beside the viewer's own. */
export interface PeerAsked extends Pick<PeerQuestion, 'largest' | 'files'> {
  validators?: Validators | undefined
  read?: PeerRead | undefined
}

/** Stands before the name of each field of the viewer's own, so that none means anything between the two. */
const OF_VIEWER = 'v-'

export function ofViewer(name: string): string {
  return `${OF_VIEWER}${name}`
}

export function tellViewer({ scheme, address, authority }: Viewer): string {
  return `${scheme} ${address} ${authority}`
}

/** Undefined when it is no such text. */
export function readToldViewer(text: string): Viewer | undefined {
  const [, scheme, address = '', authority = ''] = /^(https?) (\S*) (\S+)$/.exec(text) ?? []
  if (scheme !== 'http' && scheme !== 'https') return undefined
  return { scheme, address, authority, host: authority.replace(/:\d*$/, '').toLowerCase() }
}

/** Of one connection, or of a body that does not come along (RFC 9110 §7.6.1). */
const NOT_TOLD: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['http2-settings', 'content-length', 'expect', 'host'],
])

/** Path and query of the viewer's request, without whatever let him in. */
export function peerTarget(x: Exchange): string {
  const { path } = known(x.target, 'the target')
  const own = ownQueryOf(x)
  return own === '' ? path : `${path}?${own}`
}

export function peerFields(x: Exchange, asked: PeerAsked): string[] {
  const { distribution } = known(x.served, 'the distribution')
  const { snapshot } = x.node
  const { read } = asked
  return [
    ...['Sluice-Distribution', distribution.id, 'Sluice-Domain', distribution.domain],
    ...['Sluice-Version', String(snapshot?.version ?? 0), 'Sluice-Seq', String(snapshot?.sequence ?? 0)],
    ...['Sluice-Changes', String(x.node.siblings?.changes ?? 0)],
    ...['Sluice-Viewer', tellViewer(known(x.viewer, 'the viewer'))],
    ...['Sluice-Largest', String(asked.largest)],
    ...namedField(x),
    ...elsewhereField(x),
    ...traceOf(x),
    ...(x.request.method === 'OPTIONS' ? ['Sluice-Method', 'OPTIONS'] : []),
    ...(asked.files === 'taken' ? ['Sluice-Files', asked.files] : []),
    ...conditionsOf({ validators: read?.version ?? asked.validators }),
    ...(read === undefined ? [] : ['Sluice-Read', `${read.first}-${read.last}`]),
    ...(read?.body === undefined ? [] : ['Sluice-Body', read.body]),
    ...viewersFields(x),
  ]
}

/** A function has rewritten the path; behaviour, origin and key are still those of the one that was asked for. */
export function namedField({ named }: Exchange): string[] {
  return named === undefined ? [] : ['Sluice-Named', named]
}

export function readNamed(text: string): CanonicalPath | undefined {
  const canonical = canonicalPath(text)
  return canonical.kind === 'ok' ? canonical.path : undefined
}

function viewersFields(x: Exchange): string[] {
  const { headers, forwarding, setsCookies } = known(x.source, 'the source')
  const told = writtenFields(x, [...headers.filter(isWritten), ...(forwarding?.told ?? [])])
  const all = joinedFields(x)
  const onward = new Set([...fields(endToEnd(all))].map(([name]) => name))
  // What is keyed goes along in any case: the owner has to find the same key.
  for (const name of headers) onward.add(name)
  for (const [name, value] of fields(all))
    if (onward.has(name) && !NOT_TOLD.has(name) && !x.spent.has(name) && !isWritten(name) && sendable(value))
      told.push(ofViewer(name), value)
  // Behind a gate, what is no grant may go on all the same.
  const cookies = setsCookies && x.spent.has('cookie') ? ownCookies(x) : undefined
  if (cookies !== undefined) told.push(ofViewer('cookie'), cookies)
  return told
}

/** What this process says of its viewer, who is another's to the owner. */
function writtenFields(x: Exchange, names: readonly string[]): string[] {
  return names.flatMap(name => {
    const value = writtenField(x, name)
    return value === undefined || !sendable(value) ? [] : [ofViewer(name), value]
  })
}

/** Undefined when it is no such question. */
export function readPeerQuestion({ headers }: IncomingMessage): PeerQuestion | undefined {
  const text = (name: string): string => String(headers[`sluice-${name}`] ?? '')
  const viewer = readToldViewer(text('viewer'))
  const read = /^(\d{1,15})-(\d{1,15})$/.exec(text('read'))
  if (viewer === undefined || text('distribution') === '') return undefined
  const validators = { etag: headers['if-none-match'], lastModified: headers['if-modified-since'] }
  return {
    distributionId: text('distribution') as DistributionId, // it is compared with one that is
    domain: text('domain'),
    snapshotVersion: Number(text('version')),
    sequence: Number(text('seq')),
    changes: Number(text('changes')),
    viewer,
    named: readNamed(text('named')),
    elsewhere: text('origin'),
    largest: Number(text('largest')),
    validators,
    method: text('method') === 'OPTIONS' ? 'OPTIONS' : 'GET',
    files: text('files') === 'taken' ? 'taken' : 'not-taken',
    read: read
      ? {
          first: Number(read[1]),
          last: Number(read[2]),
          version: validators,
          body: text('body') || undefined,
        }
      : undefined,
  }
}

/** Makes of the request what the viewer sent, for the steps that look at it. */
export function restoreViewersFields(request: IncomingMessage): void {
  const own: FlatHeaders = Object.entries(request.headers).flatMap(([name, value]) =>
    name.startsWith(OF_VIEWER) && typeof value === 'string' ? [name.slice(OF_VIEWER.length), value] : [],
  )
  const headers: IncomingMessage['headers'] = {}
  for (let at = 0; at < own.length; at += 2) headers[own[at] ?? ''] = own[at + 1]
  request.headers = headers
  request.rawHeaders = [...own]
}
