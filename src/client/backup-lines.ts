import { createHash, type Hash } from 'node:crypto'
import { MiB, reader, SluiceError, type Bytes } from '../core/index.ts'
import { BACKUP_FORMAT, BackupHead, BackupWord, type BackupLine } from './backup-shapes.ts'

/** No row of ours comes near it. */
const LONGEST: Bytes = 64 * MiB
const NEWLINE = 10
const ROW = '{"row":'

/** Makes the lines of a backup, and in the end the one that seals them. */
export class BackupWriter {
  readonly #sum: Hash = createHash('sha256')

  head(head: BackupHead): string {
    return this.#line(JSON.stringify(head))
  }

  /** `json` is one line. */
  row(json: string): string {
    return this.#line(`${ROW}${json}}`)
  }

  word(word: BackupWord): string {
    return this.#line(JSON.stringify(word))
  }

  end(): string {
    return `${JSON.stringify({ end: { sha256: this.#sum.digest('hex') } })}\n`
  }

  #line(text: string): string {
    const line = `${text}\n`
    this.#sum.update(line)
    return line
  }
}

export interface ReadBackup {
  head: BackupHead
  /**
   * All but the first line and the last. It throws `bad-backup` where the file is damaged or cut, at the end at the
   * latest: who acts on what it gives reads the whole of it once before.
   */
  lines: AsyncGenerator<BackupLine, void>
}

const readHead = reader(BackupHead, 'the head')
const readWord = reader(BackupWord, 'a line')

/** Reads the bytes of a backup. Throws `bad-backup` when they do not begin one. */
export async function readBackup(bytes: AsyncIterable<Uint8Array>): Promise<ReadBackup> {
  const lines = splitLines(bytes)
  try {
    const first = await next(lines)
    if (first === undefined) throw badBackup('it is empty')
    return { head: headOf(first), lines: restOf(lines, first) }
  } catch (error) {
    await lines.return(undefined)
    throw error
  }
}

function headOf(line: Buffer): BackupHead {
  let head: BackupHead
  try {
    head = readHead(JSON.parse(line.toString()))
  } catch {
    throw badBackup('it is no backup of Sluice')
  }
  if (head.format === BACKUP_FORMAT) return head
  throw new SluiceError(
    'backup-newer',
    `the backup was made by a newer Sluice (format ${head.format}, this one reads ${BACKUP_FORMAT}): upgrade Sluice first`,
    { side: 'operator' },
  )
}

async function* restOf(lines: AsyncGenerator<Buffer>, first: Buffer): AsyncGenerator<BackupLine, void> {
  const sum = createHash('sha256').update(first).update('\n')
  try {
    for (;;) {
      const line = await next(lines)
      if (line === undefined) throw badBackup('it is cut off')
      const read = readLine(line)
      if (read.kind === 'word' && 'end' in read.word) {
        if (read.word.end.sha256 !== sum.digest('hex')) throw badBackup('its checksum is another')
        if ((await next(lines)) !== undefined) throw badBackup('something follows its end')
        return
      }
      sum.update(line).update('\n')
      yield read
    }
  } finally {
    await lines.return(undefined)
  }
}

function readLine(line: Buffer): BackupLine {
  const text = line.toString()
  if (text.startsWith(ROW)) return { kind: 'row', json: text.slice(ROW.length, -1) }
  try {
    return { kind: 'word', word: readWord(JSON.parse(text)) }
  } catch {
    throw badBackup('a line of it cannot be read')
  }
}

async function next(lines: AsyncGenerator<Buffer>): Promise<Buffer | undefined> {
  try {
    const read = await lines.next()
    return read.done === true ? undefined : read.value
  } catch (error) {
    if (error instanceof SluiceError) throw error
    // What unpacks it says so of a file that is cut, damaged or something else.
    throw badBackup('it is damaged, cut off or no backup of Sluice', error)
  }
}

/** Without their ends; a last one without an end is one as well. */
async function* splitLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    let start = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, at)])
      parts = []
      length = 0
      start = at + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > LONGEST) throw badBackup('a line of it has no end')
  }
  if (length > 0) yield Buffer.concat(parts)
}

export function badBackup(why: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'bad-backup',
    `the backup cannot be used, ${why}: nothing was changed, take another`,
    { side: 'operator', ...(cause === undefined ? {} : { cause }) },
  )
}
