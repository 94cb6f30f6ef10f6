import { Agent, request, type IncomingHttpHeaders } from 'node:http'

/** An answer, whole. */
export interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Asking {
  host?: string
  /** A connection of its own, as a viewer's who has just come. */
  fresh?: true
}

/** How long a viewer waits for an answer, and between its pieces, before he asks anew. */
const PATIENCE_MS = 10_000

/** An HTTP server behind a Unix socket, which `door.mjs` carries into its machine. */
export class Doorway {
  readonly #socketPath: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** Rejects where no whole answer comes. */
  get(path: string, { host = 'localhost', fresh }: Asking = {}): Promise<Got> {
    return new Promise((resolve, reject) => {
      const agent = fresh === true ? false : this.#agent
      const asked = request(
        { socketPath: this.#socketPath, path, agent, headers: { host }, timeout: PATIENCE_MS },
        response => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', reject)
          response.on('close', () => {
            if (!response.complete) reject(new Error(`${path} ended in the middle`))
            else
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: Buffer.concat(pieces),
              })
          })
        },
      )
      asked.on('error', reject)
      asked.on('timeout', () => asked.destroy(new Error(`${path} took too long`)))
      asked.end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
