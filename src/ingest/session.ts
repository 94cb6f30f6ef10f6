import type { FlvTagType } from '../cmaf/index.ts'
import { KiB, messageOf, type Clock, type Reason } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { Allowance, type AllowanceLimits } from './allowance.ts'
import { readCommand, readHello, readScript, readStreamName, type Command, type Hello } from './command.ts'
import type { PublishRequest, PublishSink, PublishVerdict } from './contract.ts'
import { fault } from './fault.ts'
import { MESSAGE, type Message } from './message.ts'
import { loggedPath, targetOf } from './publish-target.ts'
import { greet, refuse, welcome } from './replies.ts'
import type { Wire } from './wire.ts'

/** Encoders send about ten before they publish, and open one stream. */
const MOST_COMMANDS = 64
const MOST_STREAMS = 8
/**
 * Of commands and data. Encoders send a kilobyte of metadata now and then; reading AMF costs a hundred times what its
 * bytes cost as media, which every other publisher of this process would pay for.
 */
const WORDS: AllowanceLimits = { atOnce: 512 * KiB, perSecond: 64 * KiB }

/** How far a connection has come; `publishing` is left for the last two only, and nothing leaves those. */
export type Phase = 'new' | 'connected' | 'deciding' | 'publishing' | 'unpublished' | 'ended'

/** What the session asks of the connection that carries it. */
export interface SessionHost {
  readonly scheme: PublishRequest['scheme']
  readonly address: string
  /** Reads nothing until `resume`. */
  pause(): void
  resume(): void
  /** The session is in another phase; `ended` asks for an end in good order, `unpublished` leaves it to the encoder. */
  phase(phase: Phase): void
  /** Runs what may throw as bytes from the socket do. */
  guard(work: () => void): void
}

export interface SessionOptions {
  wire: Wire
  host: SessionHost
  authorize(request: PublishRequest): Promise<PublishVerdict>
  log: Logger
  clock: Clock
}

/** What an encoder may do when: it connects, asks to publish once, and sends media after it was told that it may. */
export class Session {
  readonly #options: SessionOptions
  readonly #left = new AbortController()
  readonly #words: Allowance
  #phase: Phase = 'new'
  #hello: Hello | undefined
  /** Where its statuses are sent. */
  #streamId = 0
  /** For the log. */
  #path = ''
  #commands = 0
  #announced = false
  #sink: PublishSink | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#words = new Allowance(WORDS, options.clock)
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Takes a message from the wire; what breaks the protocol is thrown. */
  take(message: Message): void {
    switch (message.type) {
      case MESSAGE.command:
      case MESSAGE.commandAmf3:
        this.#listen(message)
        return this.#command(readCommand(message))
      case MESSAGE.audio:
        return this.#tag('audio', message.timestamp, message.body)
      case MESSAGE.video:
        return this.#tag('video', message.timestamp, message.body)
      default:
        this.#listen(message)
        return this.#tag('script', message.timestamp, readScript(message))
    }
  }

  #listen({ body }: Message): void {
    if (this.#words.spend(body.length) === 'exceeded') throw fault('More is said than any encoder says.')
  }

  /** The connection is gone, or about to be. */
  lost(): void {
    this.#end('lost')
  }

