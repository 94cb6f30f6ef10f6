import type { Behaviour } from '../distribution/index.ts'
import { carriersOf, type Carried } from '../signing/index.ts'
import type { Admission, Asked } from './admission.ts'
import { admitPolicy, admitSeenCookies } from './admit-policy.ts'
import { admitToken } from './admit-token.ts'
import type { Exchange } from './exchange.ts'

/** Holds what the request carries against the gate of a behaviour and the path that is asked for. */
export function admit(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | Promise<Admission> {
  const { keyGroups, issuers } = behaviour.gate ?? NOBODY
  const carriers = carriersOf(
    {
      ...{ query: asked.query, token: asked.token, jwt: asked.jwt },
      ...{ authorization: x.header('authorization'), cookies: x.header('cookie') },
    },
    { keyGroups, issuers, issuerCookies: () => x.node.issuersOf(behaviour).map(({ terms }) => terms.cookie) },
  )
  const ask = (carried: Carried): Admission | Promise<Admission> =>
    carried.of === 'policy'
      ? admitPolicy(x, behaviour, asked, carried.found)
      : admitToken(x, behaviour, asked, carried.found)
  if (carriers.kind === 'chosen') return ask(carriers.carrier)
  return admitSeenCookies(x, behaviour, asked) ?? firstOf(carriers.read(), ask)
}

const NOBODY: NonNullable<Behaviour['gate']> = { keyGroups: [], issuers: [] }

/** The first admission; else the first refusal. */
function firstOf(
  carriers: readonly Carried[],
  ask: (carrier: Carried) => Admission | Promise<Admission>,
  refused?: Admission,
): Admission | Promise<Admission> {
  const [carrier, ...others] = carriers
  if (carrier === undefined) return refused ?? { kind: 'refused', reason: 'missing' }
  const settle = (admission: Admission): Admission | Promise<Admission> =>
    admission.kind === 'admitted' ? admission : firstOf(others, ask, refused ?? admission)
  const admission = ask(carrier)
  return admission instanceof Promise ? admission.then(settle) : settle(admission)
}
