import { SluiceError, type FunctionId } from '../core/index.ts'
import type {
  ChangedFunction,
  FunctionChange,
  FunctionInfo,
  FunctionStageInfo,
  NewFunction,
} from '../client/index.ts'
import type { Distribution, FunctionRuntime } from '../distribution/index.ts'
import {
  deleteFunction,
  deleteVersion,
  findFunction,
  listDistributions,
  listFunctions,
  listStores,
  readMeta,
  saveBlob,
  saveStage,
  type FunctionStage,
  type StageName,
  type StoredFunction,
  type Tx,
} from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'
import { writtenProblems } from './written-function.ts'

export const MOST_FUNCTIONS = 1_000
/** Of one handler of Lambda@Edge; those that nothing names can be deleted. */
const MOST_VERSIONS = 100

export async function listFunctionInfos(tx: Tx): Promise<FunctionInfo[]> {
  return infosOf(tx, await listFunctions(tx))
}

export async function functionInfo(tx: Tx, name: string): Promise<FunctionInfo> {
  const [info] = await infosOf(tx, [await known(tx, name)])
  if (info) return info
  throw noFunction(name)
}

/** Throws `not-found`. */
export async function known(tx: Tx, name: string): Promise<StoredFunction> {
  const found = await findFunction(tx, name)
  if (found) return found
  throw noFunction(name)
}

