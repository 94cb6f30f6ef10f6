import { SluiceError } from '../core/index.ts'

/**
 * Text for a quoted attribute. RFC 8216 4.2 forbids quotes and line breaks; apostrophes and anything outside ASCII are
 * legal, but widespread parsers split a tag at an apostrophe, so neither is written: accents are taken off letters
 * and what remains foreign is dropped.
 */
export function attributeText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/["'\\]/g, '')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, 100)
}

/** Passes a relative URI that may stand on a line and in an attribute; throws SluiceError `bad-playlist` otherwise. */
export function plainUri(uri: string): string {
  if (/^[A-Za-z0-9._~/-]+$/.test(uri) && !uri.startsWith('/') && !uri.split('/').includes('..')) return uri
  throw new SluiceError('bad-playlist', `${JSON.stringify(uri)} cannot stand in a playlist`)
}

/** The same for a URI that may climb out of its folder first, as from one rendition to another. */
export function climbingUri(uri: string): string {
  const climbs = /^(\.\.\/)*/.exec(uri)?.[0] ?? ''
  return climbs + plainUri(uri.slice(climbs.length))
}
