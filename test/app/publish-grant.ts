import { systemClock, type KeyId } from '../../src/core/index.ts'
import { findCarrier, trustedKeys, verifyGrant } from '../../src/signing/index.ts'

/** What a gateway says to `/live/<stream key>`: `allowed`, or the reason of the refusal. */
export function admitted(streamKey: string, id: KeyId, pem: string): string {
  const [stream = '', query = ''] = streamKey.split('?')
  const path = `/live/${stream}`
  const verdict = verifyGrant(
    {
      carrier: findCarrier({ query }),
      ...{ scheme: 'rtmp', authority: 'media.example', rawPath: path, canonicalPath: path, query: '' },
      ...{ address: '192.0.2.7', action: 'publish' },
    },
    trustedKeys([{ sha1: 'accept', keys: [{ id, type: 'p256', pem }] }]),
    systemClock.now(),
  )
  return verdict.kind === 'allowed' ? 'allowed' : verdict.reason
}
