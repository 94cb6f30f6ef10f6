import { MiB, Type, type Bytes } from '../../core/index.ts'
import {
  Changed,
  ChangedFunction,
  FunctionChange,
  FunctionCode,
  FunctionInfo,
  FunctionStageAsked,
  FunctionTest,
  FunctionTested,
  NewFunction,
} from '../../client/index.ts'
import {
  changedFunction,
  createFunction,
  functionInfo,
  isKin,
  known,
  listFunctionInfos,
  publishFunction,
  removeFunction,
  stageOf,
  updateFunction,
} from '../functions.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { codeOf, readStage, tryFunction } from '../try-function.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const READ = { kind: 'token', scope: 'read' } as const
const ByName = Type.Object({ name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }) })
/** JSON may write a byte of code as six. */
const LARGEST: Bytes = 48 * MiB

/** What behaviours run for requests. */
export function functionRoutes({ database, trials }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/functions',
        access: READ,
        summary: 'Functions that behaviours may name, by name',
        answers: { 200: Type.Object({ functions: Type.Array(FunctionInfo) }) },
      },
      async () => ({ status: 200, body: { functions: await database.read(listFunctionInfos) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/functions/:name',
        access: READ,
        summary: 'One function, with who runs it',
        params: ByName,
        answers: { 200: FunctionInfo },
      },
      async ({ params: { name } }) => ({
        status: 200,
        body: await database.read(tx => functionInfo(tx, name)),
      }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/functions/:name/code',
        // It often holds what it checks tokens with.
        access: ADMIN,
        summary: 'The code of a function at a stage: development, live, or the number of a version',
        params: ByName,
        query: FunctionStageAsked,
        answers: { 200: FunctionCode },
      },
      async ({ params: { name }, query: { stage = 'development' } }) => {
        const code = await database.read(async tx =>
          codeOf(tx, stageOf(await known(tx, name), readStage(stage))),
        )
        return { status: 200, body: { code } }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/functions',
        access: ADMIN,
        summary: 'Make a function; it runs when it was published and a behaviour names it',
        body: NewFunction,
        largestBody: LARGEST,
        answers: { 201: FunctionInfo },
      },
      async ({ body }) => {
        await trials.check(body.name, body.runtime, body.code)
        const info = await database.transaction(async tx => {
          await createFunction(tx, body)
          return functionInfo(tx, body.name)
        })
        return { status: 201, body: info }
      },
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/functions/:name',
        access: ADMIN,
        summary: 'Change a function as it is written on; what is left out stays, and what runs does too',
        params: ByName,
        body: FunctionChange,
        largestBody: LARGEST,
        answers: { 200: FunctionInfo },
      },
      async ({ params: { name }, body }) => {
        const { development, code } = await database.read(async tx => {
          const { development } = await known(tx, name)
          return { development, code: body.code ?? (await codeOf(tx, development)) }
        })
        const runtime = body.runtime ?? development.runtime
        // What one runtime takes another may not.
        if (
          body.code !== undefined ||
          (runtime !== development.runtime && isKin(runtime, development.runtime))
        )
          await trials.check(name, runtime, code)
        const info = await database.transaction(async tx => {
          await updateFunction(tx, name, body)
          return functionInfo(tx, name)
        })
        return { status: 200, body: info }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/functions/:name/publish',
        access: ADMIN,
        summary: 'From now on a function runs as it is written; of Lambda@Edge as another version',
        params: ByName,
        body: Type.Object({}),
        answers: { 200: ChangedFunction },
      },
      async ({ params: { name } }) => ({
        status: 200,
        body: await database.transaction(async tx => changedFunction(tx, await publishFunction(tx, name))),
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/functions/:name/test',
        access: ADMIN,
        summary: 'Run a function here, on an event that is given; nothing of it reaches a viewer',
        params: ByName,
        body: FunctionTest,
        answers: { 200: FunctionTested },
      },
      async ({ params: { name }, body }) => ({
        status: 200,
        body: await tryFunction({ database, trials }, name, body),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/functions/:name',
        access: ADMIN,
        summary: 'Delete a function, or one version of it; 409 while a behaviour names what would go',
        params: ByName,
        query: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
        answers: { 200: Changed },
      },
      async ({ params: { name }, query: { version } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeFunction(tx, name, version)) },
      }),
    ),
  ]
}
