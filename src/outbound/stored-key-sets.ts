import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reader, Type, type IssuerId, type Static } from '../core/index.ts'
import { PublicJwk } from '../distribution/index.ts'

/** The last good set of one issuer, and where it came from. */
const StoredKeySet = Type.Object({
  issuer: Type.Unsafe<IssuerId>(Type.String()),
  url: Type.String(),
  keys: Type.Array(PublicJwk, { maxItems: 100 }),
})
export type StoredKeySet = Static<typeof StoredKeySet>

const readStored = reader(Type.Object({ sets: Type.Array(StoredKeySet) }), 'the stored key sets')

function fileIn(stateDir: string): string {
  return join(stateDir, 'issuer-keys.json')
}

/** The sets of the last run. Rejects with `ENOENT` on a first start, with a sentence for a file that is none. */
export async function loadKeySets(stateDir: string): Promise<StoredKeySet[]> {
  return readStored(JSON.parse(await readFile(fileIn(stateDir), 'utf8'))).sets
}

/** Replaces the file at once. The keys are public; 0600 since whoever could write it would sign for an issuer. */
export async function saveKeySets(stateDir: string, sets: readonly StoredKeySet[]): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const temporary = `${fileIn(stateDir)}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeFile(temporary, JSON.stringify({ sets }), { flag: 'wx', mode: 0o600, flush: true })
    await rename(temporary, fileIn(stateDir))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
