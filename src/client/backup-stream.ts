import { SluiceError, type Milliseconds } from '../core/index.ts'
import { Silence } from './event-stream.ts'
import { away, errorOf, type Connection } from './request.ts'

/** Control reads its whole database before the first byte, and names some thousand objects between two pieces. */
const SILENCE: Milliseconds = 120_000

/** The bytes of a backup. Throws SluiceError: the server's own, or `control-away`, also where the connection breaks. */
export async function* streamBackup(connection: Connection): AsyncGenerator<Uint8Array> {
  const silence = new Silence(SILENCE)
  try {
    const response = await fetch(`${connection.url.replace(/\/+$/, '')}/v1/backup`, {
      headers: { authorization: connection.authorization },
      signal: silence.signal,
    })
    if (!response.ok || !response.body) {
      throw errorOf(response.status, await response.json().catch(() => undefined))
    }
    for await (const chunk of response.body) {
      silence.heard()
      yield chunk
    }
  } catch (error) {
    throw error instanceof SluiceError ? error : away(connection.url, error)
  } finally {
    silence.end()
  }
}
