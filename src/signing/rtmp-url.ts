import { SluiceError, type Instant } from '../core/index.ts'
import { customGrant } from './produce.ts'
import type { Signer } from './signer.ts'
import { encoderAddress, publishResource, whyNoChannel, type EncoderAddress } from './stream-key.ts'

/** What somebody pastes into an encoder, and what it promises. */
export interface SignedPublish extends EncoderAddress {
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

/** Signs `/live/stage` for publishing. `authority` is the host and port that encoders connect to. */
export function signPublish(
  signer: Signer,
  authority: string,
  path: string,
  terms: PublishTerms,
): SignedPublish {
  const noChannel = whyNoChannel(path)
  if (noChannel !== undefined) throw usage('bad-path', noChannel)
  const { host, ...conditions } = terms
  const resource = publishResource(path, host)
  const result = encoderAddress(authority, path, customGrant(signer, { ...conditions, resource }))
  if (result.kind === 'too-long') throw usage('too-long', result.why)
  return { ...result.address, resource, expires: terms.expires }
}

function usage(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind: 'usage' })
}
