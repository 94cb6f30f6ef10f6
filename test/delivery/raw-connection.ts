import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  head: string
  body: string
}

/** How long any answer may take here; what hangs is a fault too. */
const WITHIN = 10_000

/**
 * A kept-alive HTTP/1.1 connection on which every byte of a request is the test's own. One that the server has closed
 * after an answer is opened anew for the next; one that it cuts in the middle of an answer fails the test.
 */
export class RawConnection {
  readonly #port: number
  #socket: Socket | undefined
  #opened = 0

  constructor(base: string) {
    this.#port = Number(new URL(base).port)
  }

  /** How many connections it took. */
  get opened(): number {
    return this.#opened
  }

  /** `lines` are the head's, without its end; each character is one byte. */
  ask(lines: readonly string[]): Promise<RawAnswer> {
    const socket = (this.#socket ??= this.#open())
    const bodyless = lines[0]?.startsWith('HEAD ') === true
    return new Promise((resolve, reject) => {
      let seen = ''
      const timer = setTimeout(() => end(new Error(`no answer to ${JSON.stringify(lines)}`)), WITHIN)
      const end = (outcome: RawAnswer | Error): void => {
        clearTimeout(timer)
        socket.off('data', onData).off('close', onClose)
        if (outcome instanceof Error || /\r\nconnection: close/i.test(outcome.head)) {
          socket.destroy()
          this.#socket = undefined
        }
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      const onData = (chunk: Buffer): void => {
        seen += chunk.toString('latin1')
        const answer = readAnswer(seen, bodyless, 'open')
        if (answer !== undefined) end(answer)
      }
      const onClose = (): void => {
        this.#socket = undefined
        end(
          readAnswer(seen, bodyless, 'closed') ??
            new Error(`cut after ${JSON.stringify(seen.slice(0, 200))}: ${JSON.stringify(lines)}`),
        )
      }
      socket.on('data', onData).on('close', onClose)
      socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
    })
  }

  #open(): Socket {
    this.#opened++
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
    socket.setNoDelay(true)
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined
    })
    return socket
  }

  close(): void {
    this.#socket?.destroy()
  }
}

/** The answer, once all of it is there; a body without length ends with its connection. */
function readAnswer(seen: string, bodyless: boolean, connection: 'open' | 'closed'): RawAnswer | undefined {
  if (seen.startsWith('HTTP/1.1 100 '))
    return readAnswer(seen.slice(seen.indexOf('\r\n\r\n') + 4), bodyless, connection)
  const end = seen.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = seen.slice(0, end)
  const rest = seen.slice(end + 4)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? '0')
  const answer = (body: string): RawAnswer => ({ status, head, body })
  if (bodyless || status === 204 || status === 304) return answer('')
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined)
    return rest.length >= Number(length) ? answer(rest.slice(0, Number(length))) : undefined
  if (/\r\ntransfer-encoding: chunked/i.test(head))
    return rest.endsWith('0\r\n\r\n') ? answer(rest) : undefined
  return connection === 'closed' ? answer(rest) : undefined
}
