import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { layout } from '../../src/app/data-folder.ts'
import { copyCommand } from '../../src/app/keeping/copy-media.ts'
import { restoreFile } from '../../src/app/keeping/kept-files.ts'
import { restoreBackup } from '../../src/app/keeping/restore-backup.ts'
import { writeBackup } from '../../src/app/keeping/write-backup.ts'
import { resolveConfiguration } from '../../src/app/configuration.ts'
import { BackupWriter, type MediaPlace } from '../../src/client/index.ts'
import { freshFolder } from './folder.ts'

const MEDIA: MediaPlace = { kind: 'filesystem', folder: '/srv/sluice/origin/storage' }
const MIGRATION = 1_795_446_000_000

async function* told(change: (text: string) => string = text => text): AsyncGenerator<Uint8Array> {
  const writer = new BackupWriter()
  const lines = [
    writer.head({ sluice: 'backup', format: 1, madeAt: 5, schema: 5, migration: MIGRATION, media: MEDIA }),
    writer.word({ table: 'meta' }),
    writer.row('{"id":1}'),
    writer.word({ object: 'assets/a/v1/index', size: 3 }),
    writer.word({ object: 'assets/a/v1/source.mp4', size: 4 }),
  ]
  yield await Promise.resolve(Buffer.from(change(lines.join('') + writer.end())))
}

