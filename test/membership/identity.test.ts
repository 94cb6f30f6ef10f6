import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateIdentity } from '../../src/membership/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('an identity', () => {
  it('is made once, for its owner’s eyes only, and kept', async () => {
    const file = join(folder, 'nodes', 'edge.json')
    const made = await loadOrCreateIdentity(file, 'edge')
    expect(made).toEqual({
      id: expect.stringMatching(/^edge-[a-z0-9]{8}$/) as string,
      role: 'edge',
      privateJwk: { kty: 'OKP', crv: 'Ed25519', x: made.publicJwk.x, d: expect.any(String) as string },
      publicJwk: { kty: 'OKP', crv: 'Ed25519', x: expect.any(String) as string },
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(made)
    expect(await loadOrCreateIdentity(file, 'edge')).toEqual(made)
  })

  it('of another role is refused', async () => {
    const file = join(folder, 'edge.json')
    await loadOrCreateIdentity(file, 'edge')
    await expect(loadOrCreateIdentity(file, 'origin')).rejects.toMatchObject({ code: 'wrong-identity' })
  })

  it.each(['', '{', '{"id":"edge-1"}', '[]'])('that reads %j is refused, and not replaced', async text => {
    const file = join(folder, 'edge.json')
    await writeFile(file, text)
    await expect(loadOrCreateIdentity(file, 'edge')).rejects.toMatchObject({
      code: 'bad-identity',
      message: `${file} is not a node's identity: remove it, and the node gets a new one at its next start`,
    })
    expect(await readFile(file, 'utf8')).toBe(text)
  })
})
