import type { Bytes } from '../core/index.ts'
import { refuse } from './refusal.ts'

/**
 * Big-endian reads out of bytes that nobody vouches for. Every read is checked: past the end the movie is refused as
 * malformed, and no size that a file states is used before it was compared with what is there.
 */
export class Window {
  readonly length: Bytes
  /** The box this is the body of, for sentences. */
  readonly name: string
  private readonly content: Uint8Array
  private readonly view: DataView

  constructor(content: Uint8Array, name: string) {
    // A Buffer's own `slice` does not copy; a plain array's does.
    this.content = new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
    this.length = content.length
    this.name = name
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  }

  u8(at: number): number {
    this.need(at, 1)
    return this.view.getUint8(at)
  }

  u16(at: number): number {
    this.need(at, 2)
    return this.view.getUint16(at)
  }

  u32(at: number): number {
    this.need(at, 4)
    return this.view.getUint32(at)
  }

  i32(at: number): number {
    this.need(at, 4)
    return this.view.getInt32(at)
  }

  /** Inexact above 2^53; such a value is beyond any file and is refused where it is compared with the file's size. */
  u64(at: number): number {
    return this.u32(at) * 2 ** 32 + this.u32(at + 4)
  }

  i64(at: number): number {
    return this.i32(at) * 2 ** 32 + this.u32(at + 4)
  }

  /** Four characters, one byte each. */
  fourcc(at: number): string {
    const word = this.u32(at)
    return String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255)
  }

  /** A narrower window on the same bytes. */
  sub(start: number, end: number, name: string = this.name): Window {
    return new Window(this.bytes(start, end), name)
  }

  /** A view, not a copy: whoever keeps it keeps the whole moov in memory. */
  bytes(start: number, end: number): Uint8Array {
    if (end < start) refuse('malformed', `The "${this.name}" box contradicts its own lengths.`)
    this.need(start, end - start)
    return this.content.subarray(start, end)
  }

  private need(at: number, count: number): void {
    if (at < 0 || at + count > this.length) {
      refuse('malformed', `The "${this.name}" box ends before its content does.`)
    }
  }
}

/** A box type that came out of a file, safe to print. */
export function printable(fourcc: string): string {
  return fourcc.replace(/[^ -~]/g, '?')
}
