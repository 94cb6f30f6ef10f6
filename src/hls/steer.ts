/** A playlist that names others, and does not say by itself who steers its players (rfc8216bis §4.4.6.6). */
const MULTIVARIANT = /^#EXT-X-STREAM-INF:/m
const STEERED = /^#EXT-X-CONTENT-STEERING:/m

/**
 * The playlist with one more tag, which says where a player learns of other places of the same. Undefined of what is no
 * multivariant playlist, and of one whose author has said that himself.
 */
export function steerPlaylist(text: string, tag: string): string | undefined {
  const [head = ''] = text.split('\n', 1)
  if (head.trimEnd() !== '#EXTM3U' || !MULTIVARIANT.test(text) || STEERED.test(text)) return undefined
  const end = head.endsWith('\r') ? '\r\n' : '\n'
  return `#EXTM3U${end}${tag}${end}${text.slice(head.length + 1)}`
}
