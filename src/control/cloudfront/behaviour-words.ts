import type { Behaviour, BehaviourInput, Named } from '../../distribution/index.ts'
import type { Findings } from './findings.ts'
import { itemsOf, listed } from './lists.ts'
import type { AllowedMethods } from './shapes.ts'

/** What a cache policy and an origin request policy say, or ForwardedValues in their place. */
export type KeyedWords = Pick<
  BehaviourInput,
  | 'ttl'
  | 'query'
  | 'headers'
  | 'forward'
  | 'cookies'
  | 'keyedCookies'
  | 'forwardQuery'
  | 'host'
  | 'told'
  | 'acceptEncoding'
>

const METHODS = {
  get: ['GET', 'HEAD'],
  read: ['GET', 'HEAD', 'OPTIONS'],
  all: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
} as const satisfies Record<Behaviour['methods'], readonly string[]>

/** CloudFront takes three sets of methods, and so do we. */
export function methodsOf(
  allowed: AllowedMethods | undefined,
  place: string,
  found: Findings,
): Pick<BehaviourInput, 'methods' | 'keepOptions'> {
  const named = [...itemsOf(allowed)].sort().join()
  const known = (['get', 'read', 'all'] as const).find(each => METHODS[each].join() === named)
  if (allowed !== undefined && known === undefined)
    found.refuse(
      `${place}, AllowedMethods`,
      'name GET and HEAD, these and OPTIONS, or all seven: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT',
    )
  const cached = [...itemsOf(allowed?.CachedMethods)].sort().join()
  if (allowed?.CachedMethods !== undefined && cached !== 'GET,HEAD' && cached !== 'GET,HEAD,OPTIONS')
    found.refuse(`${place}, CachedMethods`, 'name GET and HEAD, or these and OPTIONS')
  const keepOptions = cached === 'GET,HEAD,OPTIONS'
  if (keepOptions && (known ?? 'get') === 'get')
    found.refuse(`${place}, CachedMethods`, 'OPTIONS is not among AllowedMethods: take it out, or allow it')
  return { methods: known ?? 'get', keepOptions }
}

export function renderMethods({
  methods,
  keepOptions = false,
}: Pick<Behaviour, 'methods' | 'keepOptions'>): AllowedMethods {
  const items: AllowedMethods['Items'] = [...METHODS[methods]]
  const cached: AllowedMethods['Items'] = keepOptions ? [...METHODS.read] : [...METHODS.get]
  return {
    Quantity: items.length,
    Items: items,
    CachedMethods: { Quantity: cached.length, Items: cached },
  }
}

/** Which of several: CloudFront's `none`, `all`, `whitelist` and `allExcept`. */
export function namesOf(setting: string, which: string, names: readonly string[], found: Findings): Named {
  const word = found.oneOf(
    setting,
    which,
    { none: 'none', all: 'all', whitelist: 'whitelist', allExcept: 'allExcept' },
    'none',
  )
  if (word === 'none' || word === 'all') {
    if (names.length > 0) found.refuse(setting, `"${word}" takes no names: take them out`)
    return word
  }
  if (names.length === 0) found.refuse(setting, `"${word}" needs names`)
  return word === 'whitelist' ? [...names] : { except: [...names] }
}

/** As `namesOf`, back. */
export function renderNames(choice: Named): {
  which: 'none' | 'all' | 'whitelist' | 'allExcept'
  names: { Quantity: number; Items?: string[] } | undefined
} {
  if (choice === 'none' || choice === 'all') return { which: choice, names: undefined }
  if (!Array.isArray(choice)) return { which: 'allExcept', names: listed(choice.except) }
  return choice.length === 0
    ? { which: 'none', names: undefined }
    : { which: 'whitelist', names: listed(choice) }
}
