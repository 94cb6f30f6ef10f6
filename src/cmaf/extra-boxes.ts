import type { Bytes } from '../core/index.ts'
import type { Box } from './child-boxes.ts'
import type { ExtraBox } from './movie.ts'

/** Boxes of a sample entry that change how it looks or is chosen; they go into the init segment as they are. */
const KEPT = new Set(['pasp', 'colr', 'clap', 'mdcv', 'clli', 'btrt'])
/** An embedded colour profile is the largest of them. */
const LARGEST: Bytes = 64 * 1024

export function readExtras(children: readonly Box[]): ExtraBox[] {
  const extras: ExtraBox[] = []
  for (const { type, body } of children) {
    const seen = extras.some(extra => extra.type === type)
    if (!KEPT.has(type) || body.length > LARGEST || seen) continue
    const bytes = body.bytes(0, body.length).slice()
    extras.push({ type, body: type === 'colr' ? isoColour(bytes) : bytes })
  }
  return extras
}

/** QuickTime's `nclc` lacks the last byte of `nclx`, which says that the range is not full. */
function isoColour(body: Uint8Array): Uint8Array {
  const isQuickTime = body.length === 10 && String.fromCharCode(...body.subarray(0, 4)) === 'nclc'
  if (!isQuickTime) return body
  const iso = new Uint8Array(11)
  iso.set(body)
  iso[3] = 'x'.charCodeAt(0)
  return iso
}
