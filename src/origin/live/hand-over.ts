import type { IncomingMessage, ServerResponse } from 'node:http'
import { FlvReader } from '../../cmaf/index.ts'
import { messageOf, SluiceError, type Clock, type Instant, type Milliseconds } from '../../core/index.ts'
import { HAND_OVER, type HandOverLine } from '../../membership/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Attachment, Feeder } from './attachment.ts'
import type { LiveChannel } from './channel.ts'
import type { ChannelTable } from './channel-table.ts'
import { readHandOverRequest, refusal, type HandOverRefusal } from './hand-over-request.ts'
import type { HandOverResult, LiveCounters } from './live-counters.ts'

/** The gateway's queue counts what was not taken: it hears of progress well within the 2 s that it holds. */
const LINE_EVERY: Milliseconds = 400
/** Even without progress, so that the gateway knows that the origin is there (SEAMS 14). */
const LINE_AT_LEAST: Milliseconds = 1_000
/** A gateway that does not read its answer is told nothing more until it does. */
const MOST_UNREAD = 64 * 1024
const LINGER: Milliseconds = 1_000

const CLOSING = refusal(503, 'origin-away', 'the origin is closing')
const NO_CHANNEL = refusal(404, 'no-channel', 'no such channel: make it with `sluice live create`')

export interface HandOverOptions {
  table: ChannelTable
  counters: LiveCounters
  clock: Clock
  log: Logger
}

/**
 * Takes a hand-over, or refuses it (membership/hand-over.ts). Both halves run at once: the status goes out before the
 * body's first byte is needed, lines follow while it streams. Reading and muxing are one step, so that a gateway
 * that is faster than this origin is held back by TCP.
 */
export function takeHandOver(
  options: HandOverOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { table, clock } = options
  const asked = readHandOverRequest(request.headers)
  if ('kind' in asked) return refuse(options, request, response, asked)
  if (!table.isOpen) return refuse(options, request, response, CLOSING)
  const channel = table.at(asked.channel)
  if (!channel) return refuse(options, request, response, NO_CHANNEL)
  const refused = channel.judge(asked)
  if (refused) return refuse(options, request, response, refused)
  const handOver = new HandOver(options, request, response, channel)
  handOver.start(channel.attach(asked, handOver, clock.now()))
}

function refuse(
  { counters, log }: HandOverOptions,
  request: IncomingMessage,
  response: ServerResponse,
  { status, reason, detail }: HandOverRefusal,
): void {
  counters.handOver('refused')
  log.info({ reason, detail }, 'hand-over refused')
  const line = lineOf({ cut: reason, detail })
  response.writeHead(status, {
    'Content-Type': 'application/x-ndjson',
    'Content-Length': Buffer.byteLength(line),
    'Cache-Control': 'no-store',
    'X-Sluice-Reason': reason,
  })
  response.write(line)
  hangUpLater(request, response)
}

/**
 * The gateway is still sending: a connection that is closed on unread bytes is reset, and what was written last may
 * be lost with it. So the body is read on until the gateway has left, or for a moment.
 */
function hangUpLater(request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => {})
  response.on('error', () => {})
  request.resume()
  const timer = setTimeout(() => {
    response.end()
    request.destroy()
  }, LINGER)
  response.once('close', () => clearTimeout(timer))
}

function lineOf(line: HandOverLine): string {
  return `${JSON.stringify(line)}\n`
}

/** One connection of a gateway, from its acceptance to its end. */
class HandOver implements Feeder {
  readonly #options: HandOverOptions
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #channel: LiveChannel
  readonly #reader = new FlvReader()
  #attachment: Attachment | undefined
  #taken = 0
  #told = 0
  #toldAt: Instant
  #timer: NodeJS.Timeout | undefined
  #state: 'open' | 'over' = 'open'

  constructor(
    options: HandOverOptions,
    request: IncomingMessage,
    response: ServerResponse,
    channel: LiveChannel,
  ) {
    this.#options = options
    this.#request = request
    this.#response = response
    this.#channel = channel
    this.#toldAt = options.clock.now()
  }

  start(attachment: Attachment): void {
    this.#attachment = attachment
    this.#options.counters.handOver('accepted')
    this.#response.writeHead(200, {
      'Content-Type': 'application/x-ndjson',
      'Cache-Control': 'no-store',
      [HAND_OVER.broadcast]: attachment.broadcast,
    })
    this.#tell()
    this.#timer = setInterval(() => this.#tellRegularly(), LINE_EVERY)
    this.#request.on('data', (chunk: Buffer) => this.#push(chunk))
    this.#request.on('end', () => this.#leave('unpublished', 'the encoder ended its broadcast'))
    // `close` follows; without a listener the error would end the process.
    this.#request.on('error', () => {})
    this.#response.on('error', () => {})
    this.#request.on('close', () => this.#leave('lost', 'the connection to the encoder was lost'))
  }

  cut(reason: string, detail: string): void {
    if (this.#state === 'over') return
    this.#over('cut')
    this.#response.write(lineOf({ cut: reason, detail }))
    hangUpLater(this.#request, this.#response)
  }

  drop(): void {
    if (this.#state === 'over') return
    this.#over('lost')
    this.#request.destroy()
  }

  #push(chunk: Buffer): void {
    const { clock, counters } = this.#options
    const attachment = this.#attachment
    if (this.#state === 'over' || !attachment) return
    const now = clock.now()
    try {
      this.#channel.push(attachment, this.#reader.push(chunk), now)
      this.#taken += chunk.length
      counters.taken(chunk.length)
    } catch (error) {
      this.#unfit(attachment, error, now)
    }
  }

  /** Media that cannot be read ends this hand-over only; the encoder may come back with better. */
  #unfit(attachment: Attachment, error: unknown, now: Instant): void {
    const ours = !(error instanceof SluiceError)
    this.#options.log.warn({ path: this.#channel.path, error: messageOf(error) }, 'hand-over is unfit')
    const detail = ours ? 'the origin could not read the stream' : messageOf(error)
    this.cut('bad-media', detail)
    this.#channel.detach(attachment, 'lost', detail, now)
  }

  #leave(how: 'unpublished' | 'lost', detail: string): void {
    if (this.#state === 'over' || !this.#attachment) return
    this.#over(how)
    this.#channel.detach(this.#attachment, how, detail, this.#options.clock.now())
    if (how === 'unpublished') this.#response.end(lineOf({ taken: this.#taken }))
  }

  #over(how: HandOverResult): void {
    this.#state = 'over'
    clearInterval(this.#timer)
    this.#options.counters.handOver(how)
  }

  #tellRegularly(): void {
    const silent = this.#options.clock.now() - this.#toldAt
    if (this.#taken > this.#told || silent >= LINE_AT_LEAST) this.#tell()
  }

  #tell(): void {
    if (this.#response.writableLength > MOST_UNREAD) return
    this.#told = this.#taken
    this.#toldAt = this.#options.clock.now()
    this.#response.write(lineOf({ taken: this.#taken }))
  }
}
