import { canonicalPath, type Instant } from '../core/index.ts'
import type { ExplainRequest } from '../client/index.ts'
import { noChannel, publishingGroups } from '../distribution/index.ts'
import type { RawUrl } from '../http/index.ts'
import { findCarrier, stripSigning, withoutTokens } from '../signing/index.ts'
import { explainPolicy } from './explain-grant.ts'
import { nothingSaid, type Said, type Site } from './explanation.ts'

/** What a gateway says to an encoder: a canonical path, a grant for it, then a channel. Cookies do not exist there. */
export function explainPublish(url: RawUrl, asked: ExplainRequest, site: Site, now: Instant): Said {
  // Encoders split at the slash between server and stream key, and one that is left over at the end is theirs.
  const rawPath = url.path.length > 1 ? url.path.replace(/\/$/, '') : url.path
  const base = nothingSaid('publish', url, { token: undefined, rest: rawPath })
  const canonical = canonicalPath(rawPath)
  if (canonical.kind === 'bad') {
    const detail = `the path of server and stream key cannot be made canonical: ${canonical.why}`
    return { ...base, path: { canonical: null, bad: canonical.why }, reason: 'bad-path', detail }
  }
  const { path } = canonical
  const shown = withoutTokens(path)
  const channel = site.channels.find(each => each.path === path)
  const counting = publishingGroups(channel, site.keyGroups)
  const grant = explainPolicy(
    {
      carrier: findCarrier({ query: url.query }),
      ...{ scheme: url.scheme, authority: url.authority, rawPath, canonicalPath: path },
      query: stripSigning(url.query),
      address: asked.address ?? '',
      action: 'publish',
    },
    { counting, all: site.keyGroups },
    now,
  )
  const said: Said = {
    ...base,
    ...grant,
    path: { canonical: shown, bad: null },
    channel: { path: shown, exists: channel !== undefined },
    gate: {
      keyGroups: counting.map(({ name, keys }) => ({ name, keys: keys.map(key => key.id) })),
      issuers: [],
    },
  }
  if (channel) return said
  const detail = noChannel(shown)
  const checks = [...grant.checks, { check: 'channel', verdict: 'fails' as const, detail }]
  return grant.verdict === 'refused'
    ? { ...said, checks }
    : { ...said, checks, verdict: 'refused', reason: 'no-channel', detail }
}
