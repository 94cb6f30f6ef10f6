import { SluiceError, type Instant } from '../core/index.ts'
import { common } from './produce.ts'
import type { Signer } from './signer.ts'

/** What somebody pastes into an encoder. */
export interface SignedPublish {
  server: string
  /** `stage?Policy=…`; lets whoever has it publish. */
  streamKey: string
  url: string
  resource: string
  expires: Instant
}

export interface PublishTerms {
  expires: Instant
  /** Binds the grant to one host name; any host otherwise. */
  host?: string
  notBefore?: Instant
  address?: string
}

/** ffmpeg cuts path and query at 1,023 characters without a word (SEAMS 13). */
export const LONGEST_STREAM = 1000

/**
 * Signs `/live/stage` for publishing. `authority` is the host and port that encoders connect to; the channel is app
 * and stream wherever they are split, so the last segment becomes the stream.
 */
export function signPublish(
  signer: Signer,
  authority: string,
  path: string,
  terms: PublishTerms,
): SignedPublish {
  const slash = path.lastIndexOf('/')
  if (!path.startsWith('/') || slash < 2 || slash === path.length - 1) {
    throw usage('bad-path', `A channel needs an app and a stream, such as /live/stage; ${path} is not one.`)
  }
  const { host = '*', expires, notBefore, address } = terms
  const resource = `rtmp://${host}${path}`
  const { policy, signature } = signer.sign({
    resource,
    expires,
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(address === undefined ? {} : { address }),
  })
  const query = [`Policy=${policy}`, ...common(signer, signature)].join('&')
  const length = path.length + 1 + query.length
  if (length > LONGEST_STREAM) {
    const mend = 'sign with a P-256 key (sluice keys create) or shorten the path'
    throw usage(
      'too-long',
      `The stream key would have ${length} characters and encoders cut long ones: ${mend}.`,
    )
  }
  const server = `rtmp://${authority}${path.slice(0, slash)}`
  const streamKey = `${path.slice(slash + 1)}?${query}`
  return { server, streamKey, url: `${server}/${streamKey}`, resource, expires }
}

function usage(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind: 'usage' })
}
