import {
  type ChannelEvent,
  ChannelsRequest,
  EdgesAnswer,
  LeasesAnswer,
  LeasesRequest,
  NodeHealth,
  ViewersRequest,
} from '../../client/index.ts'
import { MiB, ROLES, Type, type Bytes, type Clock, type Instant, type NodeId } from '../../core/index.ts'
import type { ViewersAt } from '../../distribution/index.ts'
import { CLOCK_FIELD, offsetTo, readInstant } from '../../membership/index.ts'
import { addEvent, isSamePlace, placed, setViewers, type Tx } from '../database/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { asker } from './nodes.ts'

/** Ten thousand channels, each with all that can be said of it: some 3 KB where paths are long. */
const LARGEST_REPORT: Bytes = 32 * MiB
const LONGEST_DETAIL = 1_000

/** What nodes say of themselves and of live channels; of it events alone are stored. */
export function reportRoutes(services: Services, clock: Clock): Route[] {
  const { database, channelStates, channelEvents, channelLeases, healths, measured } = services
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
        if (body.measured !== undefined) measured.learn(asker(node), body.measured)
        if (body.viewers !== undefined) await moveTo(services, asker(node), body.viewers)
        return { status: 204 }
      },
    ),
    route(
      {
        method: 'GET',
        path: '/v1/node/edges',
        access: { kind: 'node', roles: ['router'] },
        summary: "How far viewers' networks are from edges, as these have measured it since the last answer",
        query: Type.Object({
          life: Type.Optional(Type.String({ maxLength: 64 })),
          from: Type.Optional(Type.Integer({ minimum: 0 })),
        }),
        answers: { 200: EdgesAnswer },
      },
      async ({ query: { life, from = 0 } }) =>
        Promise.resolve({ status: 200, body: measured.from(life, from) }),
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
        // What is not written down is not taken: the origin says it again.
        if (body.events.length > 0) await database.transaction(tx => keepChannelEvents(tx, body.events))
        return { status: 204 }
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

async function keepChannelEvents(tx: Tx, events: readonly ChannelEvent[]): Promise<void> {
  for (const { id, at, kind, path, broadcast, detail } of events) {
    const data = { broadcast, detail: detail.slice(0, LONGEST_DETAIL) }
    const happened = Date.parse(at) as Instant // the schema has checked that it is one
    await addEvent(tx, { type: `channel.${kind}`, subject: path, data, once: id, at: happened })
  }
}

/** Only a change is written; what cannot be is said again in two seconds. */
async function moveTo({ snapshots, database }: Services, id: NodeId, said: ViewersAt | null): Promise<void> {
  const { nodes } = await snapshots.current()
  const known = nodes.find(each => each.id === id)
  const viewers = said && placed(said)
  if (known === undefined || isSamePlace(known.viewers ?? null, viewers)) return
  await database.transaction(tx => setViewers(tx, id, viewers)).catch(() => {})
}
