import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPglite } from '../../src/control/database/pglite.ts'

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const MANIFEST = readFileSync(join(MODULES, '@electric-sql/pglite/package.json'), 'utf8')
const { version } = JSON.parse(MANIFEST) as { version: string } // npm's own file
const CACHE = join(MODULES, '.cache/sluice-test', `empty-database-${version}`)

/**
 * Puts an empty database into a data folder. Making one takes five seconds of a core, so it is made once and copied;
 * that it is made is tested by itself.
 */
export async function copyEmptyDatabase(dataDir: string): Promise<void> {
  if (!existsSync(CACHE)) await makeCache()
  await mkdir(dataDir, { recursive: true })
  await cp(CACHE, join(dataDir, 'db'), { recursive: true })
}

async function makeCache(): Promise<void> {
  await mkdir(dirname(CACHE), { recursive: true })
  const making = await mkdtemp(join(dirname(CACHE), 'making-'))
  await (await openPglite(making)).close()
  // Another test file may have been faster; its cache is as good.
  await rename(join(making, 'db'), CACHE).catch(() => {})
  await rm(making, { recursive: true, force: true })
}
