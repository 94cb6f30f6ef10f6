/** Why a file cannot be cut into segments as it stands. Each comes with a sentence for the one who published it. */
export type MovieRefusal =
  | 'empty'
  /** Not the ISO base media or QuickTime format at all. */
  | 'not-mp4'
  /** The header is missing or samples lie past the end. */
  | 'truncated'
  /** Boxes or tables contradict themselves or each other. */
  | 'malformed'
  | 'fragmented'
  | 'encrypted'
  /** The samples lie in another file. */
  | 'external-data'
  /** The coding changes within a track. */
  | 'several-sample-entries'
  /** QuickTime's compressed moov. */
  | 'compressed-header'
  /** No track with picture or sound. */
  | 'no-tracks'
  /** Beyond a limit that keeps time and memory bounded. */
  | 'too-large'

/** Carries a refusal from the depth of the reader to `readMovie`, which turns it into a result; leaves this room never. */
export class Refused extends Error {
  readonly reason: MovieRefusal

  constructor(reason: MovieRefusal, why: string) {
    super(why)
    this.name = 'Refused'
    this.reason = reason
  }
}

export function refuse(reason: MovieRefusal, why: string): never {
  throw new Refused(reason, why)
}
