import type { UpstreamAnswer } from '../../cache/index.ts'
import type { Origin } from '../../distribution/index.ts'
import { fieldValue } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'

/**
 * Whether an answer of the origin that was `asked` sends its viewer to where he is, by the other scheme: whoever comes by that one would go in circles.
 * An origin that knows both sees the name that the viewer asked for, that of the distribution, or its own.
 */
export function leadsToOtherScheme(
  { viewer, served, target }: Exchange,
  asked: Origin,
  { status, headers }: Pick<UpstreamAnswer, 'status' | 'headers'>,
): boolean {
  if (status < 300 || status > 399 || viewer === undefined || target === undefined) return false
  const location = fieldValue(headers, 'location') ?? ''
  if (!/^https?:/i.test(location) || !URL.canParse(location)) return false
  const { protocol, hostname, pathname } = new URL(location)
  if (protocol === `${viewer.scheme}:`) return false
  const origin = asked.kind === 'http' ? new URL(asked.url) : undefined
  const hosts = [viewer.host, served?.distribution.domain.toLowerCase(), origin?.hostname]
  const own = new URL(`http://own${target.path}`).pathname
  const prefix = origin?.pathname.replace(/\/$/, '') ?? ''
  return hosts.includes(hostname) && [own, `${prefix}${own}`].includes(pathname)
}
