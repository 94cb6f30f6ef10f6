import { describe, expect, it } from 'vitest'
import { BackupWriter, readBackup, type BackupHead, type BackupLine } from '../../src/client/index.ts'

const HEAD: BackupHead = {
  ...{ sluice: 'backup', format: 1, madeAt: 1, schema: 5, migration: 9 },
  media: { kind: 'filesystem', folder: '/x' },
}

function written(): string {
  const writer = new BackupWriter()
  const parts = [
    writer.head(HEAD),
    writer.word({ table: 'meta' }),
    writer.row('{"id":1,"text":"a \\n \u00e9 }"}'),
    writer.word({ object: 'assets/a', size: 3 }),
    writer.word({ file: 'keys/K1.pem', base64: 'aGk=' }),
  ]
  return parts.join('') + writer.end()
}

const WHOLE = Buffer.from(written())

/** In pieces of a few bytes, so that lines and characters are cut everywhere. */
async function* inPieces(bytes: Buffer, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function readAll(bytes: Buffer): Promise<{ head: BackupHead; lines: BackupLine[] }> {
  const { head, lines } = await readBackup(inPieces(bytes))
  const all: BackupLine[] = []
  for await (const line of lines) all.push(line)
  return { head, lines: all }
}

describe('a backup', () => {
  it('is read as it was written', async () => {
    expect(await readAll(WHOLE)).toEqual({
      head: HEAD,
      lines: [
        { kind: 'word', word: { table: 'meta' } },
        { kind: 'row', json: '{"id":1,"text":"a \\n \u00e9 }"}' },
        { kind: 'word', word: { object: 'assets/a', size: 3 } },
        { kind: 'word', word: { file: 'keys/K1.pem', base64: 'aGk=' } },
      ],
    })
  })

  it('is refused wherever it is cut', async () => {
    // The end of the last line alone may be missing: it says nothing.
    for (let length = 0; length < WHOLE.length - 1; length++)
      await expect(readAll(WHOLE.subarray(0, length)), `${length}`).rejects.toMatchObject({
        code: 'bad-backup',
      })
  })

  it('is refused whichever byte of it is another', async () => {
    for (let at = 0; at < WHOLE.length; at++) {
      const damaged = Buffer.from(WHOLE)
      damaged[at]! ^= 1
      await expect(readAll(damaged), `${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(bad-backup|backup-newer)$/) as unknown,
      })
    }
  })

  it.each([
    ['nothing', '', 'it is empty'],
    ['another text', 'hello\n', 'it is no backup of Sluice'],
    ['other JSON', '{"sluice":"snapshot"}\n', 'it is no backup of Sluice'],
    ['something behind the end', `${written()}x\n`, 'something follows its end'],
    [
      'a word that no backup has',
      written().replace('{"table":"meta"}', '{"tables":"meta"}'),
      'cannot be read',
    ],
    ['a file outside of the folder', written().replace('keys/K1.pem', '../../K1.pem'), 'cannot be read'],
  ])('is refused when it is %s', async (_what, text, why) => {
    await expect(readAll(Buffer.from(text))).rejects.toThrow(why)
  })

  it('of a newer format says so', async () => {
    const text = written().replace('"format":1', '"format":2')
    await expect(readAll(Buffer.from(text))).rejects.toMatchObject({ code: 'backup-newer' })
  })
})
