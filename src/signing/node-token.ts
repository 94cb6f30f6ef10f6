import { generateKeyPairSync } from 'node:crypto'
import { after, type Instant, type NodeId, type RoleName, type Seconds } from '../core/index.ts'
import { keyIdOf, signJwt, verifyJwt, type Ed25519PrivateJwk, type Ed25519PublicJwk } from './jwt.ts'

/** The key that a node makes when it joins. The private half stays with it, in a 0600 file. */
export interface NodeKey {
  privateJwk: Ed25519PrivateJwk
  publicJwk: Ed25519PublicJwk
}

/** What a node is to others and keeps on its disk (0600). */
export interface NodeIdentity extends NodeKey {
  id: NodeId
  role: RoleName
}

/** Who a token is for: it opens no other role's door. */
export type NodeAudience = 'control' | 'origin' | 'regional'

/** A peer as the snapshot lists it; absent means revoked (SEAMS 25). */
export interface TrustedPeer {
  id: NodeId
  role: RoleName
  publicKey: Ed25519PublicJwk
}

export type NodeTokenResult =
  | { kind: 'peer'; id: NodeId; role: RoleName }
  /** `untimely`: it is this node's own, for another time than now. */
  | { kind: 'refused'; why: string; untimely?: NodeId }

/** A token is used within seconds; a node makes a new one before this is over. */
export const NODE_TOKEN_LIFE: Seconds = 60
const LEEWAY: Seconds = 30
/** Ours have about 250 characters. */
const LONGEST = 1024

export function newNodeKey(): NodeKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { x = '', d = '' } = privateKey.export({ format: 'jwk' })
  return {
    privateJwk: { kty: 'OKP', crv: 'Ed25519', x, d },
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x },
  }
}

/** The value of `Sluice-Node`: says for a minute who is asking. */
export function mintNodeToken(
  identity: Pick<NodeIdentity, 'id' | 'privateJwk'>,
  audience: NodeAudience,
  now: Instant,
): Promise<string> {
  const expires = after(now, NODE_TOKEN_LIFE * 1000)
  return signJwt({ issuer: identity.id, audience, issuedAt: now, expires }, identity.id, identity.privateJwk)
}

/** Believes a token of a listed peer that is meant for `audience`; never throws. */
export async function verifyNodeToken(
  token: string,
  peers: readonly TrustedPeer[],
  audience: NodeAudience,
  now: Instant,
): Promise<NodeTokenResult> {
  const keyId = token.length > LONGEST ? undefined : keyIdOf(token)
  if (keyId === undefined) return { kind: 'refused', why: 'it is not a token of a node' }
  const peer = peers.find(({ id }) => id === keyId)
  if (peer === undefined)
    return { kind: 'refused', why: 'the node is not known here; it has not joined or was removed' }
  const expected = { issuer: peer.id, audience, now, leeway: LEEWAY, longestLife: NODE_TOKEN_LIFE }
  const result = await verifyJwt(token, peer.publicKey, expected)
  if (result.kind === 'valid') return { kind: 'peer', id: peer.id, role: peer.role }
  const { why, untimely } = result
  return untimely ? { kind: 'refused', why, untimely: peer.id } : { kind: 'refused', why }
}
