import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RawRoute } from '../route.ts'
import type { Services } from '../services.ts'

/** The database and the names of all objects, as lines. */
export function backupRoute({ backups }: Services): RawRoute {
  return {
    kind: 'raw',
    methods: ['GET'],
    path: '/v1/backup',
    access: { kind: 'token', scope: 'admin' },
    summary: 'A backup of the database with its secrets, and a list of what lies in storage: lines of JSON',
    handle: (_request, response) =>
      backups.make(async text => {
        response.writeHead(200, HEADERS)
        // Who leaves early ends it as well, and sees no end of it.
        await pipeline(Readable.from(text), response).catch(() => response.destroy())
      }),
  }
}

const HEADERS = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-store',
  // Its end is the connection's, so that control's close does not wait for it to be idle.
  connection: 'close',
}
