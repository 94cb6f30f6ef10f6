import { builtinModules } from 'node:module'
import { importsOf } from './imports.ts'
import { roomOf } from './floors.ts'
import { sources, textOf, type Tree } from './tree.ts'

/** Where a package's door may stand. Every other package: in one file, wherever that is. */
export type Door =
  | { kind: 'file'; at: string }
  | { kind: 'folder'; under: string }
  | { kind: 'one-per-room'; rooms: readonly string[] }
  /** For its types alone, so that it is there for building and not at run time. */
  | { kind: 'types'; at: string }

/** Each role may own a server; the supervisor has the admin port. */
const SERVERS: Door = {
  kind: 'one-per-room',
  rooms: ['delivery', 'gateway', 'origin', 'control', 'router', 'app'],
}
const DATABASE: Door = { kind: 'folder', under: 'src/control/database/' }
const file = (at: string): Door => ({ kind: 'file', at })

export const DOORS: Readonly<Record<string, Door>> = {
  '@aws-sdk/client-cloudfront': { kind: 'types', at: 'src/control/cloudfront/shapes.ts' },
  '@aws-sdk/client-s3': { kind: 'folder', under: 'src/storage/s3/' },
  '@electric-sql/pglite': DATABASE,
  'drizzle-orm': DATABASE,
  pg: DATABASE,
  'pg-boss': DATABASE,
  fastify: SERVERS,
  '@fastify/type-provider-typebox': SERVERS,
  '@fastify/swagger': SERVERS,
  typebox: file('src/core/schema.ts'),
  'lru-cache': file('src/core/lru.ts'),
  jose: file('src/signing/jwt.ts'),
  'fast-xml-parser': file('src/restxml/xml.ts'),
  'hls-parser': file('src/hls/'),
  'fluent-ffmpeg': file('src/packager/'),
  'node-media-server': file('src/ingest/'),
  undici: file('src/delivery/'),
  'quickjs-emscripten': file('src/functions/'),
  '@aws-crypto/client-node': file('src/fields/'),
  'dns-packet': file('src/routing/'),
  'mmdb-lib': file('src/inbound/country-database.ts'),
  pino: file('src/telemetry/'),
  'prom-client': file('src/telemetry/'),
  commander: file('src/cli/'),
}

interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** `@scope/name/deep/file` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** package → the files of src that name it. */
export function packagesUsed(tree: Tree): Map<string, string[]> {
  const used = new Map<string, string[]>()
  for (const [file, text] of sources(tree)) {
    for (const { specifier } of importsOf(file, text)) {
      const builtin = specifier.startsWith('node:')
      if (specifier.startsWith('.') || builtin) continue
      const name = packageOf(specifier)
      used.set(name, [...new Set([...(used.get(name) ?? []), file])])
    }
  }
  return used
}

/** Every package with a second door, a door in the wrong place, undeclared, unused, or a Node module without `node:`. */
export function doorViolations(tree: Tree, doors: Readonly<Record<string, Door>> = DOORS): string[] {
  const manifest = JSON.parse(textOf(tree, 'package.json')) as Manifest // the shape that npm gives it
  const declared = new Set(Object.keys(manifest.dependencies ?? {}))
  const building = new Set(Object.keys(manifest.devDependencies ?? {}))
  const used = packagesUsed(tree)
  const wrong = [...used].flatMap(([name, files]) => {
    const door = doors[name]
    if (door?.kind === 'types')
      return building.has(name)
        ? forTypes(tree, name, files, door.at)
        : [`package.json: ${name} belongs to devDependencies`]
    if (builtinModules.includes(name)) return [`${files.join(', ')}: write node:${name}`]
    if (!declared.has(name))
      return [`${files.join(', ')}: ${name} is not among the dependencies of package.json`]
    return atDoor(name, files, door)
  })
  const unused = [...declared]
    .filter(name => !used.has(name))
    .map(name => `package.json: nothing in src uses ${name}`)
  return [...wrong, ...unused]
}

function forTypes(tree: Tree, name: string, files: string[], at: string): string[] {
  const more = files.filter(f =>
    importsOf(f, textOf(tree, f)).some(
      ({ specifier, kind }) => packageOf(specifier) === name && kind !== 'type',
    ),
  )
  return [
    ...files.filter(f => f !== at).map(f => `${f}: the door to ${name} is ${at}`),
    ...more.map(f => `${f}: ${name} is there for its types alone`),
  ]
}

function atDoor(name: string, files: string[], door: Exclude<Door, { kind: 'types' }> | undefined): string[] {
  if (door?.kind === 'folder') {
    return files.filter(f => !f.startsWith(door.under)).map(f => `${f}: ${name} belongs under ${door.under}`)
  }
  if (door?.kind === 'one-per-room') {
    const outside = files.filter(f => !door.rooms.includes(roomOf(f) ?? ''))
    const second = files.filter(f => files.some(other => other < f && roomOf(other) === roomOf(f)))
    return [
      ...outside.map(f => `${f}: ${name} belongs to ${door.rooms.join(', ')}`),
      ...second.map(f => `${f}: a second door to ${name} in this room`),
    ]
  }
  const misplaced = door === undefined ? [] : files.filter(f => !f.startsWith(door.at))
  return [
    ...misplaced.map(f => `${f}: the door to ${name} is ${door?.at}`),
    ...(files.length > 1 ? [`${name} has several doors: ${files.join(', ')}`] : []),
  ]
}
