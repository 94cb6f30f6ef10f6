import type { UpstreamAnswer } from '../../cache/index.ts'
import { canonicalPath, pause, type Milliseconds } from '../../core/index.ts'
import { dashed, misleads, namesIt, type HttpOrigin } from '../../distribution/index.ts'
import {
  cacheStatus,
  endToEnd,
  fields,
  invalidatedTargets,
  keyedQuery,
  pickCookies,
  withTrace,
} from '../../http/index.ts'
import { unusable } from '../../functions/index.ts'
import { corsHeaders } from '../answer/cors.ts'
import {
  askThroughFunctions,
  ORIGIN_BODY,
  runsAtOrigin,
  type OriginQuestion,
} from '../functions/at-origin.ts'
import { functionFailed } from '../functions/failure-words.ts'
import { inOnePiece } from '../functions/in-one-piece.ts'
import { takeBody } from '../functions/taken-body.ts'
import { known, type BodiedRequest, type Exchange, type Incoming, type Step } from '../exchange.ts'
import {
  ownCookies,
  ownValue,
  sendable,
  secretsOf,
  setsCookies,
  toldOfViewer,
} from '../upstream/forwarding.ts'
import { keysAt } from '../key.ts'
import { encryptFields, noteFormAnswer, ofAnotherBody, sendFormTrouble } from './encrypted-fields.ts'
import { ownQueryOf } from '../keyed.ts'
import { override, secretFields } from '../upstream/origin-request.ts'
import { record } from '../record.ts'
import { refuse, sendError } from '../answer/refusal.ts'
import { CDN_ID } from '../request-head.ts'
import { traceOf } from '../trace.ts'
import { hasLeft, sendStream } from '../answer/send-stream.ts'
import { Upload } from './upload.ts'
import { isWritten, writtenField } from '../upstream/written-fields.ts'
import { askInTurn } from '../upstream/failover.ts'
import type { Member, Source } from '../upstream/source.ts'
import { sendTrouble } from '../upstream/trouble.ts'
import { passedLength, viewerHeaders } from '../answer/viewer-headers.ts'

/**
 * Sends a request that may change something to its origin, body and all, and the answer back. Neither is ever whole in
 * memory, and nothing of it is stored.
 */
export const relay: Step = (x: Exchange) => {
  const source = x.origins
  if (source === undefined) return sendError(x, 502, 'BadGateway', 'The origin of this path does not exist')
  if (source.origin.kind !== 'http') return refuse(x, 'method')
  return pass(x, source, relayedQuery(x))
}

async function pass(x: Exchange, source: Source, query: string): Promise<undefined> {
  const { node, request, response, uses } = x
  const left = new AbortController()
  // `close` may be over already, and follows a whole answer too, when nothing is left to end.
  if (hasLeft(response)) left.abort()
  else response.once('close', () => left.abort())
  const isShown = uses?.['origin-request']?.body === true
  if (isShown && (await takeBody(x, ORIGIN_BODY)) === 'left') return undefined
  const upload = x.taken?.upload ?? (hasBody(request) ? new Upload(request, response) : undefined)
  const { encryption } = known(x.behaviour, 'the behaviour')
  const send = async (asked: OriginQuestion, given?: Uint8Array): Promise<UpstreamAnswer> => {
    const { origin } = asked
    if (origin.kind !== 'http') throw functionFailed(TO_A_BUCKET)
    const plain = given === undefined ? (x.taken?.bytes ?? upload) : inOnePiece(given).body
    const headers = override(asked.headers, lengthOf(given), secretFields(origin))
    // Last of all, so that what functions give in its place is encrypted too.
    const body = encryption === undefined ? plain : await encryptFields(x, plain, headers)
    return node.upstream.relay({
      ...{ origin, body, signal: left.signal, path: asked.path, query: asked.query },
      scheme: known(x.viewer, 'the viewer').scheme,
      method: request.method ?? '',
      headers: ofAnotherBody(headers, body !== plain),
      cookies: cookiesOf(x),
      owner: x.served?.distribution.id,
    })
  }
  const ask = ({ origin }: Member): Promise<UpstreamAnswer> => {
    if (origin.kind !== 'http') return Promise.reject(new Error('only a server is sent requests as they are'))
    const { path } = known(x.target, 'the target')
    const question: OriginQuestion = { origin, path, query, headers: relayedFields(x, origin, upload) }
    if (!runsAtOrigin(uses)) return send(question)
    return askThroughFunctions(x, uses, question, {
      ...{ method: request.method ?? '', own: [], body: x.taken?.seen, partial: false },
      ...{ cookies: cookiesOf(x), passesOn: () => false, ask: send },
    })
  }
  let answer: UpstreamAnswer
  try {
    answer = await askOneOf(x, { source, upload, ask })
  } catch (error) {
    if (hasLeft(response)) return record(x) as undefined // nobody is there to be told
    if (!sendFormTrouble(x, error)) sendTrouble(x, error)
    return void upload?.refuse()
  }
  noteFormAnswer(x, answer.status)
  await forget(x, answer)
  return answerWith(x, answer, upload)
}

