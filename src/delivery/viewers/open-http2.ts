import type { Socket } from 'node:net'
import type { Departures } from '../../core/index.ts'
import { Http2Connection, type Http2Request, type Http2Stream } from '../../http2/index.ts'
import { MAX_FIELDS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'
import { whenWhole } from './whole-request.ts'

/** Beyond what is refused with a status, so that who sends somewhat too much is told so. */
const HEAD_ROOM = 4

export interface OpenHttp2Options {
  limits: ViewerLimits
  turnedAway: TurnedAway
  departures: Departures
  onRequest: (request: Http2Request, answer: Http2Stream) => void
}

/** Speaks HTTP/2 with a viewer who has asked for it, from his first byte on. */
export function openHttp2(socket: Socket, options: OpenHttp2Options): Http2Connection {
  const { limits, turnedAway, departures, onRequest } = options
  const connection = new Http2Connection(socket, {
    departures,
    limits: {
      ...{ streams: limits.streams, request: limits.request, idle: limits.idle, stalled: limits.stalled },
      head: { fields: HEAD_ROOM * MAX_FIELDS, bytes: HEAD_ROOM * MAX_HEAD_BYTES },
    },
    onFault: () => turnedAway.add('http2'),
    onRequest(request, answer) {
      // RFC 9110 §10.1.1
      if ((request.headers.expect ?? CONTINUE) !== CONTINUE) {
        answer.writeHead(417, [])
        return answer.end()
      }
      whenWhole(request, limits.request, () => onRequest(request, answer))
    },
  })
  connection.start()
  return connection
}

const CONTINUE = '100-continue'
