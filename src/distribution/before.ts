import type { RoleName } from '../core/index.ts'
import type { Behaviour, Distribution } from './schema.ts'

/**
 * What nodes of the version before, 0.6, do not know, and without which they would serve a behaviour by less than it says.
 * They pass over words that they do not know, and refuse a whole snapshot for a value that they do not.
 */
const NEW_WORDS = ['functions', 'encryption'] as const satisfies readonly (keyof Behaviour)[]

/**
 * Whether a node of 0.6 follows all of it. That it knows nothing of price classes and content steering does no harm: who
 * sends viewers to edges is of this version.
 */
export function isKnownBefore({ behaviours }: Distribution): boolean {
  return behaviours.every(behaviour => NEW_WORDS.every(word => behaviour[word] === undefined))
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
