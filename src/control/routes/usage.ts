import { UsageReport, UsageTaken } from '../../client/index.ts'
import { MiB, ROLES, type Bytes } from '../../core/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { takeUsage } from '../usage.ts'
import { asker } from './nodes.ts'

/** 500 entries, each with what a few hundred distributions had. */
const LARGEST_REPORT: Bytes = 32 * MiB

/** What was served. */
export function usageRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'POST',
        path: '/v1/node/usage',
        access: { kind: 'node', roles: ROLES },
        summary: 'Entries of a ledger that control has not taken yet; the answer says how far it has it',
        body: UsageReport,
        largestBody: LARGEST_REPORT,
        answers: { 200: UsageTaken },
      },
      async ({ body, node }) => ({
        status: 200,
        body: await database.transaction(tx => takeUsage(tx, asker(node), body)),
      }),
    ),
  ]
}
