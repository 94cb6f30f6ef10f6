/** What stands for a field that a request has no value for. */
export const ABSENT = '-'

/**
 * What CloudFront writes as an escape: bytes up to 32, from 127 on, and those that no URL has as they are. A percent sign is
 * among them, so that what was an escape before is told from what is one here.
 */
const ESCAPED = /[\u0000-\u0020\u007f-\u00ff<>"#%{}|\\^~[\]`']/g

const ESCAPES = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
)

/**
 * A value as a line of a standard log has it. Each character is a byte, as fields of HTTP are read; a text with others is
 * written in UTF-8. A lone hyphen is escaped, since it would say that there is no value.
 */
export function fieldText(value: string | undefined): string {
  if (value === undefined || value === '') return ABSENT
  if (value === ABSENT) return '%2D'
  const bytes = WIDE.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
  return bytes.replace(ESCAPED, char => ESCAPES[char.charCodeAt(0)] ?? '')
}

const WIDE = /[^\u0000-\u00ff]/

/** What `fieldText` was given, each byte a character; undefined where nothing was. */
export function readFieldText(text: string): string | undefined {
  if (text === ABSENT) return undefined
  return text.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}
