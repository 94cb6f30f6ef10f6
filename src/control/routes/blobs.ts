import { SluiceError } from '../../core/index.ts'
import { BLOB_TYPE } from '../../membership/index.ts'
import { findBlob } from '../database/index.ts'
import type { RawRoute } from '../route.ts'
import type { Services } from '../services.ts'

/** Code of functions and contents of stores, for the nodes that run them: what the snapshot names, and the one before. */
export function blobRoute({ database, snapshots }: Services): RawRoute {
  return {
    kind: 'raw',
    methods: ['GET'],
    path: '/v1/node/blobs/:sha256',
    access: { kind: 'node', roles: ['edge', 'regional'] },
    summary: 'The bytes of this digest, where the snapshot names them',
    async handle(_request, response, { sha256 = '' }) {
      const named = (await snapshots.current()).names(sha256)
      const bytes = named ? await database.read(tx => findBlob(tx, sha256)) : undefined
      if (bytes === undefined)
        throw new SluiceError(
          'no-blob',
          'no snapshot names this blob, or not any more: ask for the snapshot',
          {
            kind: 'not-found',
          },
        )
      response.writeHead(200, {
        ...{ 'content-type': BLOB_TYPE, 'content-length': bytes.length, 'cache-control': 'no-store' },
      })
      response.end(bytes)
    },
  }
}
