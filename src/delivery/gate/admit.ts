import type { Behaviour } from '../../distribution/index.ts'
import { carriersOf, type Carried } from '../../signing/index.ts'
import type { Admission, Asked } from './admission.ts'
import { admitPolicy, admitSeen } from './admit-policy.ts'
import { admitToken } from './admit-token.ts'
import type { Exchange } from '../exchange.ts'

/**
 * Holds what the request carries against the gate of a behaviour and the path that is asked for. Nearly every request of
 * a film carries what the one before did; what does not open in that way is looked at anew.
 */
export function admit(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | Promise<Admission> {
  return admitSeen(x, behaviour, asked) ?? admitAnew(x, behaviour, asked)
}

function admitAnew(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | Promise<Admission> {
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
  return carriers.kind === 'chosen' ? ask(carriers.carrier) : firstOf(carriers.read(), ask)
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
