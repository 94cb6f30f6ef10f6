import type { EncryptionId } from '../core/index.ts'
import { completeFunctions } from './complete-functions.ts'
import { completeGate } from './complete-gate.ts'
import { DEFAULT_LIFETIMES } from './first.ts'
import type { BehaviourInput } from './input.ts'
import { resolvePolicies } from './resolve-policies.ts'
import type { Behaviour, Origin } from './schema.ts'
import { idOf, type Surroundings } from './surroundings.ts'
import { wordsOf } from './words.ts'

/** A behaviour with its defaults, ids in place of names, and what its policies say in it. */
export function completeBehaviour(
  input: BehaviourInput,
  origin: Pick<Origin, 'id' | 'kind'>,
  around: Surroundings,
  problems: string[],
): Behaviour {
  const place = `behaviour "${input.pattern}"`
  const gate = completeGate(input.gate ?? null, place, around, problems)
  const functions = completeFunctions(input.functions ?? [], place, around, problems)
  const encryption = completeEncryption(input.encryption ?? null, place, around, problems)
  const { said, ids } = resolvePolicies(input, place, around, problems)
  // Any site works behind us as it is; a bucket or our own origin needs nothing of a viewer's. Whoever names a policy
  // for it says all that the origin is told.
  const asItIs = origin.kind === 'http' && ids.cache === undefined && ids.originRequest === undefined
  const usual = asItIs ? 'all' : 'none'
  const { ttl, query, headers, forward, cookies, ...rest } = { ...wordsOf(input), ...said }
  return {
    pattern: input.pattern,
    originId: origin.id,
    gate,
    carry: input.carry ?? 'none',
    ttl: ttl ?? { ...DEFAULT_LIFETIMES },
    viewerProtocol: input.viewerProtocol ?? 'allow-all',
    query: query ?? usual,
    headers: headers ?? [],
    forward: forward ?? usual,
    cookies: cookies ?? (gate === null ? usual : 'none'),
    methods: input.methods ?? (origin.kind === 'http' ? 'all' : 'read'),
    compress: input.compress ?? true,
    corsOrigins: [...new Set((input.corsOrigins ?? []).map(each => each.toLowerCase()))],
    ...optional(rest),
    ...(input.keepOptions === true && { keepOptions: true }),
    ...(Object.keys(ids).length > 0 && { policies: ids }),
    ...(functions.length > 0 && { functions }),
    ...(encryption !== undefined && { encryption }),
  }
}

/** By name or id; as it is written where nobody knows what there is. */
function completeEncryption(
  asked: string | null,
  place: string,
  { encryptions }: Surroundings,
  problems: string[],
): EncryptionId | undefined {
  if (asked === null) return undefined
  if (encryptions === undefined) return asked as EncryptionId // of a file that is looked at by itself
  const id = idOf(encryptions, asked)
  if (id === undefined)
    problems.push(
      `${place} names the encryption "${asked}", which there is not: take it out, or make it first`,
    )
  return id
}

/** The members that are there. */
function optional<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(record).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> } // those of the record
}
