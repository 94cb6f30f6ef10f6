import type { Instant, Milliseconds, Reason } from '../core/index.ts'

/**
 * What an edge writes down of a request: one line of JSON, under these names. The second half is there only where a
 * distribution has logs of its own. Nothing in it lets anybody in.
 */
export interface RequestFacts {
  /** When it came; ISO 8601 in the line. */
  time: Instant
  id: string
  distribution?: string | undefined
  address?: string | undefined
  scheme?: string | undefined
  /** As the viewer named it, without its port. */
  host?: string | undefined
  method: string
  path?: string | undefined
  /** 0 where the viewer was gone before there was one. */
  status: number
  /** Of the body. */
  bytes: number
  ms: Milliseconds
  result: string
  reason?: Reason | undefined
  form?: string | undefined
  encryptedFields?: number | undefined
  /** Whether all of the answer was handed on. */
  complete: boolean
  protocol: string

  /** Which of the viewer's connections. */
  port?: number | undefined
  tls?: string | undefined
  cipher?: string | undefined
  agent?: string | undefined
  referer?: string | undefined
  cookie?: string | undefined
  forwardedFor?: string | undefined
  accept?: string | undefined
  acceptEncoding?: string | undefined
  /** Names of the request's fields as they came, with a comma between them. */
  names?: string | undefined
  country?: string | undefined
  /** Fields `CMCD-Object`, `-Request`, `-Session` and `-Status`, by the last word of their names in lower case. */
  cmcd?: Partial<Record<CmcdField, string>> | undefined
  /** Of the request: its head and its body. */
  requestBytes?: number | undefined
  /** Without its question mark, and without what signs. */
  query?: string | undefined
  firstByteMs?: Milliseconds | undefined
  type?: string | undefined
  length?: string | undefined
  /** `first-last` of a part that was sent. */
  range?: string | undefined
  /** Of the behaviour. */
  pattern?: string | undefined
  originFirstMs?: Milliseconds | undefined
  originLastMs?: Milliseconds | undefined
  /** Whoever broke an answer off that is not complete; the viewer where it is left out. */
  brokenBy?: 'origin' | undefined
}

export const CMCD_FIELDS = ['object', 'request', 'session', 'status'] as const
export type CmcdField = (typeof CMCD_FIELDS)[number]

/** Reads a line that an edge has written. Undefined for one that is none: of a disk that was full there may be half of one. */
export function readFacts(line: string): RequestFacts | undefined {
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof read !== 'object' || read === null) return undefined
  const fields = read as Record<string, unknown> // every object is one of unknown values
  const time = typeof fields['time'] === 'string' ? Date.parse(fields['time']) : NaN
  if (Number.isNaN(time) || !REQUIRED.every(([name, type]) => typeof fields[name] === type)) return undefined
  return { ...fields, time } as unknown as RequestFacts // the edge of this very node wrote it, and what has to be there is
}

const REQUIRED = [
  ['id', 'string'],
  ['method', 'string'],
  ['status', 'number'],
  ['bytes', 'number'],
  ['ms', 'number'],
  ['result', 'string'],
  ['complete', 'boolean'],
  ['protocol', 'string'],
] as const
