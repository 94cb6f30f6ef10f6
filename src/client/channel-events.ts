import { pause, SluiceError, type Milliseconds } from '../core/index.ts'
import type { ChannelEvent } from './channel-shapes.ts'
import { streamEvents } from './event-stream.ts'
import type { Connection } from './request.ts'

export const EVENTS_PATH = '/v1/events'

const FIRST_PAUSE: Milliseconds = 100
const LONGEST_PAUSE: Milliseconds = 2_000

/** The event stream over as many connections as it takes. */
export async function* followChannelEvents(
  connection: Connection,
  signal: AbortSignal,
  from?: string,
): AsyncGenerator<ChannelEvent> {
  let lastEventId = from
  let everConnected = false
  let wait = FIRST_PAUSE
  while (!signal.aborted) {
    try {
      for await (const event of streamEvents(connection, { path: EVENTS_PATH, lastEventId, signal })) {
        everConnected = true
        wait = FIRST_PAUSE
        lastEventId = event.id
        if (event.type === 'message') yield JSON.parse(event.data) as ChannelEvent // our own server's
      }
      everConnected = true
    } catch (error) {
      if (signal.aborted) return
      if (!everConnected || !mayPass(error)) throw error
    }
    await pause(wait * (0.5 + Math.random() / 2), signal)
    wait = Math.min(LONGEST_PAUSE, wait * 2)
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof SluiceError && error.kind === 'unavailable'
}
