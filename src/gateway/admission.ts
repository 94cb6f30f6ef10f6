import { canonicalPath, type Instant, type Reason } from '../core/index.ts'
import { noChannel, type Channel } from '../distribution/index.ts'
import type { PublishRequest } from '../ingest/index.ts'
import { findCarrier, stripSigning, verifyGrant } from '../signing/index.ts'
import type { Site } from './site.ts'

/** What of a request decides whether it may publish. */
export type Asked = Pick<PublishRequest, 'path' | 'query' | 'scheme' | 'authority' | 'address'>

export type Admission =
  { kind: 'granted'; channel: Channel } | { kind: 'refused'; reason: Reason; detail: string }

/**
 * Whether an encoder may publish where it asks to: a canonical path, a grant for it, then a channel. Whoever has no
 * grant hears nothing of which channels exist.
 */
export function admit(asked: Asked, site: Site, now: Instant): Admission {
  const { path: rawPath, query, scheme, authority, address } = asked
  const canonical = canonicalPath(rawPath)
  if (canonical.kind === 'bad')
    return refused('bad-path', 'the path of server and stream key cannot be made canonical')
  const channel = site.channel(canonical.path)
  const verdict = verifyGrant(
    {
      carrier: findCarrier({ query }),
      ...{ scheme, authority, rawPath, address },
      canonicalPath: canonical.path,
      query: stripSigning(query),
      action: 'publish',
    },
    site.trustedBy(channel),
    now,
  )
  if (verdict.kind === 'refused') return refused(verdict.reason, verdict.detail)
  return channel ? { kind: 'granted', channel } : refused('no-channel', noChannel(canonical.path))
}

function refused(reason: Reason, detail: string): Admission {
  return { kind: 'refused', reason, detail }
}