export function noFunction(name: string): SluiceError {
  const message = `there is no function ${name}: sluice functions list names them`
  return new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

/** Throws `not-found` for a stage that there is not. */
export function stageOf(
  { name, development, live, versions }: StoredFunction,
  stage: StageName,
): FunctionStage {
  const found =
    stage === 'development'
      ? development
      : stage === 'live'
        ? live
        : versions.find(each => each.version === stage)?.stage
  if (found) return found
  const what = stage === 'live' ? 'was not published' : `has no version ${stage}`
  const message = `the function ${name} ${what}: sluice functions show ${name} lists what there is`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

/** Makes its development stage; nothing runs until it is published and a behaviour names it. */
export async function createFunction(
  tx: Tx,
  { name, runtime, ...written }: NewFunction,
): Promise<StoredFunction> {
  const all = await listFunctions(tx)
  if (all.length >= MOST_FUNCTIONS)
    throw conflict('too-many', `there are ${MOST_FUNCTIONS} functions already: delete one first`)
  if (all.some(each => each.name === name))
    throw conflict('exists', `there is a function "${name}" already: use another name, or update that one`)
  return write(tx, name, undefined, { runtime, ...written })
}

/** What is left out stays as it is. What runs is changed by publishing alone. */
export async function updateFunction(tx: Tx, name: string, change: FunctionChange): Promise<StoredFunction> {
  const { development } = await known(tx, name)
  const runtime = change.runtime ?? development.runtime
  if (!isKin(runtime, development.runtime))
    throw refusedInput('bad-function', [
      `the function "${name}" is written for ${development.runtime}, and behaviours name it as that: make another for ${runtime}`,
    ])
  return write(tx, name, development, { ...change, runtime })
}

/** CloudFront's own may move from one runtime to the other. */
export function isKin(one: FunctionRuntime, other: FunctionRuntime): boolean {
  return familyOf(one) === familyOf(other)
}

function familyOf(runtime: FunctionRuntime): string {
  return runtime.replace(/-\d+\.\d+$/, '')
}

async function write(
  tx: Tx,
  name: string,
  before: FunctionStage | undefined,
  { runtime, code, comment, store, hosts }: FunctionChange & { runtime: FunctionRuntime },
): Promise<StoredFunction> {
  const named = store === undefined ? (before?.store ?? null) : store
  const stores = await listStores(tx)
  const found = stores.find(({ id }) => id === named) ?? stores.find(each => each.name === named)
  const stage = {
    ...{ runtime, comment: comment ?? before?.comment ?? '', store: found?.id ?? null },
    hosts: [...new Set((hosts ?? before?.hosts ?? []).map(each => each.toLowerCase()))],
  }
  const problems = writtenProblems({ name, ...stage })
  if (named !== null && found === undefined)
    problems.push(`there is no key value store "${named}": sluice stores list names them`)
  if (problems.length > 0) throw refusedInput('bad-function', problems)
  const blob = code === undefined ? before?.code : await saveBlob(tx, Buffer.from(code))
  if (blob === undefined)
    throw refusedInput('bad-function', [`the function "${name}" has no code: give it some`])
  await saveStage(tx, name, 'development', {
    ...{ ...stage, code: blob, revision: (before?.revision ?? 0) + 1 },
    ...{ createdAt: before?.createdAt ?? tx.now, modifiedAt: tx.now },
  })
  return known(tx, name)
}

export interface Published {
  stored: StoredFunction
  /** Of Lambda@Edge. */
  version?: number
  snapshotVersion: number
}

/**
 * From now on what is written on is what runs: at once where behaviours name the function, and as another version of a
 * handler of Lambda@Edge. The same published again is no other version.
 */
export async function publishFunction(tx: Tx, name: string): Promise<Published> {
  const { development, live, versions, lastVersion } = await known(tx, name)
  if (development.runtime !== 'lambda-edge') {
    await saveStage(tx, name, 'live', {
      ...development,
      createdAt: live?.createdAt ?? tx.now,
      modifiedAt: tx.now,
    })
    return { stored: await known(tx, name), snapshotVersion: await tx.bump() }
  }
  const newest = versions.at(-1)
  if (newest?.stage.revision === development.revision) {
    const { version: snapshotVersion } = await readMeta(tx)
    return { stored: await known(tx, name), version: newest.version, snapshotVersion }
  }
  if (versions.length >= MOST_VERSIONS)
    throw conflict(
      'too-many',
      `${name} has ${MOST_VERSIONS} versions: delete one that no behaviour names, sluice functions delete ${name}:${versions[0]?.version}`,
    )
  const version = lastVersion + 1
  await saveStage(tx, name, version, { ...development, createdAt: tx.now, modifiedAt: tx.now })
  // No behaviour names it yet.
  return { stored: await known(tx, name), version, snapshotVersion: (await readMeta(tx)).version }
}

/** All of it, or one version; refused while a behaviour names what goes. */
export async function removeFunction(tx: Tx, name: string, version?: number): Promise<number> {
  const stored = await known(tx, name)
  const users = usersOf(name, await listDistributions(tx)).filter(
    each => version === undefined || each.function === `${name}:${version}`,
  )
  const [first] = users
  if (first !== undefined)
    throw conflict(
      'in-use',
      `${first.function} is run by the behaviour "${first.pattern}" of ${first.distribution}${users.length > 1 ? ` and ${users.length - 1} more` : ''}: take it out there first`,
    )
  if (version === undefined) await deleteFunction(tx, name)
  else {
    stageOf(stored, version)
    await deleteVersion(tx, name, version)
  }
  return (await readMeta(tx)).version
}

export function usersOf(name: string, distributions: readonly Distribution[]): FunctionInfo['usedBy'] {
  return distributions.flatMap(({ id, behaviours }) =>
    behaviours.flatMap(({ pattern, functions = [] }) =>
      functions
        .filter(use => nameOf(use.function) === name)
        .map(use => ({ distribution: id, pattern, event: use.event, function: use.function })),
    ),
  )
}

function nameOf(id: FunctionId): string {
  return id.split(':')[0] ?? id
}

export async function changedFunction(
  tx: Tx,
  { stored, version, snapshotVersion }: Published,
): Promise<ChangedFunction> {
  const info = await functionInfo(tx, stored.name)
  return { function: info, ...(version !== undefined && { version }), snapshotVersion }
}

async function infosOf(tx: Tx, all: readonly StoredFunction[]): Promise<FunctionInfo[]> {
  const names = new Map((await listStores(tx)).map(({ id, name }) => [id, name]))
  const distributions = await listDistributions(tx)
  const shown = ({ runtime, comment, store, hosts, code, modifiedAt }: FunctionStage): FunctionStageInfo => ({
    ...{ runtime, comment, hosts, sha256: code.sha256, bytes: code.bytes },
    store: store === null ? null : (names.get(store) ?? null),
    modifiedAt: new Date(modifiedAt).toISOString(),
  })
  return all.map(({ name, development, live, versions }) => ({
    name,
    development: shown(development),
    live: live ? shown(live) : null,
    versions: versions.map(({ version, stage }) => ({ version, ...shown(stage) })),
    changed: (live ?? versions.at(-1)?.stage)?.revision !== development.revision,
    usedBy: usersOf(name, distributions),
  }))
}
