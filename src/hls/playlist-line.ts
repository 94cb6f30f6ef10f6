/** One line of a playlist that is no URI: a tag, a comment, or nothing. */
export interface PlaylistTag {
  /** Without `#`; left out for comments and empty lines. */
  name?: string
  /** What stands behind the colon, of tags that have no attributes. */
  value?: string
  /** Quotes taken off. */
  attributes?: Record<string, string>
  /** The line as it was written, where it could not be told from the rest; as long as that says the same, it counts. */
  text?: string
}

/** Values of these are strings (rfc8216bis §4.4): a number among them is quoted all the same. */
const QUOTED =
  /^(?:URI|SERVER-URI|GROUP-ID|NAME|LANGUAGE|ASSOC-LANGUAGE|CODECS|SUPPLEMENTAL-CODECS|CHANNELS|CHARACTERISTICS|AUDIO|VIDEO|SUBTITLES|INSTREAM-ID|KEYFORMAT|KEYFORMATVERSIONS|ID|CLASS|CUE|START-DATE|END-DATE|DATA-ID|VALUE|IMPORT|QUERYPARAM|BYTERANGE|PATHWAY-ID|STABLE-VARIANT-ID|STABLE-RENDITION-ID|REQ-VIDEO-LAYOUT|ALLOWED-CPC|RECENTLY-REMOVED-DATERANGES|X-.*)$/
const UNQUOTED = /^[A-Za-z0-9.+-]+$/
const ATTRIBUTE = /([A-Z0-9-]+)=("[^"]*"|[^",]*)(?:,|$)/y

/** Reads one line, without its end. Whatever it is, `lineOf` writes the same text again. */
export function tagOf(line: string): PlaylistTag {
  const parsed = parsedTag(line)
  return render(parsed) === line ? parsed : { ...parsed, text: line }
}

function parsedTag(line: string): PlaylistTag {
  const [, name, rest] = /^#(EXT[^:\s]*)(?::(.*))?$/s.exec(line) ?? []
  if (name === undefined) return {}
  if (rest === undefined) return { name }
  const attributes = attributesOf(rest)
  return attributes === undefined ? { name, value: rest } : { name, attributes }
}

/** Undefined for what is no list of attributes, or names one twice. */
function attributesOf(text: string): Record<string, string> | undefined {
  const read = new Map<string, string>()
  ATTRIBUTE.lastIndex = 0
  while (ATTRIBUTE.lastIndex < text.length) {
    const [, name = '', value = ''] = ATTRIBUTE.exec(text) ?? []
    if (name === '' || read.has(name)) return undefined
    read.set(name, value.startsWith('"') ? value.slice(1, -1) : value)
  }
  return read.size === 0 ? undefined : Object.fromEntries(read)
}

/** The line of a tag: as it was written where that still says the same, and made anew otherwise. */
export function lineOf(tag: PlaylistTag): string {
  if (tag.text === undefined) return render(tag)
  const before = parsedTag(tag.text)
  if (isSame(before, tag)) return tag.text
  return render(tag, quotedIn(tag.text))
}

function isSame(one: PlaylistTag, other: PlaylistTag): boolean {
  const [first, second] = [Object.entries(one.attributes ?? {}), Object.entries(other.attributes ?? {})]
  return (
    one.name === other.name &&
    one.value === other.value &&
    first.length === second.length &&
    first.every(([name, value], at) => second[at]?.[0] === name && second[at][1] === value)
  )
}

function quotedIn(line: string): ReadonlySet<string> {
  return new Set([...line.matchAll(/([A-Z0-9-]+)="/g)].map(([, name = '']) => name))
}

function render({ name, value, attributes }: PlaylistTag, quoted?: ReadonlySet<string>): string {
  if (name === undefined) return ''
  if (attributes === undefined) return value === undefined ? `#${name}` : `#${name}:${value}`
  const list = Object.entries(attributes).map(([each, text]) =>
    QUOTED.test(each) || quoted?.has(each) === true || !UNQUOTED.test(text)
      ? `${each}="${text}"`
      : `${each}=${text}`,
  )
  return `#${name}:${list.join(',')}`
}