function dataFolder(): string {
  const root = freshFolder()
  mkdirSync(join(root, 'keys'))
  mkdirSync(join(root, 'certificates'))
  mkdirSync(join(root, 'nodes'))
  const files = {
    'client.json': 'c',
    'keys/K1.pem': 'key',
    'certificates/ca.pem': 'ca',
    'nodes/edge.json': 'n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  writeFileSync(join(root, 'keys', '.new-17.pem'), 'of a start that was killed')
  return root
}

describe('a backup file', () => {
  it('is for this user alone, with what control told and the files that would be missed', async () => {
    const file = join(freshFolder(), 'b.gz')
    expect(await writeBackup({ told: told(), data: layout(dataFolder()), file })).toEqual({
      ...{ madeAt: 5, rows: 1, files: ['client.json', 'keys/K1.pem', 'certificates/ca.pem'] },
      media: { place: MEDIA, objects: 2, bytes: 7, unlisted: null },
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(gunzipSync(readFileSync(file)).toString()).toContain('{"file":"keys/K1.pem","base64":"a2V5"}')
  })

  it('is replaced when the new one is whole, and stays when that one is not', async () => {
    const folder = freshFolder()
    const file = join(folder, 'b.gz')
    await writeBackup({ told: told(), data: undefined, file })
    const was = readFileSync(file)
    const cut = writeBackup({ told: told(text => text.slice(0, -20)), data: undefined, file })
    await expect(cut).rejects.toMatchObject({ code: 'bad-backup' })
    expect(readFileSync(file)).toEqual(was)
    await writeBackup({ told: told(), data: layout(dataFolder()), file })
    expect(readFileSync(file).length).toBeGreaterThan(was.length)
    expect(readdirSync(folder)).toEqual(['b.gz'])
  })

  it('that cannot be written is a sentence', async () => {
    const file = join(freshFolder(), 'none', 'b.gz')
    await expect(writeBackup({ told: told(), data: undefined, file })).rejects.toThrow(
      `${file} was not written, its folder is not there: make it.`,
    )
  })
})

describe('a restore', () => {
  const restore = (file: string, data: string): Promise<unknown> => {
    const { configuration } = resolveConfiguration({ env: {}, cwd: '/', flags: { data } })
    return restoreBackup({ file, configuration, databaseUrl: undefined })
  }

  async function packed(change?: (text: string) => string): Promise<Buffer> {
    let text = ''
    for await (const chunk of told(change)) text += Buffer.from(chunk).toString()
    return gzipSync(text)
  }

  it.each([
    ['a file that is not packed', () => Buffer.from('hello'), 'bad-backup'],
    ['an empty file', () => Buffer.alloc(0), 'bad-backup'],
    ['a packed file of something else', () => gzipSync('hello\n'), 'bad-backup'],
    ['one that is cut', async () => (await packed()).subarray(0, -30), 'bad-backup'],
    ['one whose text is cut', () => packed(text => text.slice(0, -100)), 'bad-backup'],
    ['one that was changed', () => packed(text => text.replace('{"id":1}', '{"id":2}')), 'bad-backup'],
    ['one of a newer schema', () => packedWith({ migration: MIGRATION + 1e9 }), 'backup-newer'],
    ['one of a newer format', () => packedWith({ format: 2 }), 'backup-newer'],
    ['one with a file that no backup has', () => packedWith({}, 'nodes/edge.json'), 'bad-backup'],
    ['rows of no table', () => packedWith({}, undefined, '{"a":1}'), 'bad-backup'],
  ])('of %s changes nothing', async (_what, bytes, code) => {
    const folder = freshFolder()
    const file = join(folder, 'b.gz')
    writeFileSync(file, await bytes())
    await expect(restore(file, join(folder, 'data'))).rejects.toMatchObject({ code })
    expect(readdirSync(folder)).toEqual(['b.gz'])
  })

  function packedWith(head: object, name?: string, row?: string): Buffer {
    const writer = new BackupWriter()
    const usual = {
      sluice: 'backup',
      format: 1,
      madeAt: 5,
      schema: 5,
      migration: MIGRATION,
      media: MEDIA,
    } as const
    const lines = [writer.head({ ...usual, ...head })]
    if (name !== undefined) lines.push(writer.word({ file: name, base64: 'aGk=' }))
    if (row !== undefined) lines.push(writer.row(row))
    return gzipSync(lines.join('') + writer.end())
  }

  it('of a file that is not there says so', async () => {
    await expect(restore('/none/b.gz', freshFolder())).rejects.toMatchObject({
      code: 'no-backup',
      kind: 'not-found',
    })
  })

  it('writes files for this user alone, and over nothing', () => {
    const root = freshFolder()
    const data = layout(root)
    const file = (text: string): Parameters<typeof restoreFile>[1] => ({
      name: 'keys/K1.pem',
      bytes: Buffer.from(text),
    })
    expect(restoreFile(data, file('one'))).toBe('written')
    expect(statSync(join(root, 'keys', 'K1.pem')).mode & 0o777).toBe(0o600)
    expect(statSync(join(root, 'keys')).mode & 0o777).toBe(0o700)
    chmodSync(join(root, 'keys', 'K1.pem'), 0o400)
    expect(restoreFile(data, file('one'))).toBe('same')
    expect(restoreFile(data, file('two'))).toBe('other')
    expect(readFileSync(join(root, 'keys', 'K1.pem'), 'utf8')).toBe('one')
    expect(readdirSync(join(root, 'keys'))).toEqual(['K1.pem'])
    expect(() => restoreFile(data, { name: 'nodes/edge.json', bytes: Buffer.from('x') })).toThrow(
      'no backup has',
    )
  })
})

const BUCKET: MediaPlace = {
  ...{ kind: 's3', bucket: 'films', prefix: 'media/', endpoint: 'https://store.example:9000' },
  region: 'eu-central-1',
}

it.each([
  [MEDIA, undefined, 'rsync -a --exclude=/tmp/ /srv/sluice/origin/storage/ ELSEWHERE/'],
  [undefined, MEDIA, 'rsync -a --exclude=/tmp/ ELSEWHERE/ /srv/sluice/origin/storage/'],
  [
    { kind: 'filesystem', folder: "/my films/it's" } as const,
    undefined,
    "rsync -a --exclude=/tmp/ '/my films/it'\\''s/' ELSEWHERE/",
  ],
  [
    BUCKET,
    undefined,
    'aws s3 sync s3://films/media/ s3://ELSEWHERE/ --region eu-central-1 --endpoint-url https://store.example:9000',
  ],
  [
    undefined,
    { ...BUCKET, endpoint: null, prefix: '' },
    'aws s3 sync s3://ELSEWHERE/ s3://films/ --region eu-central-1',
  ],
])('media is copied from %j to %j by a command of one line', (from, to, command) => {
  expect(copyCommand(from, to)).toBe(command)
})
