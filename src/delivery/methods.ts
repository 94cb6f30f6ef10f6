import type { Exchange } from './exchange.ts'

const READ = ['GET', 'HEAD', 'OPTIONS']
const ALL = [...READ, 'POST', 'PUT', 'PATCH', 'DELETE']
const UNSAFE: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** As `Allow` lists them. */
export function allowedOf(x: Exchange): string {
  return (mayWrite(x) ? ALL : READ).join(', ')
}

/**
 * Whether a request goes to the origin as it is, and its answer to nobody else. OPTIONS is among them where no gate is:
 * behind one it is answered here, for browsers send it without a grant (Fetch, "CORS-preflight fetch").
 */
export function isRelayed(x: Exchange): boolean {
  const method = x.request.method ?? ''
  if (UNSAFE.has(method)) return mayWrite(x)
  return method === 'OPTIONS' && !x.gated && mayWrite(x)
}

/** Only a server of somebody else's is ever written to, or talked to in another protocol. */
export function mayWrite({ served, behaviour }: Exchange): boolean {
  if (behaviour?.methods !== 'all') return false
  return served?.distribution.origins.find(({ id }) => id === behaviour.originId)?.kind === 'http'
}
