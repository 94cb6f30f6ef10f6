import type { OriginAccessId } from '../../core/index.ts'
import type { OriginAccess } from '../../distribution/index.ts'
import {
  deleteOriginAccess,
  listDistributions,
  listDocuments,
  listOriginAccess,
  saveOriginAccess,
  type Tx,
} from '../database/index.ts'
import type { Findings } from './findings.ts'
import { CloudFrontError } from './operation.ts'
import type { CloudFrontOriginAccessIdentityConfig, OriginAccessControlConfig } from './shapes.ts'

type Access = Omit<OriginAccess, 'id' | 'credentials'> & { id: string }

/** `credentials=NAME` in a description or comment names the origin access whose credentials are taken. */
const NAMED = /\bcredentials=([A-Za-z0-9_.-]{1,64})/
/** The one whose credentials serve those that name none. */
const DEFAULT_CREDENTIALS = 'default'

/**
 * Makes our own access beside a document of CloudFront's, which cannot hold the credentials that a store of ours asks
 * for. Where there are none yet, none is made, and so no origin can use it.
 */
export async function giveCredentials(tx: Tx, access: Access, text: string, found: Findings): Promise<void> {
  const all = await listOriginAccess(tx)
  const before = all.find(each => each.id === access.id)
  const lender = lenderOf(all, access.id, text)
  const own = nameIn(text) === undefined ? before?.credentials : undefined
  const credentials = own ?? lender?.credentials ?? null
  const id = access.id as OriginAccessId // given to the document
  if (access.signing === 'never') {
    await saveOriginAccess(tx, { ...access, id, credentials: null })
    return
  }
  if (credentials !== null) {
    await saveOriginAccess(tx, { ...access, id, credentials })
    if (own === undefined || own === null)
      found.notice('credentials', `it signs with those of the origin access "${lender?.name}"`)
    return
  }
  if (before !== undefined) await takeAway(tx, id)
  found.notice('credentials', `there are none to sign with, so no origin can use it: ${mend(text)}`)
}

/**
 * For accesses that were made before there were credentials and that an origin names now. A bucket is never asked
 * unsigned in place of signed: what still has none is refused.
 */
export async function lendCredentials(tx: Tx, ids: readonly string[], found: Findings): Promise<void> {
  if (ids.length === 0) return
  const all = await listOriginAccess(tx)
  for (const id of new Set(ids)) {
    if (all.some(each => each.id === id)) continue
    const waiting = await documentOf(tx, id)
    if (waiting === undefined) continue
    const credentials = lenderOf(all, id, waiting.text)?.credentials ?? null
    if (credentials !== null) {
      await saveOriginAccess(tx, { ...waiting.access, id: id as OriginAccessId, credentials }) // a document's
      continue
    }
    found.refuse(
      `the origin access ${id}`,
      `it has no credentials, and a bucket is not asked unsigned: ${mend(waiting.text)}`,
      waiting.access.kind === 'control' ? 'InvalidOriginAccessControl' : 'InvalidOriginAccessIdentity',
    )
  }
}

async function documentOf(
  tx: Tx,
  id: string,
): Promise<{ access: Omit<Access, 'id'>; text: string } | undefined> {
  const control = (await listDocuments(tx, 'OriginAccessControl')).get(id)
  if (control) {
    const {
      Name: name = id,
      Description: text = '',
      SigningBehavior,
    } = control.config as OriginAccessControlConfig // written as one
    const signing = SigningBehavior === 'no-override' ? SigningBehavior : 'always'
    return { access: { name, kind: 'control', signing }, text }
  }
  const identity = (await listDocuments(tx, 'CloudFrontOriginAccessIdentity')).get(id)
  if (!identity) return undefined
  const { Comment: text = '' } = identity.config as CloudFrontOriginAccessIdentityConfig // as above
  return { access: { name: `identity-${id}`, kind: 'identity', signing: 'always' }, text }
}

function nameIn(text: string): string | undefined {
  return NAMED.exec(text)?.[1]
}

function lenderOf(all: readonly OriginAccess[], id: string, text: string): OriginAccess | undefined {
  const name = nameIn(text) ?? DEFAULT_CREDENTIALS
  return all.find(each => each.name === name && each.id !== id && each.credentials !== null)
}

async function takeAway(tx: Tx, id: OriginAccessId): Promise<void> {
  const users = await listDistributions(tx)
  const user = users.find(each => each.origins.some(origin => origin.kind === 's3' && origin.access === id))
  if (user !== undefined)
    throw new CloudFrontError(
      'InvalidArgument',
      `the distribution ${user.id} signs by it, and there are no credentials of that name`,
    )
  await deleteOriginAccess(tx, id)
}

function mend(text: string): string {
  return `sluice origin-access create ${nameIn(text) ?? DEFAULT_CREDENTIALS} stores some, then use it again`
}
