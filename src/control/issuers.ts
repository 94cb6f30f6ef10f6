import { newIssuerId, SluiceError, type IssuerId } from '../core/index.ts'
import type { ChangedIssuer } from '../client/index.ts'
import { settleIssuer, type IssuerInput, type TrustedIssuer } from '../distribution/index.ts'
import { deleteIssuer, listDistributions, listIssuers, saveIssuer, type Tx } from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'

/** Nodes hold the key set of each. */
const MOST_ISSUERS = 1_000

/** By id or name. */
export async function findIssuer(tx: Tx, asked: string): Promise<TrustedIssuer> {
  const all = await listIssuers(tx)
  const found = all.find(each => each.id === asked) ?? all.find(each => each.name === asked)
  if (found) return found
  const message = `there is no issuer ${asked}: sluice issuers list names them`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

export async function createIssuer(tx: Tx, input: IssuerInput): Promise<ChangedIssuer> {
  const all = await listIssuers(tx)
  if (all.length >= MOST_ISSUERS)
    throw conflict('too-many', `there are ${MOST_ISSUERS} issuers already: delete one first`)
  return save(tx, input, { id: newIssuerId(), others: all })
}

export async function replaceIssuer(tx: Tx, asked: string, input: IssuerInput): Promise<ChangedIssuer> {
  const { id } = await findIssuer(tx, asked)
  if (input.id !== undefined && input.id !== id)
    throw refusedInput('bad-issuer', [`this is the issuer ${input.id}, not ${id}: take its "id" out`])
  const others = (await listIssuers(tx)).filter(each => each.id !== id)
  return save(tx, input, { id, others })
}

/** The snapshot version without it; refused while a behaviour would be left with a gate that nobody opens. */
export async function removeIssuer(tx: Tx, asked: string): Promise<number> {
  const { id, name } = await findIssuer(tx, asked)
  for (const distribution of await listDistributions(tx)) {
    const user = distribution.behaviours.find(each => each.gate?.issuers.includes(id))
    if (user) {
      throw conflict(
        'in-use',
        `the issuer "${name}" is trusted by the behaviour "${user.pattern}" of ${distribution.id}: take it out there first`,
      )
    }
  }
  return deleteIssuer(tx, id)
}

async function save(
  tx: Tx,
  input: IssuerInput,
  { id, others }: { id: IssuerId; others: readonly TrustedIssuer[] },
): Promise<ChangedIssuer> {
  const settled = settleIssuer(input, id)
  if (settled.kind === 'bad') throw refusedInput('bad-issuer', settled.problems)
  const { issuer, warnings } = settled
  if (others.some(each => each.name === issuer.name))
    throw conflict(
      'exists',
      `there is an issuer "${issuer.name}" already: use another name, or delete that one`,
    )
  return { issuer, snapshotVersion: await saveIssuer(tx, issuer), warnings }
}
