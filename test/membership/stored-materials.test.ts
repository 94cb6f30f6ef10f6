import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FunctionId } from '../../src/core/index.ts'
import type { EdgeFunction } from '../../src/distribution/index.ts'
import { blobFile, storedMaterials } from '../../src/membership/index.ts'

const CODE = 'function handler(event) { return event.request }'
const sha256 = createHash('sha256').update(CODE).digest('hex')
const functions: EdgeFunction[] = ['a', 'b'].map(id => ({
  ...{ id: id as FunctionId, runtime: 'cloudfront-js-2.0' }, // a test's own
  code: { sha256, bytes: CODE.length },
}))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-materials-'))
  await mkdir(path.dirname(blobFile(folder, sha256)))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a snapshot’s blobs are read from the disk, each once', async () => {
  await writeFile(blobFile(folder, sha256), CODE)
  const materials = await storedMaterials(folder, { functions })
  expect([...materials].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
    [sha256, CODE],
  ])
  expect([...(await storedMaterials(folder, {}))]).toEqual([])
})

test('what is not there, or is another, is never handed over', async () => {
  await expect(storedMaterials(folder, { functions })).rejects.toMatchObject({ code: 'blob-missing' })
  await writeFile(blobFile(folder, sha256), `${CODE} `)
  await expect(storedMaterials(folder, { functions })).rejects.toMatchObject({ code: 'blob-missing' })
})
