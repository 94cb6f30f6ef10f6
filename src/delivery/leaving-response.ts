import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Departures } from '../core/index.ts'

/** Node's own answers, of which no byte leaves before what has to be done first. */
export function leavingResponse(departures: Departures): typeof ServerResponse {
  return class<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    override write(...given: unknown[]): boolean {
      departures.now()
      // Whatever the caller has given, of the forms that there are.
      return super.write(...(given as Parameters<ServerResponse['write']>))
    }

    override end(...given: unknown[]): this {
      departures.now()
      // As above.
      return super.end(...(given as Parameters<ServerResponse['end']>))
    }
  }
}
