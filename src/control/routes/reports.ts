import {
  ChannelsRequest,
  LeasesAnswer,
  LeasesRequest,
  NodeHealth,
  ViewersRequest,
} from '../../client/index.ts'
import { MiB, ROLES, type Bytes, type Clock } from '../../core/index.ts'
import { CLOCK_FIELD, offsetTo, readInstant } from '../../membership/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { asker } from './nodes.ts'

/** Ten thousand channels, each with all that can be said of it: some 3 KB where paths are long. */
const LARGEST_REPORT: Bytes = 32 * MiB

/** What nodes say of themselves and of live channels; nothing of it is stored. */
export function reportRoutes(services: Services, clock: Clock): Route[] {
  const { channelStates, channelEvents, channelLeases, healths } = services
  return [
    route(
      {
        method: 'POST',
        path: '/v1/node/health',
        access: { kind: 'node', roles: ROLES },
        summary: 'How a node does; the answer says what time it is here',
        body: NodeHealth,
        answers: { 204: null },
      },
      async ({ body, node, headers }) => {
        const at = readInstant(headers[CLOCK_FIELD])
        const offset = at === undefined ? undefined : offsetTo(clock.now(), { at, took: body.roundTrip })
        healths.reported(asker(node), body, offset)
        return Promise.resolve({ status: 204 })
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/channels',
        access: { kind: 'node', roles: ['origin'] },
        summary: 'The channels that are not idle on this origin, all of them, and what happened since',
        body: ChannelsRequest,
        largestBody: LARGEST_REPORT,
        answers: { 204: null },
      },
      async ({ body, node }) => {
        channelStates.channelsOf(asker(node), body)
        channelEvents.add(body.events)
        return Promise.resolve({ status: 204 })
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/leases',
        access: { kind: 'node', roles: ['origin'] },
        summary:
          'That an origin lives, with the channels that it has; the answer names those that it has lost',
        body: LeasesRequest,
        largestBody: LARGEST_REPORT,
        answers: { 200: LeasesAnswer },
      },
      async ({ body, node }) => ({ status: 200, body: await channelLeases.heartbeat(asker(node), body) }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/viewers',
        access: { kind: 'node', roles: ['edge'] },
        summary: 'How many watch each channel at this edge',
        body: ViewersRequest,
        largestBody: LARGEST_REPORT,
        answers: { 204: null },
      },
      async ({ body, node }) => {
        channelStates.viewersOf(asker(node), body)
        return Promise.resolve({ status: 204 })
      },
    ),
  ]
}
