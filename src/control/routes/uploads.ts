import type { ServerResponse } from 'node:http'
import { SluiceError, type PublicationId } from '../../core/index.ts'
import { getPublication, type PublicationRow } from '../database/index.ts'
import type { RawRoute } from '../route.ts'
import type { Services } from '../services.ts'
import { UPLOADS_PATH } from '../uploads.ts'

/** tus for publications that wait for their bytes. */
export function uploadRoute(services: Services): RawRoute {
  const { database, uploads } = services
  return {
    kind: 'raw',
    methods: ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
    path: `${UPLOADS_PATH}/:id`,
    access: { kind: 'token', scope: 'publish' },
    summary: 'Upload by tus 1.0: HEAD for the offset, PATCH from there, DELETE to give up',
    async handle(request, response, { id = '' }) {
      if (request.method === 'OPTIONS') return uploads(request, response)
      const publication = /^[a-z0-9]{1,64}$/.test(id)
        ? await database.read(tx => getPublication(tx, id as PublicationId)) // compared only
        : undefined
      if (!publication) {
        throw new SluiceError('not-found', `there is no upload ${id.slice(0, 64)}: publish begins one`, {
          kind: 'not-found',
        })
      }
      if (publication.state === 'errored') {
        throw new SluiceError(
          'upload-ended',
          publication.error?.message ?? 'this upload was ended: publish again',
        )
      }
      if (publication.state !== 'uploading') return answerWhole(request.method, response, publication)
      await uploads(request, response)
    },
  }
}

/** The upload is whole already: its asker lost the last answer, and its bytes may have moved on. */
function answerWhole(method: string | undefined, response: ServerResponse, { size }: PublicationRow): void {
  if (method !== 'HEAD') {
    throw new SluiceError('upload-whole', 'this upload is whole already: there is nothing more to send', {
      kind: 'conflict',
    })
  }
  const offset = String(size)
  response.writeHead(200, {
    'tus-resumable': '1.0.0',
    'cache-control': 'no-store',
    'upload-offset': offset,
    'upload-length': offset,
  })
  response.end()
}
