import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { reader, Type } from '../../core/index.ts'

const readList = reader(
  Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.Union([Type.Literal('folder'), Type.Literal('file')]),
      size: Type.Integer({ minimum: 0 }),
    }),
  ),
  'the list of the empty database',
)

/** An empty database has 40 MB; what unpacks to more is none. */
const MOST_BYTES = 256 * 1024 * 1024

/** Where the build has put an empty database of the version of PGlite that is installed; it need not be there. */
export function packedDatabase(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string } // npm's own file
  return fileURLToPath(new URL(`./empty-database-${version}.gz`, import.meta.url))
}

/**
 * Unpacks an empty database into a folder that is not there yet: a twentieth of the work, and of the memory, of making
 * one. `none` when there is nothing to unpack, or nothing that is whole; throws when it cannot write.
 */
export async function unpackDatabase(packed: string, folder: string): Promise<'unpacked' | 'none'> {
  const contents = await readPacked(packed)
  if (!contents) return 'none'
  await mkdir(folder, { mode: 0o700 })
  for (const { name, bytes } of contents) {
    if (bytes === undefined) await mkdir(join(folder, name), { mode: 0o700 })
    else await writeFile(join(folder, name), bytes, { mode: 0o600 })
  }
  return 'unpacked'
}

interface Entry {
  /** Relative to the database's folder, after the folder that it is in. */
  name: string
  /** Undefined for a folder. */
  bytes: Buffer | undefined
}

async function readPacked(packed: string): Promise<Entry[] | undefined> {
  try {
    const all = await promisify(gunzip)(await readFile(packed), { maxOutputLength: MOST_BYTES })
    let at = all.indexOf('\n') + 1
    const list = readList(JSON.parse(all.toString('utf8', 0, at)))
    const contents = list.map(({ name, kind, size }): Entry => {
      const bytes = kind === 'file' ? all.subarray(at, at + size) : undefined
      at += size
      return { name, bytes }
    })
    return at === all.length ? contents : undefined
  } catch {
    return undefined
  }
}
