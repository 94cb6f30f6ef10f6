import type { PlaylistEntry, PlaylistTag, PlaylistValue } from '../../hls/index.ts'
import type { Json } from '../contract.ts'
import { cloudFrontEvent } from './cloudfront-event.ts'
import { isFields, own, type Fields } from './reading.ts'
import { unusable, type EventContext, type SeenRequest, type Unusable } from './seen.ts'

/** A stretch of a playlist as a function is handed it. Short playlists are one stretch. */
export interface Stretch {
  playlist: PlaylistValue
  /** How many entries were in those before. */
  first: number
  /** Nothing follows. */
  last: boolean
  /** What the function gave as `state` with the stretch before. */
  state: Json
}

/** What a function made of it. */
export interface GivenStretch {
  kind: 'stretch'
  playlist: PlaylistValue
  state: Json
}

/** The argument at `playlist-response`: CloudFront's context and request, and a playlist as a value. */
export function playlistEvent(
  context: EventContext,
  request: SeenRequest,
  { playlist, first, last, state }: Stretch,
): Fields {
  return {
    ...cloudFrontEvent(context, request),
    batch: { first, last },
    playlist: playlist as unknown as Json, // it is made of nothing but texts, lists and objects
    state,
  }
}

/** No line of a playlist holds one: it would be two lines, or none that a player reads. */

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

/** The playlist, or `{ playlist, state }`. Whatever it is, this does not throw. */
export function readStretch(given: Json, { playlist }: Stretch): GivenStretch | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it returned no playlist')
  const wrapped = own(given, 'playlist')
  const value = wrapped === undefined ? given : wrapped
  if (!isFields(value)) return unusable('function-result', 'it returned no playlist')
  const header = readTags(own(value, 'header') ?? [])
  const tail = readTags(own(value, 'tail') ?? [])
  const entries = readEntries(own(value, 'entries') ?? [])
  if (header === undefined || tail === undefined || entries === undefined)
    return unusable('function-result', 'it returned a playlist with a line that is none')
  if (playlist.header.length > 0 && header[0]?.name !== 'EXTM3U')
    return unusable('function-result', 'it returned a playlist that does not begin with EXTM3U')
  const state = wrapped === undefined ? null : (own(given, 'state') ?? null)
  return { kind: 'stretch', playlist: { kind: playlist.kind, header, entries, tail }, state }
}

function readEntries(given: Json): PlaylistEntry[] | undefined {
  if (!Array.isArray(given)) return undefined
  const read: PlaylistEntry[] = []
  for (const each of given) {
    if (!isFields(each)) return undefined
    const [uri, text] = [own(each, 'uri'), own(each, 'text')]
    const tags = readTags(own(each, 'tags') ?? [])
    if (tags === undefined || typeof uri !== 'string' || !isUri(uri)) return undefined
    // As it was written it counts only where it says the same.
    const spelt = typeof text === 'string' && text.trim() === uri && !CONTROL.test(text.replace(/\r$/, ''))
    read.push({ tags, uri, ...(spelt && { text }) })
  }
  return read
}

function isUri(uri: string): boolean {
  return uri !== '' && uri.trim() === uri && !uri.startsWith('#') && !CONTROL.test(uri)
}

function readTags(given: Json): PlaylistTag[] | undefined {
  if (!Array.isArray(given)) return undefined
  const read = given.map(readTag)
  return read.every(tag => tag !== undefined) ? read : undefined
}

function readTag(given: Json): PlaylistTag | undefined {
  if (!isFields(given)) return undefined
  const [name, value, text] = [own(given, 'name'), own(given, 'value'), own(given, 'text')]
  if (name !== undefined && (typeof name !== 'string' || !/^EXT[^:\s]*$/.test(name))) return undefined
  if (value !== undefined && (typeof value !== 'string' || CONTROL.test(value.replace(/\r$/, ''))))
    return undefined
  const attributes = readAttributes(own(given, 'attributes'))
  if (attributes === 'bad') return undefined
  // A comment is its text; the end of a line may stand behind it.
  const line = typeof text === 'string' ? text.replace(/\r?\n?$/, '').replace(/\r+$/, '') : undefined
  if (line !== undefined && (CONTROL.test(line) || (line.trim() !== '' && !line.startsWith('#'))))
    return undefined
  return {
    ...(name !== undefined && { name }),
    ...(value !== undefined && { value }),
    ...(attributes !== undefined && { attributes }),
    ...(typeof text === 'string' && { text }),
  }
}

function readAttributes(given: Json | undefined): Record<string, string> | undefined | 'bad' {
  if (given === undefined) return undefined
  if (!isFields(given)) return 'bad'
  const read: [string, string][] = []
  for (const [name, value] of Object.entries(given)) {
    const text = typeof value === 'number' ? String(value) : value
    if (!/^[A-Z0-9-]+$/.test(name) || typeof text !== 'string') return 'bad'
    if (text.includes('"') || CONTROL.test(text)) return 'bad'
    read.push([name, text])
  }
  return read.length === 0 ? undefined : Object.fromEntries(read)
}
