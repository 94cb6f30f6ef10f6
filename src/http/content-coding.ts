import { Lru, type Bytes } from '../core/index.ts'
import { parseCacheControl } from './cache-control.ts'
import { fieldValue, listMembers, type FlatHeaders } from './headers.ts'

/** What we can make of a text. */
export type Coding = 'br' | 'gzip'

/**
 * The coding in which a viewer is best sent a text (RFC 9110 §12.5.3): the one with the higher weight, Brotli of two
 * equals, and no coding before one that weighs less. A viewer who says nothing gets none, since not all who say
 * nothing can decode; neither is anybody refused who takes no coding that there is.
 */
export function preferredCoding(acceptEncoding: string | undefined): Coding | 'identity' {
  if (acceptEncoding === undefined) return 'identity'
  const before = preferred.get(acceptEncoding)
  if (before !== undefined) return before
  const coding = preferredOf(readWeights(acceptEncoding))
  if (acceptEncoding.length <= LONGEST_REMEMBERED) preferred.set(acceptEncoding, coding)
  return coding
}

/** Browsers and players send one of a few values with each request. */
const preferred = new Lru<string, Coding | 'identity'>({ max: 100 })
const LONGEST_REMEMBERED = 200

function preferredOf(weights: ReadonlyMap<string, number>): Coding | 'identity' {
  const weight = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0
  const best = weight('gzip') > weight('br') ? 'gzip' : 'br'
  return weight(best) > 0 && weight(best) >= (weights.get('identity') ?? 0) ? best : 'identity'
}

/** Whether a viewer can read this coding. One who says nothing is taken to read none. */
export function acceptsCoding(acceptEncoding: string | undefined, coding: string): boolean {
  if (acceptEncoding === undefined) return false
  const weights = readWeights(acceptEncoding)
  return (weights.get(coding) ?? weights.get('*') ?? 0) > 0
}

const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i

/** By coding, in lower case. A member that is none is skipped; of a repeated one the first counts. */
function readWeights(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const member of listMembers(acceptEncoding)) {
    const [, name, weight] = MEMBER.exec(member) ?? []
    if (name === undefined) continue
    const coding = canonicalCoding(name)
    if (!weights.has(coding)) weights.set(coding, Number(weight ?? 1))
  }
  return weights
}

/** RFC 9110 §8.4.1: names are compared without regard to case, and `x-gzip` is an old name of gzip. */
function canonicalCoding(name: string): string {
  const lower = name.toLowerCase()
  return lower === 'x-gzip' ? 'gzip' : lower
}

/** The codings that an answer is in, in the order in which they were applied; empty for one that is in none. */
export function codingsOf(headers: FlatHeaders): string[] {
  return listMembers(fieldValue(headers, 'content-encoding') ?? '')
    .map(canonicalCoding)
    .filter(coding => coding !== 'identity')
}

/** CloudFront's: a shorter text gains nothing, a longer one takes too long. */
const SMALLEST_COMPRESSED: Bytes = 1_000
export const LARGEST_COMPRESSED: Bytes = 10_000_000

/** Statuses whose texts are compressed, as CloudFront has it. */
const COMPRESSED_STATUS: ReadonlySet<number> = new Set([200, 403, 404])

/**
 * Whether an answer of so many bytes goes out compressed to who accepts it. By CloudFront's rules, and for WebVTT and
 * a few more kinds of text that it leaves as they are. `no-transform` forbids it (RFC 9111 §5.2.2.6).
 */
export function isCompressible(
  { status, headers }: { status: number; headers: FlatHeaders },
  length: Bytes,
): boolean {
  if (!(length >= SMALLEST_COMPRESSED && length <= LARGEST_COMPRESSED)) return false
  return (
    COMPRESSED_STATUS.has(status) &&
    isText(headers) &&
    codingsOf(headers).length === 0 &&
    mayTransform(headers)
  )
}

export function mayTransform(headers: FlatHeaders): boolean {
  const control = fieldValue(headers, 'cache-control')
  return control === undefined || !parseCacheControl(control).has('no-transform')
}

/** By its media type: nothing that is compressed by its nature, as video, pictures and WOFF are. */
function isText(headers: FlatHeaders): boolean {
  const type = (fieldValue(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const [kind = '', ...rest] = type.split('/')
  const name = rest.join('/')
  return TEXTS[kind]?.has(name) === true || (kind === 'application' && /\+(?:json|xml)$/.test(name))
}

/** CloudFront's list, then what it lacks. */
const TEXTS: Readonly<Record<string, ReadonlySet<string>>> = {
  application: new Set([
    ...[
      'dash+xml',
      'eot',
      'font',
      'font-sfnt',
      'javascript',
      'json',
      'opentype',
      'otf',
      'pkcs7-mime',
      'protobuf',
    ],
    ...['rss+xml', 'truetype', 'ttf', 'vnd.apple.mpegurl', 'vnd.mapbox-vector-tile', 'vnd.ms-fontobject'],
    ...[
      'xhtml+xml',
      'xml',
      'x-font-opentype',
      'x-font-truetype',
      'x-font-ttf',
      'x-httpd-cgi',
      'x-javascript',
    ],
    ...['x-mpegurl', 'x-opentype', 'x-otf', 'x-perl', 'x-ttf'],
  ]),
  audio: new Set(['mpegurl', 'x-mpegurl']),
  font: new Set(['eot', 'opentype', 'otf', 'ttf']),
  image: new Set(['svg+xml']),
  text: new Set([
    ...['css', 'csv', 'html', 'javascript', 'js', 'plain', 'richtext', 'tab-separated-values', 'xml'],
    ...['x-component', 'x-java-source', 'x-script'],
    ...['vtt', 'markdown', 'calendar'],
  ]),
}
