import path from 'node:path'
import { importsOf, type Import } from './imports.ts'
import { sources, type Tree } from './tree.ts'

/** The rooms by floor; a room imports only from lower floors. */
export const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['hls', 'cmaf', 'http', 'signing', 'distribution', 'restxml', 'usage', 'logs'],
  ['storage', 'telemetry', 'client', 'outbound', 'inbound', 'http1', 'http2'],
  ['cache', 'packager', 'ingest', 'membership', 'functions', 'fields', 'routing'],
  ['delivery', 'gateway', 'origin', 'control', 'router'],
  ['app'],
  ['cli'],
]

/** The browser app stands beside the house: it sees the client, and of the customer's words the types. */
const SIDE_ROOM = 'console'
const SIDE_ROOM_SEES: Readonly<Record<string, 'all' | 'types'>> = { client: 'all', distribution: 'types' }

/** Floors 0 and 1 do no input or output: cryptography and the handling of bytes and addresses are all they take from Node. */
const HIGHEST_PURE_FLOOR = 1
const PURE_MODULES = new Set(['node:crypto', 'node:buffer', 'node:util', 'node:net', 'node:url', 'node:zlib'])

const floorOf = (room: string): number => FLOORS.findIndex(rooms => rooms.includes(room))

/** `src/<room>/…` → room; undefined for anything else. */
export function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1]
}

/** Every import that goes up, sideways or past a room's door, and every file that is in no room. */
export function floorViolations(tree: Tree): string[] {
  return sources(tree).flatMap(([file, text]) => {
    const room = roomOf(file)
    if (room === undefined) return [`${file}: stands in no room`]
    if (room !== SIDE_ROOM && floorOf(room) < 0) return [`${file}: ${room} is no room of the house`]
    return importsOf(file, text).flatMap(found => {
      const wrong = found.specifier.startsWith('.')
        ? betweenRooms(file, room, found, tree)
        : ofNode(room, found)
      return wrong === undefined ? [] : [`${file}:${found.line}: ${wrong}`]
    })
  })
}

function betweenRooms(file: string, room: string, found: Import, tree: Tree): string | undefined {
  const target = path.posix.join(path.posix.dirname(file), found.specifier)
  const other = roomOf(target)
  if (!target.startsWith('src/')) return `${found.specifier} leaves src`
  if (other === undefined) return `${found.specifier} is in no room`
  if (!tree.has(target)) return `${found.specifier} does not exist (imports end in .ts)`
  if (other === room) return undefined
  if (target !== `src/${other}/index.ts`) return `${target} is private: import ${other} through its index.ts`
  if (room === SIDE_ROOM) return fromSideRoom(other, found)
  if (other === SIDE_ROOM) return `nothing imports ${SIDE_ROOM}`
  if (floorOf(other) === floorOf(room)) return `${room} imports ${other} sideways`
  if (floorOf(other) > floorOf(room)) return `${room} imports ${other}, which is above it`
  return undefined
}

function fromSideRoom(other: string, found: Import): string | undefined {
  const sees = SIDE_ROOM_SEES[other]
  if (sees === 'all' || (sees === 'types' && found.kind === 'type')) return undefined
  return `${SIDE_ROOM} imports ${other}${sees === 'types' ? ', of which it may see only types' : ''}`
}

function ofNode(room: string, { specifier }: Import): string | undefined {
  if (
    room === SIDE_ROOM ||
    floorOf(room) > HIGHEST_PURE_FLOOR ||
    !specifier.startsWith('node:') ||
    PURE_MODULES.has(specifier)
  )
    return undefined
  return `${room} is pure and imports ${specifier}`
}
