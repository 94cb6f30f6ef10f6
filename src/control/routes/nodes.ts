import type { IncomingHttpHeaders } from 'node:http'
import { ROLES, SluiceError, Type, type JobId, type NodeId } from '../../core/index.ts'
import {
  FinishRequest,
  HeartbeatRequest,
  LeaseAnswer,
  LeaseRequest,
  ReleaseRequest,
} from '../../client/index.ts'
import { Snapshot, type KnownWords } from '../../distribution/index.ts'
import { isDraining, isOlder, softwareVersion, VERSION_FIELD } from '../../membership/index.ts'
import { poll } from '../bell.ts'
import { ReadyJson, route, type Answered, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { finish, heartbeat, lease, release, type Holder } from '../work.ts'
import { Wait } from './shapes.ts'

/** What nodes ask of control. Control never asks a node. */
export function nodeRoutes(services: Services): Route[] {
  return [snapshot(services), takeLease(services), ...jobRoutes(services)]
}

function snapshot({ snapshots, acknowledgements }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/node/snapshot',
      access: { kind: 'node', roles: ROLES },
      summary: 'The snapshot when it is another than If-None-Match names, which acknowledges that one',
      query: Wait,
      answers: { 200: Snapshot, 304: null },
    },
    async ({ query, headers, node, signal }) => {
      const { epoch } = await snapshots.current()
      const known = knownVersion(headers['if-none-match'])
      // A version of another life of the database acknowledges nothing; without an epoch, ours is meant.
      const same = headers['sluice-epoch'] === undefined || headers['sluice-epoch'] === epoch
      const version = same ? known : undefined
      const ended = acknowledgements.polled(asker(node), version)
      try {
        const span = (query.wait ?? 0) * 1000
        const newest = await snapshots.after(version === undefined ? undefined : { epoch, version }, {
          span,
          signal,
        })
        if (!newest) return { status: 304, headers: { etag: `"${known}"`, 'sluice-epoch': epoch } }
        const role = newest.nodes.find(each => each.id === node)?.role
        // It was removed while it waited.
        if (role === undefined) throw noNode()
        const answer = { etag: `"${newest.version}"`, 'sluice-epoch': newest.epoch }
        return { status: 200, body: new ReadyJson(newest.textFor(role, wordsOf(headers))), headers: answer }
      } finally {
        ended()
      }
    },
  )
}

/** An older node would pass over words that it does not know. */
function wordsOf(headers: IncomingHttpHeaders): KnownWords {
  const version = headers[VERSION_FIELD]
  return isOlder(typeof version === 'string' ? version : undefined, softwareVersion()) ? 'before' : 'all'
}

function noNode(): SluiceError {
  return new SluiceError('not-a-node', 'this is for nodes of the CDN only: this one was removed', {
    kind: 'unauthorised',
  })
}

function knownVersion(tag: string | undefined): number | undefined {
  const digits = /^"(\d{1,15})"$/.exec(tag ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

const ORIGINS = { kind: 'node', roles: ['origin'] } as const

function takeLease({ database, snapshots, jobBell, lease: span }: Services): Route {
  return route(
    {
      method: 'POST',
      path: '/v1/node/jobs/lease',
      access: ORIGINS,
      summary: 'Lease the oldest job, waiting for one; 204 when there is none',
      body: LeaseRequest,
      answers: { 200: LeaseAnswer, 204: null },
    },
    async ({ body, node, signal }) => {
      // Looks each second, since a job that is offered again becomes due without a ring.
      const wait = { span: body.wait * 1000, every: 1_000, signal }
      const leased = await poll(jobBell, wait, async () => {
        if (signal.aborted || isDraining(await snapshots.current(), asker(node))) return undefined
        return database.transaction(tx => lease(tx, asker(node), span))
      })
      if (!leased) return { status: 204 }
      return { status: 200, body: { ...leased, leaseSeconds: span / 1000 } }
    },
  )
}

const OfJob = Type.Object({ id: Type.String({ format: 'uuid' }) })

function jobRoutes({ database, lease: span }: Services): Route[] {
  const holder = (id: string, node: NodeId | undefined, attempt: number | undefined): Holder => {
    return { jobId: id as JobId, nodeId: asker(node), attempt } // compared only
  }
  const about = (what: string, summary: string) =>
    ({
      method: 'POST',
      path: `/v1/node/jobs/:id/${what}`,
      access: ORIGINS,
      summary,
      params: OfJob,
      answers: { 200: Type.Object({}) },
    }) as const
  return [
    route(
      {
        ...about('heartbeat', 'Keep a lease; 409 when it is lost: stop, throw the attempt away'),
        body: HeartbeatRequest,
      },
      async ({ params, body: { attempt, progress }, node }) =>
        heldOr409(
          await database.transaction(tx =>
            heartbeat(tx, holder(params.id, node, attempt), { progress, span }),
          ),
        ),
    ),
    route(
      { ...about('finish', 'Hand in a result; 409 when the lease is lost'), body: FinishRequest },
      async ({ params, body: { attempt, result }, node }) =>
        heldOr409(await database.transaction(tx => finish(tx, holder(params.id, node, attempt), result))),
    ),
    route(
      {
        ...about('release', 'Give a lease back: the attempt failed in a way that may pass'),
        body: ReleaseRequest,
      },
      async ({ params, body: { attempt, reason }, node }) => {
        await database.transaction(tx => release(tx, holder(params.id, node, attempt), reason))
        return { status: 200, body: {} }
      },
    ),
  ]
}

function heldOr409(outcome: 'held' | 'taken' | 'lost'): Answered {
  if (outcome !== 'lost') return { status: 200, body: {} }
  throw new SluiceError('lease-lost', 'the lease of this job is lost: stop, and throw the attempt away', {
    kind: 'conflict',
  })
}

/** The node that asks; the server has checked that it is one. */
export function asker(node: NodeId | undefined): NodeId {
  if (node !== undefined) return node
  throw new Error('a route for nodes was reached without one')
}
