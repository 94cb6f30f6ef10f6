import { canonicalPattern, comparablePath } from '../core/index.ts'
import type { Json } from './strict-json.ts'
import { compileWildcard, wildcardMatches, type Wildcard } from './wildcard.ts'

/** The path globs of a token, ready to be compared. */
export interface TokenPaths {
  /** Whether one of them covers a canonical path. Case counts. */
  cover(canonicalPath: string): boolean
}

export type TokenPathsResult = { kind: 'paths'; paths: TokenPaths } | { kind: 'bad'; why: string }

const MOST_GLOBS = 100
const LONGEST_GLOB = 512

/** An asterisk of a path, which is no wildcard, on both sides of the comparison. No path holds this character. */
const LITERAL_STAR = '\u0001'

/**
 * Globs as behaviours write them: `*` is any run of characters, slashes too, `?` exactly one, and a missing leading
 * slash is understood. One text or a list of texts.
 */
export function readTokenPaths(value: Json | undefined): TokenPathsResult {
  const globs = typeof value === 'string' ? [value] : value
  if (!Array.isArray(globs)) return bad('is missing or neither a text nor a list of texts')
  if (globs.length > MOST_GLOBS) return bad(`lists more than ${MOST_GLOBS} globs`)
  const compiled: Wildcard[] = []
  for (const glob of globs) {
    if (typeof glob !== 'string' || glob === '') return bad('lists something that is no glob')
    if (glob.length > LONGEST_GLOB) return bad(`has a glob of more than ${LONGEST_GLOB} characters`)
    compiled.push(compileWildcard(comparableGlob(glob)))
  }
  return {
    kind: 'paths',
    paths: {
      cover(canonicalPath) {
        const path = comparablePath(canonicalPath).replaceAll('*', LITERAL_STAR)
        return compiled.some(glob => wildcardMatches(glob, path))
      },
    },
  }
}

/** `%2A` in a glob is an asterisk and must not become a wildcard on the way to the form that paths are compared in. */
function comparableGlob(glob: string): string {
  const rooted = glob.startsWith('/') || glob.startsWith('*') ? glob : `/${glob}`
  return canonicalPattern(rooted).split('%2A').map(comparablePath).join(LITERAL_STAR)
}

function bad(why: string): TokenPathsResult {
  return { kind: 'bad', why }
}
