import { after, instant, type ChannelId, type KeyGroupId, type KeyId } from '../../src/core/index.ts'
import type { Channel, KeyGroup, Snapshot } from '../../src/distribution/index.ts'
import { createSigner, generateKeyPair, signPublish, type KeyPair } from '../../src/signing/index.ts'
import { snapshotOf } from '../membership/fake-control.ts'

export const NOW = instant(1_780_000_000_000)
export const SOON = after(NOW, 3_600_000)

/** The key that presenters have, and one that opens films for viewers and is in no ingest group. */
export const presenter = await generateKeyPair('p256')
export const viewer = await generateKeyPair('p256')
export const rsa = await generateKeyPair('rsa2048')
export const PRESENTER = 'KPRESENTER' as KeyId
export const VIEWER = 'KVIEWER' as KeyId
export const RSA = 'KRSA' as KeyId

function group(
  id: string,
  name: string,
  keys: [KeyId, KeyPair, 'p256' | 'rsa'][],
  sha1: 'accept' | 'refuse' = 'accept',
): KeyGroup {
  return {
    ...{ name, sha1, withoutResource: 'refuse' as const },
    id: id as KeyGroupId, // as control names them
    keys: keys.map(([id, pair, type]) => ({ id, name: id, type, pem: pair.publicPem })),
  }
}

export const KEY_GROUPS: KeyGroup[] = [
  group('kg-default', 'default', [
    [PRESENTER, presenter, 'p256'],
    [RSA, rsa, 'rsa'],
  ]),
  group('kg-viewers', 'viewers', [[VIEWER, viewer, 'p256']]),
  group('kg-strict', 'strict', [[RSA, rsa, 'rsa']], 'refuse'),
]

export function channel(path: string, over: Partial<Channel> = {}): Channel {
  return {
    path,
    id: `c-${path}` as ChannelId, // as control names them
    ingest: { keyGroups: ['kg-default' as KeyGroupId] },
    ...{ reconnect: 30_000, stops: 0, lease: 1 },
    ...over,
  }
}

export function site(version: number, channels: Channel[], over: Partial<Snapshot> = {}): Snapshot {
  return snapshotOf(version, { keyGroups: KEY_GROUPS, channels, ...over })
}

/** The query of a stream key for `path`. */
export function grantFor(
  path: string,
  { pair = presenter, id = PRESENTER, expires = SOON, ...more }: Partial<GrantOptions> = {},
): string {
  const { streamKey } = signPublish(createSigner(pair.privatePem, id), 'h', path, { expires, ...more })
  return streamKey.slice(streamKey.indexOf('?') + 1)
}

interface GrantOptions {
  pair: KeyPair
  id: KeyId
  expires: typeof NOW
  notBefore: typeof NOW
  address: string
  host: string
}