interface Relaying {
  source: Source
  upload: Upload | undefined
  ask: (member: Member) => Promise<UpstreamAnswer>
}

/** A question about what may be done changes nothing, so either origin of a group may answer it; nothing else may be sent twice. */
function askOneOf(x: Exchange, { source, upload, ask }: Relaying): Promise<UpstreamAnswer> {
  const {
    members: [first, second],
    failover,
  } = source
  const mayGoOn = x.request.method === 'OPTIONS' && upload === undefined
  if (!mayGoOn || second?.origin.kind !== 'http') return ask(first)
  const { health, clock } = x.node
  const { id: distribution } = known(x.served, 'the distribution').distribution
  return askInTurn({ first, second, failover, distribution, health, clock, ask })
}

/** RFC 9112 §6: one of the two fields announces it; HTTP/2 says at once when there is none. */
function hasBody(request: Incoming): request is BodiedRequest {
  if ('stream' in request) return !request.stream.endAfterHeaders
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  return coding !== undefined || (length !== undefined && Number(length) > 0)
}

/** What signs a request goes no further; of the rest what the behaviour names. */
export function relayedQuery(x: Exchange): string {
  const own = ownQueryOf(x)
  if (own === '') return ''
  const { sends } = known(x.origins, 'the source')
  return keyedQuery(own, sends)
}

/**
 * What a viewer says of himself and his request goes on, the origin's secrets aside; what he says of those between him and us does not. Signatures
 * stand in the query and the path, and where fields carry grants they are spent.
 */
export function relayedFields(x: Exchange, origin: HttpOrigin, upload: Upload | undefined): string[] {
  const behaviour = known(x.behaviour, 'the behaviour')
  const { keyedCookies = 'none', cookies, host, headers, told = [] } = behaviour
  const secrets = new Set([...secretsOf(origin)].map(dashed))
  const mayGo = (lower: string): boolean => {
    const plain = dashed(lower)
    return !NOT_RELAYED.test(lower) && !NOT_RELAYED.test(plain) && !misleads(lower) && !secrets.has(plain)
  }
  const own: string[] = []
  for (const [name, value] of fields(endToEnd(x.rawHeaders))) {
    const lower = name.toLowerCase()
    if (!mayGo(lower) || isWritten(lower) || x.spent.has(lower) || !sendable(value)) continue
    if (lower === 'cookie') continue
    if (lower === 'content-length' && upload === undefined) continue
    const told = ownValue(x, lower, value)
    if (told !== undefined) own.push(name, told)
  }
  own.push(...relayedCookies(x, name => namesIt(cookies, name) || namesIt(keyedCookies, name)))
  for (const name of new Set([...headers.filter(isWritten), ...told])) {
    const written = writtenField(x, name)
    if (written !== undefined && sendable(written)) own.push(name, written)
  }
  if (host === 'viewer') own.push('Host', known(x.viewer, 'the viewer').authority.toLowerCase())
  const loop = x.header('cdn-loop')
  const ours = ['Via', '1.1 sluice', 'CDN-Loop', loop === undefined ? CDN_ID : `${loop}, ${CDN_ID}`]
  return override(withTrace(own, traceOf(x)), ours, toldOfViewer(x), lengthOf(x.taken?.replaced))
}

