import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf, messageOf, SluiceError, type RoleName } from '../core/index.ts'

/** Where everything lies inside the data folder. */
export interface DataFolder {
  /** Absolute, symbolic links resolved. */
  root: string
  clientFile: string
  firstRunFile: string
  control: string
  originStorage: string
  originWork: string
  originState: string
  edgeState: string
  edgeCache: string
  regionalState: string
  regionalCache: string
  gatewayState: string
  routerState: string
  nodes: string
  keys: string
  certificates: string
  logs: string
}

/** Everything that Sluice makes directly in its data folder; `reset` deletes these and nothing else. */
const MADE = [
  'client.json',
  'first-run.json',
  'control',
  'origin',
  'regional',
  'edge',
  'gateway',
  'router',
  'nodes',
  'keys',
  'certificates',
  'logs',
]

export function layout(root: string): DataFolder {
  return {
    root,
    clientFile: join(root, 'client.json'),
    firstRunFile: join(root, 'first-run.json'),
    control: join(root, 'control'),
    originStorage: join(root, 'origin', 'storage'),
    originWork: join(root, 'origin', 'work'),
    originState: join(root, 'origin', 'state'),
    edgeState: join(root, 'edge'),
    edgeCache: join(root, 'edge', 'cache'),
    regionalState: join(root, 'regional'),
    regionalCache: join(root, 'regional', 'cache'),
    gatewayState: join(root, 'gateway'),
    routerState: join(root, 'router'),
    nodes: join(root, 'nodes'),
    keys: join(root, 'keys'),
    certificates: join(root, 'certificates'),
    logs: join(root, 'logs'),
  }
}

/** Where a node keeps its identity. */
export function identityFile(data: DataFolder, role: RoleName): string {
  return join(data.nodes, `${role}.json`)
}

/** Where a node that other machines know keeps its place among them. */
export function membershipFile(data: DataFolder, role: RoleName): string {
  return join(data.nodes, `${role}.membership.json`)
}

/** What tells this data folder from all others, wherever it lies; made when it is first asked for. */
export function nameOf(data: DataFolder): string {
  const file = join(data.nodes, 'keeper')
  try {
    const name = readFileSync(file, 'utf8').trim()
    if (/^[0-9a-f]{16}$/.test(name)) return name
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  const name = randomBytes(8).toString('hex')
  writeFileSync(`${file}.new`, `${name}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return name
}

/** Makes the data folder and those inside it, for this user alone; one sentence when that cannot be. */
export function openDataFolder(path: string): DataFolder {
  try {
    makeFolder(path)
    const data = layout(realpathSync(path))
    for (const folder of foldersOf(data)) makeFolder(folder)
    accessSync(data.root, constants.R_OK | constants.W_OK | constants.X_OK)
    return data
  } catch (error) {
    throw notWritable(path, error)
  }
}

/** Node's own recursion never ends where a parent is there and takes no folder, such as /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** The data folder if it is there already; nothing is made. */
export function findDataFolder(path: string): DataFolder | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? layout(realpathSync(path)) : undefined
}

/** What `reset` will delete: the things that Sluice made and that are there. */
export function madeBySluice(data: DataFolder): string[] {
  return MADE.map(name => join(data.root, name)).filter(path => existsSync(path))
}

/** Deletes what Sluice made, and the folder itself when nothing else is in it. */
export function emptyDataFolder(data: DataFolder): void {
  for (const path of madeBySluice(data)) rmSync(path, { recursive: true, force: true })
  try {
    rmdirSync(data.root)
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EBUSY') throw error
  }
}

function foldersOf(data: DataFolder): string[] {
  const { control, originStorage, originWork, originState, edgeState, edgeCache, gatewayState } = data
  const { regionalState, regionalCache, routerState } = data
  const { nodes, keys, certificates, logs } = data
  return [
    ...[control, originStorage, originWork, originState, edgeState, edgeCache, gatewayState],
    ...[regionalState, regionalCache, routerState],
    ...[nodes, keys, certificates, logs],
  ]
}

function notWritable(path: string, cause: unknown): SluiceError {
  const why = {
    EACCES: 'is not writable by this user: mend its rights',
    EPERM: 'is not writable by this user: mend its rights',
    EROFS: 'lies on a read-only file system: mount it writable',
    ENOTDIR: 'or a folder above it is a file: move that away',
    ENOENT: 'cannot be made, the folder above it takes none: mend that',
    EEXIST: 'is a file: move it away',
    ENOSPC: 'cannot be made, the disk is full: make room',
  }[codeOf(cause) ?? '']
  const what = why ?? `cannot be used (${codeOf(cause) ?? messageOf(cause)}): mend that`
  return new SluiceError('data-folder', `The data folder ${path} ${what}, or choose another with --data.`, {
    side: 'operator',
    cause,
  })
}
