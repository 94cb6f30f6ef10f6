import type { Rendered, StoredObject } from '../../cache/index.ts'
import { checkedLines } from '../../http1/index.ts'
import { fieldCount } from '../../http/index.ts'
import { isPlain } from './recode.ts'
import { storedHeaders } from './viewer-headers.ts'

/** What is marked on a packed object. */
export const SAYS_WHO_READS = 1
export const DATED = 2

/**
 * How a plain answer of a stored object begins. Undefined for what is answered to different viewers in different ways:
 * playlists, texts, whatever is no plain 200, and what cannot be sent.
 */
export function render(object: StoredObject): Rendered | undefined {
  const { status, path, headers, body } = object
  if (status !== 200 || path.endsWith('.m3u8') || !isPlain(object, body.length)) return undefined
  const open = storedHeaders(headers, 'open')
  const gated = storedHeaders(headers, 'gated')
  // The last of these, `Cache-Control`, is in place of what is left out among them.
  const own = gated.splice(-2)
  try {
    const lines = checkedLines(gated)
    const marks =
      (fieldCount(headers, 'access-control-allow-origin') > 0 ? SAYS_WHO_READS : 0) |
      (lines.dated ? DATED : 0)
    return {
      lines: lines.text,
      open: checkedLines(withoutAll(open, gated)).text,
      gated: checkedLines(own).text,
      marks,
    }
  } catch {
    return undefined
  }
}

/** What stands in one list beyond another, all of which is in it in the same order. */
function withoutAll(list: readonly string[], others: readonly string[]): string[] {
  const rest: string[] = []
  let other = 0
  for (let at = 0; at + 1 < list.length; at += 2) {
    const [name = '', value = ''] = [list[at], list[at + 1]]
    if (name === others[other] && value === others[other + 1]) other += 2
    else rest.push(name, value)
  }
  return rest
}
