import { canonicalPath, SluiceError } from '../core/index.ts'
import type { InvalidationInfo, NewInvalidation } from '../client/index.ts'
import {
  addUsage,
  CONTROL_COUNTS,
  addEvent,
  findInvalidation,
  listDistributions,
  recordInvalidation,
  type Tx,
} from './database/index.ts'

/** An event says so many of an invalidation's paths, and how many there are. */
const MOST_TOLD = 20

/** Gives the paths one number (SEAMS 24). Asking again with the same reference and paths gives the same answer. */
export async function invalidate(tx: Tx, wanted: NewInvalidation): Promise<InvalidationInfo> {
  const paths = [...new Set(wanted.paths.map(invalidationPattern))]
  const all = (await listDistributions(tx)).map(each => each.id)
  const distributionIds =
    wanted.distributionId === undefined ? all : all.filter(id => id === wanted.distributionId)
  if (distributionIds.length === 0) {
    const message = `there is no distribution ${wanted.distributionId ?? 'at all'}: sluice distribution list names them`
    throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
  }
  const { reference } = wanted
  if (reference !== undefined) {
    const known = await findInvalidation(tx, reference)
    if (known) {
      if (!sameTexts(known.paths, paths) || !sameTexts(known.distributionIds, distributionIds)) {
        const message = `the reference "${reference}" was used for other paths: use a new one for each invalidation`
        throw new SluiceError('reference-used', message, { side: 'operator', kind: 'conflict' })
      }
      return { id: known.id, sequence: known.sequence, snapshotVersion: known.snapshotVersion }
    }
  }
  const made = await recordInvalidation(tx, {
    distributionIds,
    paths,
    ...(reference === undefined ? {} : { reference }),
  })
  // Those that publishing asks for are its own affair.
  const counted = { type: 'invalidation-paths', detail: '', amount: paths.length, hour: tx.now } as const
  await addUsage(
    tx,
    { node: CONTROL_COUNTS, place: '' },
    distributionIds.map(distribution => ({ ...counted, distribution })),
  )
  const data = { distributionIds, paths: paths.slice(0, MOST_TOLD), count: paths.length }
  await addEvent(tx, { type: 'invalidation.made', subject: made.id, data, once: `${made.id}-made` })
  return { id: made.id, sequence: made.sequence, snapshotVersion: made.snapshotVersion }
}

/** A canonical path, or a prefix with one `*` at its end; a missing leading slash is understood, as CloudFront does. */
export function invalidationPattern(text: string): string {
  const rooted = text.startsWith('/') ? text : `/${text}`
  const star = rooted.endsWith('*') ? '*' : ''
  const path = star === '' ? rooted : rooted.slice(0, -1)
  if (path.includes('*')) throw bad(text, 'a "*" may stand at the end only')
  if (/[?#]/.test(path)) throw bad(text, 'it names paths, without a query')
  const canonical = canonicalPath(path)
  if (canonical.kind === 'bad') throw bad(text, `as a path it is refused (${canonical.why})`)
  return canonical.path + star
}

function bad(text: string, why: string): SluiceError {
  const message = `"${text.slice(0, 200)}" cannot be invalidated: ${why}`
  return new SluiceError('bad-path', message, { side: 'operator', kind: 'usage' })
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every(text => other.includes(text))
}
