import { canonicalPath } from '../../core/index.ts'
import type { Admission } from './admission.ts'
import { admit } from './admit.ts'
import { known, type Exchange, type Step } from '../exchange.ts'
import { customise } from '../functions/viewer-request.ts'
import { onward } from '../onward.ts'
import { spentAt } from './spent.ts'
import { refuse } from '../answer/refusal.ts'

/** A gated behaviour lets in what carries a grant for exactly this resource, now, from here; the rest is told why not. */
export const authorize: Step = (x: Exchange) => {
  const target = known(x.target, 'the target')
  if (target.lookalike !== undefined && gatesBehind(x, target.lookalike)) return refuse(x, 'malformed')
  const behaviour = known(x.behaviour, 'the behaviour')
  if (!behaviour.gate) return proceed(x)
  x.spent = spentAt(behaviour)
  const admission = admit(x, behaviour, target)
  return admission instanceof Promise ? admission.then(each => after(x, each)) : after(x, admission)
}

function after(x: Exchange, admission: Admission): Step | undefined {
  if (admission.kind === 'refused') return refuse(x, admission.reason)
  x.grant = admission.grant
  x.ownQuery = admission.ownQuery
  return proceed(x)
}

function proceed(x: Exchange): Step {
  return x.behaviour?.functions === undefined ? onward(x) : customise
}

/**
 * `/~a.b.c/members/x` is an ordinary path that no gate matches; but whoever sends it means a token, so it is held to
 * the gate that it would have met (SEAMS 1).
 */
function gatesBehind(x: Exchange, behind: string): boolean {
  if (x.gated) return true
  const canonical = canonicalPath(behind)
  const meant = canonical.kind === 'ok' ? x.served?.behaviour(canonical.path) : undefined
  if (!meant?.gate) return false
  x.behaviour = meant
  return true
}
