import { readMovie, type ByteSource, type Movie } from '../cmaf/index.ts'
import { judgeMovie, type Chosen, type Fault } from './conforming.ts'
import { ffprobe, type ProbedFile } from './ffprobe.ts'
import type { Tools } from './tools.ts'

export type Probed =
  /** Served as it is. */
  | { kind: 'conforming'; movie: Movie; chosen: Chosen }
  /** ffmpeg can read it; `faults` is what our own reader has against it. */
  | { kind: 'convertible'; file: ProbedFile; faults: Fault[] }
  | { kind: 'refused'; code: string; why: string }

export interface ProbeOptions {
  source: ByteSource
  /** A local path of the same bytes; asked for only when our own reader is not enough. */
  localPath(): Promise<string>
  /** Throws SluiceError `ffmpeg-missing`; asked for only when needed. */
  tools(): Promise<Tools>
  signal?: AbortSignal
  records?: string | undefined
}

/** What a file is. Our own reader comes first, so a conforming file needs no ffmpeg at all. */
export async function probe(options: ProbeOptions): Promise<Probed> {
  const { source } = options
  if (source.size === 0)
    return refused('empty', 'the file is empty: nothing arrived, or it was never written')
  const judged = await judge(source)
  if (judged.kind !== 'faults') return judged
  const tools = await options.tools()
  const answer = await ffprobe(tools, await options.localPath(), options)
  if (answer.kind === 'probed') return { kind: 'convertible', file: answer.file, faults: judged.faults }
  return refused('not-media', `the file is not a film or sound that can be read (${answer.said})`)
}

type Judged = Exclude<Probed, { kind: 'convertible' }> | { kind: 'faults'; faults: Fault[] }

async function judge(source: ByteSource): Promise<Judged> {
  const read = await readMovie(source)
  if (read.kind === 'movie') {
    const verdict = judgeMovie(read.movie)
    if (verdict.kind === 'not') return { kind: 'faults', faults: verdict.faults }
    return { kind: 'conforming', movie: read.movie, chosen: verdict.chosen }
  }
  switch (read.reason) {
    case 'empty':
    case 'truncated':
      return refused('cut-short', sentence('the file is cut short, export or copy it again', read.why))
    case 'encrypted':
      return refused('encrypted', sentence('the file is encrypted, publish it without encryption', read.why))
    case 'external-data':
      return refused(
        'external-data',
        sentence('the media lies in other files, export it as one self-contained file', read.why),
      )
    case 'not-mp4':
      return { kind: 'faults', faults: [] }
    case 'several-sample-entries':
      return { kind: 'faults', faults: [{ about: 'timing', why: read.why }] }
    case 'malformed':
    case 'fragmented':
    case 'compressed-header':
    case 'no-tracks':
    case 'too-large':
      return { kind: 'faults', faults: [{ about: 'container', why: read.why }] }
  }
}

function refused(code: string, why: string): { kind: 'refused'; code: string; why: string } {
  return { kind: 'refused', code, why }
}

function sentence(says: string, detail: string): string {
  return `${says} (${detail.replace(/\.$/, '')})`
}
