import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** A connection whose peer is the test, and takes what is written when the test says so. */
export class QuietSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly written: Buffer[] = []
  #waiting: (() => void)[] = []
  takes: 'all' | 'nothing' = 'all'
  bytesRead = 0

  setNoDelay(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(Buffer.from(chunk))
    if (this.takes === 'all') setImmediate(done)
    else this.#waiting.push(done)
  }

  /** What was written is taken, and all that follows. */
  takeAll(): void {
    this.takes = 'all'
    for (const done of this.#waiting.splice(0)) done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written)
  }

  asSocket(): Socket {
    return this as unknown as Socket // as much of one as a connection uses
  }
}
