import { readFile } from 'node:fs/promises'
import {
  codeOf,
  newNodeId,
  reader,
  ROLES,
  SluiceError,
  Type,
  type NodeId,
  type RoleName,
} from '../core/index.ts'
import { newNodeKey, type NodeIdentity } from '../signing/index.ts'
import { writeWhole } from './write-whole.ts'

export type { NodeIdentity } from '../signing/index.ts'

const Jwk = { kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String({ minLength: 1 }) }

const readIdentity = reader(
  Type.Object({
    id: Type.Unsafe<NodeId>(Type.String({ minLength: 1 })),
    role: Type.Unsafe<RoleName>(Type.Union(ROLES.map(role => Type.Literal(role)))),
    privateJwk: Type.Object({ ...Jwk, d: Type.String({ minLength: 1 }) }),
    publicJwk: Type.Object(Jwk),
  }),
  'the identity',
)

/** The identity of a node, made and stored (0600) on its first start. It never leaves the machine whole. */
export async function loadOrCreateIdentity(file: string, role: RoleName): Promise<NodeIdentity> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return createIdentity(file, role)
  const identity = parse(file, text)
  if (identity.role === role) return identity
  throw new SluiceError(
    'wrong-identity',
    `${file} is the identity of a node of role ${identity.role}, not ${role}`,
    {
      side: 'operator',
    },
  )
}

async function createIdentity(file: string, role: RoleName): Promise<NodeIdentity> {
  const identity: NodeIdentity = { id: newNodeId(role), role, ...newNodeKey() }
  await writeWhole(file, `${JSON.stringify(identity, null, 2)}\n`, 0o600)
  return identity
}

function parse(file: string, text: string): NodeIdentity {
  try {
    return readIdentity(JSON.parse(text))
  } catch (error) {
    throw new SluiceError(
      'bad-identity',
      `${file} is not a node's identity: remove it, and the node gets a new one at its next start`,
      { side: 'operator', cause: error },
    )
  }
}
