import { TLSSocket } from 'node:tls'
import { dashed } from '../../distribution/index.ts'
import { deviceOf, type Device } from '../../http/index.ts'
import { plainAddress } from '../../inbound/index.ts'
import { Peer } from '../../http2/index.ts'
import type { Exchange } from '../exchange.ts'

const PREFIX = 'cloudfront-'

/**
 * Whether a field of this name is written by edges alone, whatever a viewer sends under it, in whatever spelling: an
 * origin takes it for our word of him.
 */
export function isWritten(name: string): boolean {
  return dashed(name).startsWith(PREFIX)
}

/**
 * What the edge says of the viewer in a field of CloudFront's, name in lower case; undefined where it knows nothing or
 * does not write such a field (ASN, JA3, city). What another node of ours asks brings what the viewer's edge has said.
 */
export function writtenField(x: Exchange, name: string): string | undefined {
  // A function was shown what there is to be said of him, and has said something else.
  if (x.replies !== undefined || x.given !== undefined) return x.header(name)
  return WRITERS[name]?.(x.standsFor ?? x)
}

type Writer = (x: Exchange) => string | undefined

const WRITERS: Readonly<Partial<Record<string, Writer>>> = {
  'cloudfront-forwarded-proto': ({ viewer }) => viewer?.scheme,
  'cloudfront-is-android-viewer': is('android'),
  'cloudfront-is-desktop-viewer': is('desktop'),
  'cloudfront-is-ios-viewer': is('ios'),
  'cloudfront-is-mobile-viewer': is('mobile'),
  'cloudfront-is-smarttv-viewer': is('smartTv'),
  'cloudfront-is-tablet-viewer': is('tablet'),
  'cloudfront-viewer-address': addressOf,
  'cloudfront-viewer-country': ({ node, viewer }) => node.countries?.of(viewer?.address ?? ''),
  'cloudfront-viewer-header-count': x => String(namesOf(x).length),
  'cloudfront-viewer-header-order': x => namesOf(x).join(':').slice(0, LONGEST_ORDER),
  'cloudfront-viewer-http-version': ({ request }) => request.httpVersion,
  'cloudfront-viewer-tls': tlsOf,
}

/** CloudFront's. */
const LONGEST_ORDER = 7_680

function is(kind: keyof Device): Writer {
  return x => String(deviceOf(x.header('user-agent'))[kind])
}

/** Through a proxy nobody tells us the port: it is 0 then. */
function addressOf({ viewer, request }: Exchange): string | undefined {
  if (viewer === undefined) return undefined
  const { remoteAddress = '', remotePort } = socketOf(request)
  const port = plainAddress(remoteAddress) === viewer.address ? (remotePort ?? 0) : 0
  return `${viewer.address}:${port}`
}

/** As they came, without the pseudo-fields of HTTP/2. */
function namesOf({ request: { rawHeaders } }: Exchange): string[] {
  return rawHeaders.filter((name, at) => at % 2 === 0 && !name.startsWith(':'))
}

/** Version, cipher, and how the connection came about; a proxy that speaks TLS in our place keeps that to itself. */
function tlsOf({ request }: Exchange): string | undefined {
  const socket = socketOf(request)
  if (!(socket instanceof TLSSocket)) return undefined
  const isFirst = 'stream' in request ? request.stream.id === 1 : socket.bytesWritten === 0
  const how = !isFirst ? 'connectionReused' : socket.isSessionReused() ? 'sessionResumed' : 'fullHandshake'
  return `${socket.getProtocol() ?? ''}:${socket.getCipher().name}:${how}`
}

function socketOf({ socket }: Exchange['request']): Exclude<Exchange['request']['socket'], Peer> {
  return socket instanceof Peer ? socket.socket : socket
}
