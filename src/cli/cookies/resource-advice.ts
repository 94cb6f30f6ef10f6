import { canonicalPath } from '../../core/index.ts'
import type { RawUrl } from '../../http/index.ts'
import { compileResource, resourceCovers, splitHost, stripPlayer, stripSigning } from '../../signing/index.ts'
import { folderOf } from './browser-rules.ts'

/** What is wrong with a resource, and the one to sign instead. */
export interface ResourceAdvice {
  found: string
  instead: string
}

/** Undefined when a policy's resource covers the URL, and of a playlist all that lies beside and below it. */
export function resourceAdvice(resource: string, url: RawUrl): ResourceAdvice | undefined {
  if (!covers(resource, url)) return notCovering(resource, url)
  if (!url.path.endsWith('.m3u8')) return undefined
  const folder = folderOf(url.path)
  const named = { ...url, query: '', path: `${folder}x/y.m4s` }
  if (covers(resource, named) && covers(resource, { ...named, path: `${folder}x.m3u8` })) return undefined
  const found = `Resource ${resource} covers the playlist and not what it names`
  return { found, instead: wide(resource, url) }
}

/** As an edge compares: the path as sent, then the canonical one, each with and without what players add. */
function covers(text: string, { scheme, authority, path, query }: RawUrl): boolean {
  const resource = compileResource(text)
  const { host, port } = splitHost(authority, scheme)
  const canonical = canonicalPath(path)
  const own = stripSigning(query)
  const paths = canonical.kind === 'ok' ? [path, canonical.path] : [path]
  return paths.some(each =>
    [own, stripPlayer(own)].some(rest =>
      resourceCovers(resource, { scheme, host, port, path: each, query: rest }),
    ),
  )
}

interface Parts {
  scheme: string
  host: string
  path: string
}

/** One mistake, and the resource without it; undefined where it was not made. */
type Mend = (parts: Parts, url: RawUrl) => { parts: Parts; said: string } | undefined

const MENDS: readonly Mend[] = [
  (parts, { scheme }) =>
    parts.scheme === scheme || parts.scheme === '*'
      ? undefined
      : { parts: { ...parts, scheme: '*' }, said: `its scheme is ${parts.scheme || 'missing'}` },
  (parts, { authority }) => {
    const port = /:\d+$/.exec(parts.host)?.[0]
    if (port === undefined || authority.endsWith(port)) return undefined
    return {
      parts: { ...parts, host: parts.host.slice(0, -port.length) },
      said: `its port is ${port.slice(1)}`,
    }
  },
  (parts, { authority, host }) =>
    parts.host === authority || parts.host === host
      ? undefined
      : { parts: { ...parts, host }, said: `its host is ${parts.host}, and the media is at ${host}` },
  (parts, { path }) => {
    if (parts.path.endsWith('*')) return undefined
    const inside = path.startsWith(parts.path.endsWith('/') ? parts.path : `${parts.path}/`)
    const open = `${parts.path}${inside && !parts.path.endsWith('/') ? '/' : ''}*`
    return { parts: { ...parts, path: open }, said: 'it has no "*" at its end' }
  },
  (parts, { path }) => ({
    parts: { ...parts, path: `${folderOf(path)}*` },
    said: `its path is ${parts.path}`,
  }),
]

/** The fewest mends after which it covers: each alone, then one after the other. */
function notCovering(resource: string, url: RawUrl): ResourceAdvice {
  const parts = partsOf(resource)
  for (const first of MENDS) {
    const once = first(parts, url)
    if (once && covers(textOf(once.parts), url)) return advice(resource, [once.said], once.parts)
  }
  let all = parts
  const said: string[] = []
  for (const mend of MENDS) {
    const next = mend(all, url)
    if (!next) continue
    all = next.parts
    said.push(next.said)
    if (covers(textOf(all), url)) return advice(resource, said, all)
  }
  return { found: `Resource ${resource} does not cover this URL`, instead: wide(resource, url) }
}

function advice(resource: string, said: string[], parts: Parts): ResourceAdvice {
  return {
    found: `Resource ${resource} does not cover this URL: ${said.join('; ')}`,
    instead: textOf(parts),
  }
}

/** The folder of the URL, under the resource's own scheme and host where these cover it. */
function wide(resource: string, url: RawUrl): string {
  const { scheme, host } = partsOf(resource)
  const own = textOf({ scheme, host, path: `${folderOf(url.path)}*` })
  return covers(own, url) ? own : `${url.scheme}://${url.host}${folderOf(url.path)}*`
}

function partsOf(resource: string): Parts {
  const [, scheme = '', host = '', path = ''] = /^(?:([^:/]*):\/\/)?([^/]*)(.*)$/.exec(resource) ?? []
  return { scheme, host, path }
}

function textOf({ scheme, host, path }: Parts): string {
  return `${scheme === '' ? '*' : scheme}://${host}${path}`
}