  /** Says why to the encoder and ends; harmless when it has ended. */
  cut(reason: Reason, detail: string): void {
    if (this.#isOver) return
    const { log, host, wire } = this.#options
    const event = this.#phase === 'publishing' ? 'publisher cut' : 'publisher refused'
    log.info(
      { path: this.#path, address: host.address, encoder: this.#hello?.encoder, reason, detail },
      event,
    )
    refuse(wire, this.#streamId, reason, detail)
    this.#end('lost')
  }

  #tag(type: FlvTagType, timestamp: number, data: Buffer): void {
    if (this.#phase !== 'publishing' || this.#sink === undefined) {
      throw fault('Media came before publishing was allowed.')
    }
    if (data.length === 0) return
    if (this.#sink.write({ type, timestamp, data }) === 'full') this.#options.host.pause()
  }

  #command(command: Command): void {
    if (this.#phase !== 'publishing' && ++this.#commands > MOST_COMMANDS) throw fault('Too many commands.')
    if (this.#phase === 'new' && command.name !== 'connect') throw fault('A command came before connect.')
    const { wire } = this.#options
    switch (command.name) {
      case 'connect':
        return this.#connect(command)
      case 'releaseStream':
        return wire.result(command.transaction, { info: undefined })
      case 'FCPublish':
        this.#announced = true
        return wire.result(command.transaction, { info: undefined })
      case 'createStream':
        if (wire.streams >= MOST_STREAMS) throw fault(`More than ${MOST_STREAMS} streams were asked for.`)
        return wire.respondCreateStream(command.transaction)
      case 'publish':
        return this.#publish(command)
      case 'play':
      case 'play2':
        this.#streamId = command.streamId
        return this.cut('no-play', 'streams are watched over HTTP, RTMP only takes them in')
      case 'FCUnpublish':
        return this.#unpublish()
      case 'deleteStream':
        if (typeof command.values[1] === 'number' && command.values[1] !== this.#streamId) return
        return this.#unpublish()
      case 'closeStream':
        if (command.streamId === this.#streamId) this.#unpublish()
        return
      case 'getStreamLength':
      case 'getMovLen':
        return wire.result(command.transaction, { info: 0 })
      default:
        // `_checkbw`, `_result` of a ping and the like: encoders do not wait for an answer, an error makes ffmpeg leave.
        return
    }
  }

  #connect(command: Command): void {
    if (this.#phase !== 'new') throw fault('A second connect came.')
    this.#hello = readHello(command)
    this.#enter('connected')
    greet(this.#options.wire, command.transaction)
  }

  #publish(command: Command): void {
    if (this.#phase === 'publishing') {
      this.#streamId = command.streamId
      return this.cut('busy', 'this connection publishes already')
    }
    if (this.#hello === undefined) throw fault('publish came before connect.')
    const { wire, host } = this.#options
    const { app, authority, encoder } = this.#hello
    const target = targetOf(app, readStreamName(command))
    this.#streamId = command.streamId
    this.#path = loggedPath(target.path)
    wire.hold()
    host.pause()
    this.#enter('deciding')
    const { scheme, address } = host
    const { signal } = this.#left
    const publisher = {
      cut: (reason: Reason, detail: string) => this.cut(reason, detail),
      resume: () => {
        if (this.#phase === 'publishing') host.resume()
      },
    }
    void this.#decide({ ...target, scheme, authority, address, encoder, signal, publisher })
  }

  async #decide(request: PublishRequest): Promise<void> {
    let verdict: PublishVerdict
    try {
      verdict = await this.#options.authorize(request)
    } catch (error) {
      this.#options.log.error({ path: this.#path, why: messageOf(error) }, 'publish could not be decided')
      verdict = { kind: 'refused', reason: 'origin-away', detail: 'the server could not decide, try again' }
    }
    if (verdict.kind === 'refused') return this.cut(verdict.reason, verdict.detail)
    // The encoder left, or waited too long.
    if (this.#phase !== 'deciding') return verdict.sink.end('lost')
    this.#sink = verdict.sink
    this.#options.host.guard(() => this.#accept(request))
  }

  #accept({ address, encoder }: PublishRequest): void {
    const { wire, host, log } = this.#options
    log.info({ path: this.#path, address, encoder }, 'publisher accepted')
    this.#enter('publishing')
    welcome(wire, this.#streamId, this.#announced)
    // First, since what was kept may fill the sink.
    host.resume()
    wire.openForMedia()
  }

  #unpublish(): void {
    // Some encoders clear the way before they publish.
    if (this.#phase === 'publishing') this.#end('unpublished')
  }

  #end(how: 'unpublished' | 'lost'): void {
    if (this.#isOver) return
    this.#options.wire.ignore()
    this.#enter(how === 'unpublished' ? 'unpublished' : 'ended')
    this.#left.abort()
    const sink = this.#sink
    this.#sink = undefined
    if (sink === undefined) return
    this.#options.log.info({ path: this.#path, how }, 'publisher gone')
    sink.end(how)
  }

  get #isOver(): boolean {
    return this.#phase === 'unpublished' || this.#phase === 'ended'
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#options.host.phase(phase)
  }
}
