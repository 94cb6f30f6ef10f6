import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { KiB, messageOf, type Clock, type Milliseconds } from '../core/index.ts'
import type { CertificateShelf } from '../inbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { PublishRequest, PublishVerdict } from './contract.ts'
import type { IngestLimits } from './limits.ts'
import { Session, type Phase, type SessionHost } from './session.ts'
import { Wire } from './wire.ts'

/** Statuses and acknowledgements that an encoder has not read; it reads nothing, so nothing more is written. */
const MOST_UNREAD = 64 * KiB

export interface ConnectionOptions {
  /** Fresh, nothing read but perhaps a proxy's header; this class destroys it. */
  socket: Socket
  address: string
  /** Present: the encoder speaks TLS. */
  shelf: Pick<CertificateShelf, 'own' | 'context'> | undefined
  authorize(request: PublishRequest): Promise<PublishVerdict>
  limits: IngestLimits
  log: Logger
  clock: Clock
}

/** One encoder's socket: its deadlines, its pauses and its end. */
export class Connection implements SessionHost {
  readonly scheme: PublishRequest['scheme']
  readonly address: string
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #session: Session
  #timer: NodeJS.Timeout | undefined
  #handshaken = false

  constructor(options: ConnectionOptions) {
    const { socket, shelf, limits, log, clock } = options
    this.#options = options
    this.address = options.address
    this.scheme = shelf === undefined ? 'rtmp' : 'rtmps'
    this.#socket = shelf === undefined ? socket : secured(socket, shelf)
    this.#wire = new Wire({
      send: bytes => this.#send(bytes),
      take: message => this.#session.take(message),
      pending: limits.pending,
    })
    this.#session = new Session({
      wire: this.#wire,
      host: this,
      authorize: request => options.authorize(request),
      ...{ log, clock },
    })
    const since = clock.now()
    // Beneath TLS, errors of the socket come up as errors of the stream; whoever hears none is ended by them.
    if (this.#socket !== socket) socket.on('error', () => this.#socket.destroy())
    this.#socket
      .setNoDelay(true)
      .on('data', (bytes: Buffer) => this.#read(bytes))
      .on('end', () => this.#session.lost())
      .on('error', error => this.#fail(error))
      .once('close', () => {
        this.#session.lost()
        clearTimeout(this.#timer)
        log.debug({ address: this.address, ms: clock.now() - since }, 'connection closed')
      })
    // A socket whose first bytes a proxy sent is paused.
    this.#socket.resume()
    this.#deadline(limits.handshake, 'no handshake')
  }

  get publishing(): boolean {
    return this.#session.phase === 'publishing'
  }

  /** Ends at once: the encoder is taken for lost. */
  destroy(): void {
    this.#session.lost()
    this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
    clearTimeout(this.#timer)
  }

  resume(): void {
    this.#deadline(this.#options.limits.silence, 'no bytes')
    this.#socket.resume()
  }

  phase(phase: Phase): void {
    const { limits } = this.#options
    switch (phase) {
      case 'new':
      case 'connected':
        return
      case 'deciding':
        return this.#deadline(limits.decision, 'no decision')
      case 'publishing':
        return this.#deadline(limits.silence, 'no bytes')
      case 'unpublished':
        // GStreamer has more to say, and takes an end that comes before its own for a failure.
        this.#socket.resume()
        return this.#deadline(limits.linger, 'not closed by the encoder')
      case 'ended':
        // Read on without looking: closing over unread bytes resets the connection, and the last word is lost.
        this.#socket.resume().end()
        return this.#deadline(limits.linger, 'not closed by the encoder')
    }
  }

  guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #read(bytes: Buffer): void {
    if (this.publishing) this.#timer?.refresh()
    this.guard(() => this.#wire.feed(bytes))
    if (this.#handshaken || !this.#wire.handshaken) return
    this.#handshaken = true
    if (this.#session.phase === 'new' || this.#session.phase === 'connected') {
      this.#deadline(this.#options.limits.publish, 'no publish')
    }
  }

  #send(bytes: Buffer): void {
    if (!this.#socket.writable) return
    this.#socket.write(bytes)
    if (this.#socket.writableLength > MOST_UNREAD) this.#fail(new Error('The encoder reads nothing.'))
  }

  #fail(error: unknown): void {
    const { log } = this.#options
    const fields = { address: this.address, why: messageOf(error) }
    // A fault of ours, or of a package, is worth a look; a publisher's is worth knowing; what strangers send is not.
    if (error instanceof TypeError || error instanceof RangeError) log.warn(fields, 'connection failed')
    else if (this.publishing) log.info(fields, 'publisher broke off')
    else log.debug(fields, 'connection refused')
    this.destroy()
  }

  #deadline(span: Milliseconds, why: string): void {
    clearTimeout(this.#timer)
    if (this.#socket.destroyed) return
    this.#timer = setTimeout(() => {
      if (this.#session.phase === 'deciding') {
        return this.#session.cut('origin-away', 'no decision was made in time, try again')
      }
      const { log } = this.#options
      if (this.publishing) log.info({ address: this.address, why }, 'publisher timed out')
      else log.debug({ address: this.address, why }, 'connection timed out')
      this.destroy()
    }, span)
  }
}

function secured(socket: Socket, shelf: Pick<CertificateShelf, 'own' | 'context'>): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    secureContext: shelf.own.context,
    SNICallback: (name, done) => done(null, shelf.context(name)),
  })
}
