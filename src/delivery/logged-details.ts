import { TLSSocket } from 'node:tls'
import { plainAddress } from '../inbound/index.ts'
import { Peer } from '../http2/index.ts'
import { fieldValue } from '../http/index.ts'
import { loggedText, stripSigning } from '../signing/index.ts'
import { quoted } from './access-line.ts'
import type { Exchange, Incoming } from './exchange.ts'
import { ownValue } from './upstream/forwarding.ts'

/**
 * What the lines of a distribution with logs hold beyond those of all others, as members of JSON with a comma before each:
 * what CloudFront's logs have. Whatever may let a reader in is taken out.
 */
export function loggedDetails(x: Exchange): string {
  const { request, viewer, node } = x
  const query = request.url?.split('?', 2)[1] ?? ''
  const sent = x.sent ?? []
  const type = fieldValue(sent, 'content-type')
  const length = fieldValue(sent, 'content-length')
  const country = viewer && node.countries?.isThere === true ? node.countries.of(viewer.address) : undefined
  return (
    ofConnection(x) +
    ofFields(x) +
    members({
      country,
      query: query === '' ? undefined : loggedText(stripSigning(query)),
      requestBytes: requestBytes(request),
      firstByteMs: x.headAt === undefined ? undefined : x.headAt - x.startedAt,
      type,
      length,
      range: partOf(sent),
      pattern: x.behaviour?.pattern,
      brokenBy: x.brokenBy,
    })
  )
}

const connections = new WeakMap<object, string>()

/** Does not change as long as a connection lasts; what a proxy before us has spoken with its viewer nobody knows. */
function ofConnection({ request, viewer }: Exchange): string {
  const socket = request.socket instanceof Peer ? request.socket.socket : request.socket
  const known = connections.get(socket)
  if (known !== undefined) return known
  const own = viewer?.address === plainAddress(socket.remoteAddress ?? '')
  const tls = own && socket instanceof TLSSocket
  const text = members({
    port: own ? socket.remotePort : undefined,
    tls: tls ? (socket.getProtocol() ?? undefined) : undefined,
    // Undefined once the connection is gone, whatever its type says.
    cipher: tls ? (socket.getCipher() as { name: string } | undefined)?.name : undefined,
  })
  // Gone already: what it was nobody can say any more.
  if (!socket.destroyed) connections.set(socket, text)
  return text
}

/** By the fields of requests, which a connection hands out again as long as they stay the same. */
const fieldTexts = new WeakMap<object, { cookies: boolean; text: string }>()

function ofFields(x: Exchange): string {
  const { headers, rawHeaders } = x.request
  const cookies = x.served?.distribution.logs?.cookies === true
  const known = fieldTexts.get(headers)
  if (known?.cookies === cookies) return known.text
  const value = (name: string): string | undefined => {
    const given = headers[name]
    const one = typeof given === 'string' ? given : given?.join(', ')
    const own = one === undefined ? undefined : ownValue(x, name, one)
    return own === undefined ? undefined : loggedText(own)
  }
  const cmcd = ['object', 'request', 'session', 'status'].flatMap(each => {
    const said = value(`cmcd-${each}`)
    return said === undefined ? [] : [`"${each}":${quoted(said)}`]
  })
  const text =
    members({
      agent: value('user-agent'),
      referer: value('referer'),
      cookie: cookies ? value('cookie') : undefined,
      forwardedFor: value('x-forwarded-for'),
      accept: value('accept'),
      acceptEncoding: value('accept-encoding'),
      names: rawHeaders.filter((name, at) => at % 2 === 0 && !name.startsWith(':')).join(','),
    }) + (cmcd.length === 0 ? '' : `,"cmcd":{${cmcd.join(',')}}`)
  fieldTexts.set(headers, { cookies, text })
  return text
}

/** Its head as HTTP/1.1 writes it, and its body where it says how long that is. */
function requestBytes(request: Incoming): number {
  const { method = '', url = '', rawHeaders, headers } = request
  const line = method.length + url.length + ' '.length + ' HTTP/1.1\r\n'.length
  let fields = 0
  for (const text of rawHeaders) fields += text.length + 2
  const body = Number(headers['content-length'] ?? 0)
  return line + fields + '\r\n'.length + (Number.isSafeInteger(body) ? body : 0)
}

/** Of one part of it: `first-last`. */
function partOf(sent: readonly string[]): string | undefined {
  return /^bytes (\d+-\d+)\//.exec(fieldValue(sent, 'content-range') ?? '')?.[1]
}

function members(values: Readonly<Record<string, string | number | undefined>>): string {
  let text = ''
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) text += `,"${name}":${typeof value === 'number' ? value : quoted(value)}`
  }
  return text
}
