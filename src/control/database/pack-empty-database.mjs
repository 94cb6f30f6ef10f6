// Part of the build: makes an empty database and packs it into the file that its only argument names, for
// empty-database.ts to unpack on a first start. Nothing but what PGlite itself puts there: no tables, ids or keys.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'

/** Folders before what is in them; an empty folder is as needed as a file. */
function entriesUnder(folder, prefix = '') {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap(entry => {
    const name = `${prefix}${entry.name}`
    if (entry.isDirectory()) return [{ name, kind: 'folder' }, ...entriesUnder(folder, `${name}/`)]
    return [{ name, kind: 'file', bytes: readFileSync(join(folder, name)) }]
  })
}

/** A line of JSON that lists what is there, then the contents of the files one after the other. */
function pack(entries) {
  const list = entries.map(({ name, kind, bytes }) => ({ name, kind, size: bytes?.length ?? 0 }))
  const files = entries.flatMap(({ bytes }) => bytes ?? [])
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(list)}\n`), ...files]))
}

const [target] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'sluice-empty-database-'))
try {
  await (await PGlite.create(join(folder, 'db'))).close()
  writeFileSync(`${target}.new`, pack(entriesUnder(join(folder, 'db'))))
  renameSync(`${target}.new`, target)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
