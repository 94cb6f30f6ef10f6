import { Type } from '../../core/index.ts'
import { Changed, ChangedIssuer } from '../../client/index.ts'
import { IssuerInput, TrustedIssuer } from '../../distribution/index.ts'
import { listIssuers } from '../database/index.ts'
import { createIssuer, findIssuer, removeIssuer, replaceIssuer } from '../issuers.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ByIdOrName } from './shapes.ts'

const KEYS = { kind: 'token', scope: 'keys' } as const
const READ = { kind: 'token', scope: 'read' } as const

/** Whose JSON Web Tokens behaviours may trust. Everything about them is public. */
export function issuerRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/issuers',
        access: READ,
        summary: 'Issuers of tokens, which behaviours may trust',
        answers: { 200: Type.Object({ issuers: Type.Array(TrustedIssuer) }) },
      },
      async () => ({ status: 200, body: { issuers: await database.read(listIssuers) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/issuers/:id',
        access: READ,
        summary: 'One issuer, by id or name',
        params: ByIdOrName,
        answers: { 200: TrustedIssuer },
      },
      async ({ params: { id } }) => ({ status: 200, body: await database.read(tx => findIssuer(tx, id)) }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/issuers',
        access: KEYS,
        summary: 'Make an issuer of tokens known; behaviours trust it when they name it',
        body: IssuerInput,
        answers: { 201: ChangedIssuer },
      },
      async ({ body }) => ({ status: 201, body: await database.transaction(tx => createIssuer(tx, body)) }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/issuers/:id',
        access: KEYS,
        summary: 'Put another definition in the place of an issuer',
        params: ByIdOrName,
        body: IssuerInput,
        answers: { 200: ChangedIssuer },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => replaceIssuer(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/issuers/:id',
        access: KEYS,
        summary: 'Forget an issuer; 409 while a behaviour trusts it',
        params: ByIdOrName,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeIssuer(tx, id)) },
      }),
    ),
  ]
}
