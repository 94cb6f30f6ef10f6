import { reader, SluiceError, systemClock, Type } from '../core/index.ts'
import { controlLink } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import type { Membership } from './membership.ts'
import { nodeTokenSource } from './token-source.ts'

const readProblem = reader(
  Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) }),
  'the error',
)

/**
 * Asks control whether the storage with this mark is its own. Rejects with one sentence where it is not; `unknown` while
 * control is away, when only a storage without any mark is certainly another.
 */
export async function agreeOnStorage(
  { identity, membership }: { identity: NodeIdentity; membership: Membership },
  storage: string | null,
): Promise<'agreed' | 'unknown'> {
  const [controlUrl = ''] = membership.controls
  const ask = controlLink({ controlUrl, membership }, nodeTokenSource(identity, 'control', systemClock))
  const signal = AbortSignal.timeout(15_000)
  const answer = await ask({ method: 'POST', path: '/v1/node/storage', body: { storage }, signal }).catch(
    () => undefined,
  )
  if (answer?.status === 204) return 'agreed'
  if (answer?.status !== 409) {
    if (storage === null) throw unmarked()
    return 'unknown'
  }
  const { code, message } = readProblem(answer.body).error
  throw new SluiceError(code, message, { side: 'operator', kind: 'conflict' })
}

function unmarked(): SluiceError {
  return new SluiceError(
    'other-storage',
    "This origin's storage has never been used by its control, which is away: start it with the storage that control has.",
    { side: 'operator', kind: 'conflict' },
  )
}
