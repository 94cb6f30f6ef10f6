import type { ServerResponse } from 'node:http'
import { SluiceError } from '../../core/index.ts'
import { ChannelEvent, EVENT_KINDS } from '../../client/index.ts'
import type { Listener } from '../channel-events.ts'
import type { RawRoute } from '../route.ts'
import type { Services } from '../services.ts'

/** Server-sent events, until the listener leaves. */
export function eventRoute({ channelEvents, eventFeed }: Services): RawRoute {
  return {
    kind: 'raw',
    methods: ['GET'],
    path: '/v1/events',
    access: { kind: 'token', scope: 'read' },
    summary:
      'What happens to channels, as server-sent events; with Last-Event-ID those after it too, and all that are remembered (1000) when it is not among them. With kinds=asset,node (or all) what happens to these, in the form that webhooks have',
    events: ChannelEvent,
    async handle(request, response) {
      const given = request.headers['last-event-id']
      const last = typeof given === 'string' && given !== '' ? given : undefined
      const kinds = kindsOf(request.url ?? '')
      const listener = listenerOf(response)
      const leave =
        kinds === undefined
          ? channelEvents.listen(listener, last)
          : await eventFeed.listen(listener, { kinds, last })
      await new Promise<void>(resolve => response.once('close', resolve))
      leave()
    },
  }
}

/** Undefined where nobody asked for kinds: those who knew of channels alone hear what they always heard. */
function kindsOf(url: string): string[] | undefined {
  const given = new URL(url, 'http://control').searchParams.get('kinds')
  if (given === null) return undefined
  const kinds = given === 'all' ? [...EVENT_KINDS] : given.split(',')
  if (kinds.every(kind => EVENT_KINDS.includes(kind))) return kinds
  throw new SluiceError('bad-kinds', `kinds is a list of ${EVENT_KINDS.join(', ')}, or "all"`, {
    side: 'operator',
    kind: 'usage',
  })
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
