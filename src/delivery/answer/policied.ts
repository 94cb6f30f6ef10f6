import type { ResponseHeaders } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'
import { compileCors, withCors, type CorsRules } from './policy-cors.ts'
import { compileFields, withRules, type FieldRules } from './policy-fields.ts'
import { serverTiming, wantsTiming } from './server-timing.ts'

interface Compiled {
  fields: FieldRules
  cors: CorsRules | undefined
  samplingRate: number | undefined
}

/** By a snapshot's own objects. */
const compiled = new WeakMap<ResponseHeaders, Compiled>()

function compile(rules: ResponseHeaders): Compiled {
  let made = compiled.get(rules)
  if (made === undefined) {
    const { cors, serverTiming: timing } = rules
    made = {
      fields: compileFields(rules),
      cors: cors && compileCors(cors),
      samplingRate: timing?.samplingRate,
    }
    compiled.set(rules, made)
  }
  return made
}

/** Whether what a policy makes of an answer is the same for everybody. */
export function isForAll(rules: ResponseHeaders): boolean {
  const { cors, samplingRate } = compile(rules)
  return (cors === undefined || cors.open) && samplingRate === undefined
}

/** All fields of an answer as the behaviour's policy has them: less what it takes out, then with what it adds. */
export function policied(x: Exchange, rules: ResponseHeaders, headers: FlatHeaders): string[] {
  const { fields, cors, samplingRate } = compile(rules)
  const changed = withRules(fields, headers, x.gated ? 'gated' : 'open')
  const out = [...(cors === undefined ? changed : withCors(x, cors, changed))]
  if (samplingRate !== undefined && wantsTiming(x, samplingRate)) out.push('Server-Timing', serverTiming(x))
  return out
}

/** Whether the policy answers what a browser asks before it asks: where it outranks the origin. */
export function answersPreflights({ responseHeaders }: { responseHeaders?: ResponseHeaders }): boolean {
  return responseHeaders?.cors?.override === true
}
