/** The tags that name something to fetch, and the attributes that do (rfc8216bis 4.4.2 to 4.4.6). */
const NAMING_TAG =
  /^#EXT-X-(?:MEDIA|I-FRAME-STREAM-INF|IMAGE-STREAM-INF|SESSION-DATA|SESSION-KEY|CONTENT-STEERING|KEY|MAP|PART|PRELOAD-HINT|RENDITION-REPORT|DATERANGE):/
const NAMING_ATTRIBUTES = new Set(['URI', 'SERVER-URI', 'X-ASSET-URI', 'X-ASSET-LIST'])

/** A quoted value holds no quote (4.2), so it is passed over whole, whatever looks like an attribute inside. */
const ATTRIBUTE = /([A-Z0-9-]+)=("[^"]*"|[^",]*)/g

/** QUERYPARAM came with this version (8). */
const VERSION = 11

/** Each grows by a hundred characters; a playlist that names more is not carried on. */
const MOST_URIS = 20_000

/**
 * The playlist that hands parameters of its own URL on to what it names: it defines them by QUERYPARAM (rfc8216bis
 * 4.4.2.3) and refers to them on every relative URI. It holds their names and nothing of their values, so one text is
 * right for everybody who asks with these names. Absolute URIs stay as they are: what opens one host is not told to
 * another. Undefined when the text is no playlist, names nothing that could be carried on, or carries by itself.
 */
export function carryQuery(text: string, names: readonly string[]): string | undefined {
  const [head = '', ...lines] = text.split('\n')
  if (head.trimEnd() !== '#EXTM3U') return undefined
  const reference = names.map(name => `${name}={$${name}}`).join('&')
  let version: 'said' | 'unsaid' = 'unsaid'
  let uris = 0
  const carried = (uri: string): string => {
    if (!staysHere(uri) || asksFor(uri, names)) return uri
    uris++
    return withQuery(uri, reference)
  }
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-DEFINE:') && defines(line, names)) return undefined
    if (line.startsWith('#EXT-X-VERSION:')) {
      version = 'said'
      lines[at] = line.replace(/\d+/, said => String(Math.max(VERSION, Number(said))))
    } else if (!line.startsWith('#')) {
      lines[at] = line.replace(/\S(?:.*\S)?/s, carried)
    } else if (NAMING_TAG.test(line)) {
      lines[at] = carryAttributes(line, carried)
    }
    if (uris > MOST_URIS) return undefined
  }
  if (uris === 0) return undefined
  const end = head.endsWith('\r') ? '\r' : ''
  const before = [
    ...(version === 'unsaid' ? [`#EXT-X-VERSION:${VERSION}`] : []),
    ...names.map(name => `#EXT-X-DEFINE:QUERYPARAM="${name}"`),
  ]
  return [head, ...before.map(line => line + end), ...lines].join('\n')
}

function carryAttributes(line: string, carried: (uri: string) => string): string {
  return line.replace(ATTRIBUTE, (whole: string, name: string, value: string) =>
    NAMING_ATTRIBUTES.has(name) && value.startsWith('"') ? `${name}="${carried(value.slice(1, -1))}"` : whole,
  )
}

/** Whether the author of the playlist has made one of these variables himself; a second definition is an error. */
function defines(line: string, names: readonly string[]): boolean {
  return [...line.matchAll(ATTRIBUTE)].some(
    ([, name = '', value = '']) =>
      ['NAME', 'IMPORT', 'QUERYPARAM'].includes(name) && names.includes(value.slice(1, -1)),
  )
}

/**
 * Whether a URI leads to the playlist's own host, read as URL parsers do (WHATWG URL 4.4): blanks at its ends and tabs
 * anywhere are nothing, and a backslash is a slash. Players trim it before that, of blanks beyond ASCII too. What a variable may still turn into another host does not count.
 */
function staysHere(uri: string): boolean {
  const read = uri.replace(/[\s\u0000-\u0020]/g, '').replaceAll('\\', '/')
  return read !== '' && !/^(?:\/\/|[A-Za-z][A-Za-z0-9+.-]*:)/.test(read) && !read.includes('{$')
}

/** Whether a URI has one of the parameters already: twice would be once too often. */
function asksFor(uri: string, names: readonly string[]): boolean {
  const query = /\?([^#]*)/.exec(uri)?.[1] ?? ''
  return query.split('&').some(pair => names.includes(pair.split('=', 1)[0] ?? ''))
}

function withQuery(uri: string, reference: string): string {
  const [, target = '', fragment = ''] = /^([^#]*)(.*)$/s.exec(uri) ?? []
  const joint = !target.includes('?') ? '?' : /[?&]$/.test(target) ? '' : '&'
  return `${target}${joint}${reference}${fragment}`
}
