import { reader, type PolicyId } from '../core/index.ts'
import { fieldProblems } from './check-fields.ts'
import { headerProblems } from './check-response-headers.ts'
import { lifetimesProblems } from './check-behaviour.ts'
import type { PolicyInput } from './policy-input.ts'
import { completeResponseHeaders } from './response-headers-input.ts'
import { Policy } from './schema.ts'
import { wordsOf } from './words.ts'

export type SettledPolicy =
  | { kind: 'good'; policy: Policy }
  /** Sentences, each naming its place and the mend. */
  | { kind: 'bad'; problems: string[] }

/**
 * The one validation of policies, whoever writes them. What only a behaviour can know (its gate, its origins' secrets)
 * is checked when a behaviour names it. `tokenCookies` are the cookies in which issuers' tokens come.
 */
export function settlePolicy(
  input: PolicyInput,
  id: PolicyId,
  tokenCookies: readonly string[],
): SettledPolicy {
  const says = completePolicy(input.says)
  const place = `the policy "${input.name}"`
  const problems = /^[A-Za-z0-9_.-]{1,128}$/.test(input.name)
    ? []
    : [`${place} has no good name: use letters, digits, "-", "_" and "."`]
  switch (says.kind) {
    case 'cache':
      problems.push(...lifetimesProblems(says.ttl, place))
      problems.push(
        ...fieldProblems(
          { ...says, headers: says.headers.filter(name => name !== 'host') },
          place,
          tokenCookies,
        ),
      )
      break
    case 'origin-request':
      problems.push(...fieldProblems(says, place, tokenCookies))
      break
    case 'response-headers':
      problems.push(...headerProblems(says.responseHeaders, place))
  }
  if (problems.length > 0) return { kind: 'bad', problems }
  return { kind: 'good', policy: readPolicy({ id, name: input.name, comment: input.comment ?? '', says }) }
}

const readPolicy = reader(Policy, 'the policy')

function completePolicy(says: PolicyInput['says']): Policy['says'] {
  switch (says.kind) {
    case 'cache': {
      const {
        ttl,
        query = 'none',
        headers = [],
        keyedCookies,
        acceptEncoding,
      } = wordsOf({ ttl: {}, ...says })
      return {
        kind: 'cache',
        ...{ ttl: ttl ?? { minimum: 0, default: 0, maximum: 0 }, query, headers },
        keyedCookies: keyedCookies ?? 'none',
        acceptEncoding: acceptEncoding ?? ['br', 'gzip'],
      }
    }
    case 'origin-request': {
      const { forward = 'none', cookies = 'none', forwardQuery, host, told } = wordsOf(says)
      return {
        kind: 'origin-request',
        ...{
          forward,
          cookies,
          forwardQuery: forwardQuery ?? 'none',
          host: host ?? 'origin',
          told: told ?? [],
        },
      }
    }
    case 'response-headers':
      return {
        kind: 'response-headers',
        responseHeaders: completeResponseHeaders(says.responseHeaders ?? {}),
      }
  }
}
