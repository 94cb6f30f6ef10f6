import { Type, type NodeId, type Static } from '../core/index.ts'

/** Roles that can be started on a machine of their own. */
export const JOINING_ROLES = ['edge', 'regional', 'gateway', 'origin', 'router'] as const
export type JoiningRole = (typeof JOINING_ROLES)[number]
export const JoiningRole = Type.Union(JOINING_ROLES.map(role => Type.Literal(role)))

/** The name of a place, in `X-Sluice-Pop` and in lists. */
const Pop = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,31}$' })

const MINUTE = 60
const WEEK = 7 * 24 * 60 * MINUTE

export const NewJoinToken = Type.Object(
  {
    role: JoiningRole,
    pop: Pop,
    ttlSeconds: Type.Integer({ minimum: MINUTE, maximum: WEEK }),
    /** Where the machine that joins reaches control; what control knows of itself when left out. */
    url: Type.Optional(Type.String({ pattern: '^https://', maxLength: 300 })),
  },
  { additionalProperties: false },
)
export interface NewJoinToken {
  role: JoiningRole
  pop: string
  ttlSeconds: number
  url?: string
}

export const JoinToken = Type.Object({
  /** A secret: it stands in this answer and nowhere else, and lets one machine in, once. */
  token: Type.String(),
  role: JoiningRole,
  pop: Pop,
  expires: Type.String({ format: 'date-time' }),
})
export interface JoinToken {
  token: string
  role: JoiningRole
  pop: string
  expires: string
}

const NodePublicKey = Type.Object({
  kty: Type.Literal('OKP'),
  crv: Type.Literal('Ed25519'),
  x: Type.String({ pattern: '^[\\w-]{43}$' }),
})
/** PKCS #10, PEM. */
const CertificateRequest = Type.String({ minLength: 1, maxLength: 8_192 })
/** Where other nodes reach it over TLS; null for roles that nobody asks. */
export const NodeUrl = Type.Union([Type.Null(), Type.String({ pattern: '^https://[^/]+$', maxLength: 300 })])

const StorageMark = Type.Union([Type.Null(), Type.String({ maxLength: 100 })])

/** `POST /v1/node/storage`, an origin before it starts: 409 where control keeps media elsewhere. */
export const StorageQuestion = Type.Object({ storage: StorageMark })
export type StorageQuestion = Static<typeof StorageQuestion>

export const JoinRequest = Type.Object({
  /** Of the token. */
  secret: Type.String({ minLength: 20, maxLength: 200 }),
  id: Type.Unsafe<NodeId>(Type.String({ pattern: '^[a-z]+-[a-z0-9]{8}$' })),
  publicKey: NodePublicKey,
  request: CertificateRequest,
  url: NodeUrl,
  /** Of an origin: the mark that it finds in its storage, null where there is none. */
  storage: Type.Optional(StorageMark),
})
export type JoinRequest = Static<typeof JoinRequest>

/** PEM; the authority's certificate stands in `certificate` behind the node's own. */
export const NodeCertificate = Type.Object({ certificate: Type.String(), authority: Type.String() })
export type NodeCertificate = Static<typeof NodeCertificate>

export const JoinAnswer = Type.Intersect([NodeCertificate, Type.Object({ role: JoiningRole, pop: Pop })])
export interface JoinAnswer extends NodeCertificate {
  role: JoiningRole
  pop: string
}

export const CertificateRenewal = Type.Object({ request: CertificateRequest, url: NodeUrl })
export type CertificateRenewal = Static<typeof CertificateRenewal>
