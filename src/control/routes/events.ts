import type { ServerResponse } from 'node:http'
import { ChannelEvent } from '../../client/index.ts'
import type { Listener } from '../channel-events.ts'
import type { RawRoute } from '../route.ts'
import type { Services } from '../services.ts'

/** Server-sent events, until the listener leaves. */
export function eventRoute({ channelEvents }: Services): RawRoute {
  return {
    kind: 'raw',
    methods: ['GET'],
    path: '/v1/events',
    access: { kind: 'token', scope: 'read' },
    summary:
      'What happens to channels, as server-sent events; with Last-Event-ID those after it too, and all that are remembered (1000) when it is not among them',
    events: ChannelEvent,
    async handle(request, response) {
      const given = request.headers['last-event-id']
      const leave = channelEvents.listen(
        listenerOf(response),
        typeof given === 'string' && given !== '' ? given : undefined,
      )
      await new Promise<void>(resolve => response.once('close', resolve))
      leave()
    },
  }
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // The stream's end is the connection's, so that control's close does not wait for it to be idle.
  connection: 'close',
  // Proxies that gather answers would keep events back.
  'x-accel-buffering': 'no',
}

function listenerOf(response: ServerResponse): Listener {
  return {
    write(text) {
      if (!response.headersSent) response.writeHead(200, HEADERS)
      response.write(text)
    },
    waiting: () => response.writableLength,
    end: () => response.end(),
    cut: () => response.destroy(),
  }
}
