import { readFile } from 'node:fs/promises'
import { box, concat, fullBox, u32, u64 } from '../../src/cmaf/boxes.ts'

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl'])

/**
 * Rewrites a file whose header stands at its end: `stco` becomes `co64`, and `mdat` gets a 64-bit size in the room that
 * ffmpeg leaves for it with a `free` box. So no byte of the media moves.
 */
export async function withWideOffsets(path: string): Promise<Uint8Array> {
  const file = new Uint8Array(await readFile(path))
  const parts = boxesIn(file).flatMap(({ type, bytes }) => {
    if (type === 'free') return []
    if (type === 'mdat') return [u32(1), bytes.subarray(4, 8), u64(bytes.length + 8), bytes.subarray(8)]
    return [type === 'moov' ? widened(type, bytes) : bytes]
  })
  return concat(parts)
}

function widened(type: string, bytes: Uint8Array): Uint8Array {
  if (CONTAINERS.has(type)) {
    return box(type, ...boxesIn(bytes.subarray(8)).map(child => widened(child.type, child.bytes)))
  }
  if (type !== 'stco') return bytes
  const table = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const offsets = Array.from({ length: table.getUint32(12) }, (_, index) =>
    u64(table.getUint32(16 + index * 4)),
  )
  return fullBox('co64', 0, 0, u32(offsets.length), ...offsets)
}

function boxesIn(bytes: Uint8Array): { type: string; bytes: Uint8Array }[] {
  const found = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; at += view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    found.push({ type, bytes: bytes.subarray(at, at + view.getUint32(at)) })
  }
  return found
}
