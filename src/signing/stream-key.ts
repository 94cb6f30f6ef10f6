import { grantQuery, type Grant } from './grant-url.ts'

/** ffmpeg cuts path and query at 1,023 characters without a word (SEAMS 13). */
export const LONGEST_STREAM = 1000

/** What somebody pastes into an encoder. */
export interface EncoderAddress {
  server: string
  /** `stage?Policy=…`; lets whoever has it publish. */
  streamKey: string
  url: string
}

export type EncoderAddressResult =
  | { kind: 'address'; address: EncoderAddress }
  /** A whole sentence. */
  | { kind: 'too-long'; why: string }

/** A whole sentence when the path names no channel, which is an app and a stream. */
export function whyNoChannel(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  if (path.startsWith('/') && slash >= 2 && slash < path.length - 1) return undefined
  return `A channel needs an app and a stream, such as /live/stage; ${path} is not one.`
}

/** What a publish grant names: RTMP on any host, unless one is given (SEAMS 13). */
export function publishResource(path: string, host = '*'): string {
  return `rtmp://${host}${path}`
}

/**
 * Splits server and stream key as encoders ask for them. The channel is app and stream wherever they are split, so
 * the last segment becomes the stream. `authority` is the host and port that encoders connect to.
 */
export function encoderAddress(authority: string, path: string, grant: Grant): EncoderAddressResult {
  const slash = path.lastIndexOf('/')
  const query = grantQuery(grant)
  const length = path.length + 1 + query.length
  if (length > LONGEST_STREAM) {
    const mend = 'sign with a P-256 key (sluice keys create) or shorten the path'
    return {
      kind: 'too-long',
      why: `The stream key would have ${length} characters and encoders cut long ones: ${mend}.`,
    }
  }
  const server = `rtmp://${authority}${path.slice(0, slash)}`
  const streamKey = `${path.slice(slash + 1)}?${query}`
  return { kind: 'address', address: { server, streamKey, url: `${server}/${streamKey}` } }
}
