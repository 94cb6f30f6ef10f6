import type { Instant, Reason, RequestId } from '../core/index.ts'
import type { FieldStatus } from '../fields/index.ts'
import { loggedPath } from '../signing/index.ts'
import type { Viewer } from './viewer.ts'

/** What is told of a request in the access log. Nothing in it may let a reader in: no signature, grant cookie, token. */
export interface AccessEntry {
  at: Instant
  id: RequestId
  distribution: string | undefined
  viewer: Viewer | undefined
  method: string
  /** As it was asked for; what may be a grant in it is not written. */
  path: string | undefined
  status: number
  bytes: number
  ms: number
  result: string
  reason: Reason | undefined
  /** Whether all of the answer was handed on. */
  complete: boolean
  protocol: string
  /** The ID of the trace that its viewer has named. */
  trace?: string | undefined
  /** Further members of the line, each with the comma before it; `loggedDetails` makes them. */
  details?: string | undefined
  /** Where fields of forms are encrypted: CloudFront's `fle-status` and `fle-encrypted-fields`. */
  form?: { status: FieldStatus; fields: number } | undefined
}

/** One line of JSON with its end, what is undefined left out. */
export function accessLine(entry: AccessEntry): string {
  const { path, reason, form, trace } = entry
  return (
    `{"time":"${isoTime(entry.at)}","id":"${entry.id}"${beginning(entry)}` +
    (path === undefined ? '' : `,"path":${pathOf(path)}`) +
    `,"status":${entry.status},"bytes":${entry.bytes},"ms":${entry.ms},"result":"${entry.result}"` +
    (reason === undefined ? '' : `,"reason":"${reason}"`) +
    (form === undefined ? '' : `,"form":"${form.status}","encryptedFields":${form.fields}`) +
    (trace === undefined ? '' : `,"trace":"${trace}"`) +
    (entry.complete ? ',"complete":true,"protocol":"' : ',"complete":false,"protocol":"') +
    (entry.details === undefined ? `${entry.protocol}"}\n` : `${entry.protocol}"${entry.details}}\n`)
  )
}

/** Of each viewer the part of the line that is the same for all that he asks for in the same way. */
const beginnings = new WeakMap<Viewer, { distribution: string | undefined; method: string; text: string }>()

function beginning({ viewer, distribution, method }: AccessEntry): string {
  const known = viewer && beginnings.get(viewer)
  if (known?.distribution === distribution && known?.method === method) return known.text
  const fields = {
    distribution,
    address: viewer?.address,
    scheme: viewer?.scheme,
    host: viewer?.host,
    method,
  }
  let text = ''
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) text += `,"${name}":${quoted(value)}`
  if (viewer) beginnings.set(viewer, { distribution, method, text })
  return text
}

/** In such a path there is no grant, and nothing that JSON would escape: to see that costs less than to remember it. */
const PLAIN = /^(?:[\w+-]{0,26}[/.!$&'()*,:;@ ])*[\w+-]{0,26}$/

/** The others are asked for again and again too, and to look for grants in them takes long. */
const paths = new Map<string, string>()
const MOST_PATHS = 1000
const LONGEST_KEPT = 256

function pathOf(path: string): string {
  if (PLAIN.test(path)) return `"${path}"`
  const known = paths.get(path)
  if (known !== undefined) return known
  const text = quoted(loggedPath(path))
  if (paths.size >= MOST_PATHS) paths.clear()
  if (path.length <= LONGEST_KEPT) paths.set(path, text)
  return text
}

/** Nothing that JSON would escape. */
const UNESCAPED = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** JSON in ASCII, so that the log takes each character as a byte. */
export function quoted(text: string): string {
  if (UNESCAPED.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

let told = { at: NaN, text: '' }

/** A busy node begins many answers in one millisecond. */
function isoTime(at: Instant): string {
  if (at !== told.at) told = { at, text: new Date(at).toISOString() }
  return told.text
}
