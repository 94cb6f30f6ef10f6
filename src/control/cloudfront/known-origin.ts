import type { Distribution, Origin, OriginInput } from '../../distribution/index.ts'
import { fillOrigin } from './config-defaults.ts'
import { same } from './etag.ts'
import { itemsOf } from './lists.ts'
import type { DistributionConfig, OriginConfig } from './shapes.ts'

/**
 * An origin as it is stored, where it is sent as it was shown: CloudFront writes some of ours as near as can be (a
 * bucket's capitals, a port that does not count), and who sends that back has changed nothing. Of one that was changed
 * the versions of TLS stay, for which CloudFront has no exact words.
 */
export function asKnown(
  sent: OriginConfig,
  read: OriginInput,
  known: { distribution: Distribution; shown: DistributionConfig } | undefined,
): OriginInput {
  const stored = known?.distribution.origins.find(each => each.id === sent.Id)
  const shown = itemsOf(known?.shown.Origins).find(each => each.Id === sent.Id)
  if (stored === undefined || shown === undefined || stored.kind !== read.kind) return read
  if (same(comparable(sent, stored), comparable(shown, stored)))
    return stored.kind === 'http' ? { ...stored, ...(read.headers && { headers: read.headers }) } : stored
  return stored.kind === 'http' && stored.tls ? { ...read, tls: stored.tls } : read
}

/** Fields of a bucket say where it is; those of a server are secrets, which may change by themselves. */
function comparable(origin: OriginConfig, { kind }: Origin): unknown {
  const filled = fillOrigin(origin)
  return kind === 'http' ? { ...filled, CustomHeaders: undefined } : filled
}
