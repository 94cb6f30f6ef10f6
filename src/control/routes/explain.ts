import { Explanation, ExplainRequest } from '../../client/index.ts'
import type { Clock } from '../../core/index.ts'
import { readWholeSnapshot } from '../database/index.ts'
import { explain } from '../explain.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'

/** A POST, so that what lets in stands in no address and no log of a proxy. */
export function explainRoute({ database }: Pick<Services, 'database'>, clock: Clock): Route {
  return route(
    {
      method: 'POST',
      path: '/v1/explain',
      access: { kind: 'token', scope: 'read' },
      summary: 'What an edge or a gateway that has the newest configuration says to a request, and why',
      body: ExplainRequest,
      answers: { 200: Explanation },
    },
    async ({ body }) => {
      const { snapshot } = await database.read(readWholeSnapshot)
      return { status: 200, body: await explain(body, snapshot, clock.now()) }
    },
  )
}
