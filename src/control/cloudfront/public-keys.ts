import { readPublicKey } from '../../signing/index.ts'
import {
  addPublicKey,
  deleteKey,
  keyGroupsWithKeys,
  listDocuments,
  listPublicKeys,
  saveDocument,
  type Tx,
} from '../database/index.ts'
import { usesKey } from './field-level-encryption.ts'
import { checkComment, checkName, refuseTwins } from './names.ts'
import { CloudFrontError } from './operation.ts'
import type { Entity, Kind } from './resource.ts'
import type { PublicKeyConfig } from './shapes.ts'

/** Keys that signed requests may be signed with; those of `sluice keys` are among them. */
export const publicKeys: Kind<PublicKeyConfig> = {
  kind: 'PublicKey',
  configMember: 'PublicKeyConfig',
  path: '/2020-05-31/public-key',
  errors: { missing: 'NoSuchPublicKey', exists: 'PublicKeyAlreadyExists', tooMany: 'TooManyPublicKeys' },
  most: 1_000,
  all: allKeys,
  async make(tx, config) {
    const { Name: name = '', EncodedKey: pem = '', CallerReference: reference = '' } = config
    checkName(name)
    checkComment(config.Comment)
    const key = readPublicKey(pem)
    if (key.kind === 'refused') throw new CloudFrontError('InvalidArgument', `EncodedKey: ${key.why}`)
    refuseTwins(this.errors.exists, { id: '', name, reference }, (await allKeys(tx)).map(asNamed))
    const id = await addPublicKey(tx, { name, type: key.type, pem: key.pem })
    await saveDocument(tx, { kind: this.kind, id, name, reference, config })
    return id
  },
  async change(tx, { id, config: before }, config) {
    const { CallerReference: reference, Name: name, EncodedKey: pem } = config
    if (reference !== before.CallerReference || name !== before.Name || pem !== before.EncodedKey)
      throw new CloudFrontError(
        'CannotChangeImmutablePublicKeyFields',
        'only the Comment of a public key can be changed: make another key',
      )
    checkComment(config.Comment)
    await saveDocument(tx, { kind: this.kind, id, name, reference, config })
  },
  async remove(tx, { id }) {
    const user = (await keyGroupsWithKeys(tx)).find(group => group.keys.some(key => key.id === id))
    if (user)
      throw new CloudFrontError('PublicKeyInUse', `the key group ${user.id} has it: take it out there first`)
    const profile = await usesKey(tx, id)
    if (profile !== undefined)
      throw new CloudFrontError('PublicKeyInUse', `the field-level encryption profile ${profile} names it`)
    await deleteKey(tx, id)
  },
}

async function allKeys(tx: Tx): Promise<Entity<PublicKeyConfig>[]> {
  const documents = await listDocuments(tx, 'PublicKey')
  return (await listPublicKeys(tx)).map(({ id, name, pem, createdAt }) => {
    const document = documents.get(id)
    const sent = document?.config as PublicKeyConfig | null | undefined // written as one
    return {
      id,
      config: sent ?? { CallerReference: id, Name: name, EncodedKey: pem, Comment: '' },
      created: createdAt,
      modified: document?.modifiedAt ?? createdAt,
      revision: document?.revision ?? 0,
    }
  })
}

function asNamed({ id, config }: Entity<PublicKeyConfig>): { id: string; name?: string; reference?: string } {
  return {
    id,
    ...(config.Name !== undefined && { name: config.Name }),
    ...(config.CallerReference !== undefined && { reference: config.CallerReference }),
  }
}