/** What a function has put in place of a body is as long as it is. */
function lengthOf(given: Uint8Array | undefined): string[] {
  return given === undefined ? [] : ['Content-Length', String(given.length)]
}

const TO_A_BUCKET = unusable('function-result', 'it sent a request that is no GET to a bucket')

/** Of a name that may go anywhere, as one field: HTTP/2 sends pieces of it (RFC 9113 §8.2.3). */
function relayedCookies(x: Exchange, wanted: (name: string) => boolean): string[] {
  const own = ownCookies(x)
  const picked = own === undefined ? undefined : pickCookies(own, wanted)
  return picked === undefined ? [] : ['Cookie', picked]
}

/** Set by this node or by HTTP itself, or a word of nodes and proxies (RFC 9110 §7.6, §10.1.1). */
const NOT_RELAYED =
  /^(?::.*|host|expect|max-forwards|via|cdn-loop|forwarded|x-forwarded-.*|x-real-ip|proxy-.*|(?:x-)?sluice-.*)$/

/** Whether the answer may set any. */
export function cookiesOf(x: Exchange): 'none' | 'all' {
  return setsCookies(known(x.behaviour, 'the behaviour')) ? 'all' : 'none'
}

/** RFC 9111 §4.4: what is stored of whatever has changed is used no more. */
async function forget(x: Exchange, answer: UpstreamAnswer): Promise<void> {
  const { distribution } = known(x.served, 'the distribution')
  const { scheme, authority } = known(x.viewer, 'the viewer')
  const { path, query } = known(x.target, 'the target')
  const own = query === '' ? path : `${path}?${query}`
  const asked = { method: x.request.method ?? '', scheme, authority, target: own }
  for (const target of invalidatedTargets(asked, answer)) {
    const [named = '', ...rest] = target.split('?')
    const canonical = canonicalPath(named)
    if (canonical.kind === 'bad') continue
    const keys = keysAt(x, canonical.path, rest.join('?'))
    const changed = { distributionId: distribution.id, path: canonical.path, keys }
    // At once, whether or not anybody can be told; a disk that stands still holds up nobody for long.
    const kept = waitShortly(x.node.forget(changed))
    await x.node.siblings?.forget(changed)
    await kept
  }
}

const SHORTLY: Milliseconds = 1_000

async function waitShortly(done: Promise<void>): Promise<void> {
  const over = new AbortController()
  await Promise.race([done, pause(SHORTLY, over.signal)])
  over.abort()
}

/** The origin's answer as it comes, for this viewer alone. */
export function answerWith(x: Exchange, answer: UpstreamAnswer, upload: Upload | undefined): undefined {
  const { status, headers } = answer
  if (hasLeft(x.response)) {
    answer.destroy()
    x.status = status
    return record(x) as undefined // nothing follows this step
  }
  x.cache = status >= 400 ? 'Error' : 'Miss'
  x.head(status, [
    ...viewerHeaders(headers, x.gated ? 'gated' : 'open'),
    ...passedLength(status, headers),
    ...['X-Cache', `${x.cache} from sluice`],
    ...['Cache-Status', cacheStatus({ kind: 'forwarded', reason: 'method', status })],
    ...x.node.signature(x.id),
    // Who may read the answers to what he has written is for the origin to say, where there is no gate of ours.
    ...(x.gated ? corsHeaders(x) : []),
  ])
  record(x)
  x.response.once('close', () => answer.destroy())
  // The origin may answer before it has heard all, and what it has not heard by the end of that it does not want.
  if (upload !== undefined) x.response.once('finish', () => upload.refuse())
  sendStream(x, answer.body)
}
