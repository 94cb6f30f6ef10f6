import type { RoleName } from '../core/index.ts'
import type { Behaviour, Distribution } from './schema.ts'

/** What a word is to nodes of the version before, 0.6. They would serve by less than it says without one that is `new`. */
type Word = 'known' | 'new' | 'harmless'

/**
 * Every word, so that nothing compiles until somebody has thought of one that is added. Nodes pass over words that they do
 * not know, and refuse a whole snapshot for a value that they do not.
 */
const OF_BEHAVIOURS = {
  ...{ pattern: 'known', originId: 'known', gate: 'known', carry: 'known', ttl: 'known' },
  ...{ viewerProtocol: 'known', query: 'known', headers: 'known', forward: 'known', cookies: 'known' },
  ...{ keyedCookies: 'known', forwardQuery: 'known', host: 'known', told: 'known', methods: 'known' },
  ...{ acceptEncoding: 'known', keepOptions: 'known', responseHeaders: 'known', policies: 'known' },
  ...{ compress: 'known', corsOrigins: 'known', functions: 'new', encryption: 'new' },
} as const satisfies Record<keyof Behaviour, Word>

const OF_DISTRIBUTIONS = {
  ...{ id: 'known', domain: 'known', aliases: 'known', enabled: 'known', comment: 'known' },
  ...{ origins: 'known', originGroups: 'known', behaviours: 'known', errors: 'known' },
  ...{ defaultRoot: 'known', geo: 'known', minimumTls: 'known', http: 'known', certificate: 'known' },
  // Who sends viewers to edges is of this version; what is written down of viewers changes nothing for them.
  ...{ priceClass: 'harmless', steering: 'harmless', logs: 'harmless' },
} as const satisfies Record<keyof Distribution, Word>

/** Whether a node of 0.6 follows all of it. */
export function isKnownBefore(distribution: Distribution): boolean {
  return (
    hasNoNew(distribution, OF_DISTRIBUTIONS) &&
    distribution.behaviours.every(each => hasNoNew(each, OF_BEHAVIOURS))
  )
}

function hasNoNew(value: object, words: Readonly<Record<string, Word>>): boolean {
  return Object.entries(value).every(([word, said]) => said === undefined || words[word] !== 'new')
}

/** The roles that there were: a snapshot with a node of another is none to 0.6. */
export const ROLES_BEFORE: ReadonlySet<RoleName> = new Set([
  ...(['control', 'origin', 'regional', 'edge', 'gateway'] as const),
])

/** In the place of one that a node would serve by less than it says: its names are answered as if it were switched off. */
export function withheld({ id, domain, aliases, comment }: Distribution): Distribution {
  return {
    ...{ id, domain, aliases, enabled: false, comment },
    origins: [{ id: 'built-in', kind: 'built-in' }],
    behaviours: [
      {
        ...{ pattern: '*', originId: 'built-in', gate: null, carry: 'none' },
        ttl: { minimum: 0, default: 0, maximum: 0 },
        ...{ viewerProtocol: 'allow-all', query: 'none', headers: [], forward: 'none', cookies: 'none' },
        ...{ methods: 'read', compress: false, corsOrigins: [] },
      },
    ],
    errors: [],
  }
}
