/** One of a `Cookie` field (RFC 6265 §4.2.1): as it was sent, with its name apart. */
interface Pair {
  name: string
  text: string
}

/** The cookies of a field that are wanted, in their order; undefined when none is. */
export function pickCookies(header: string, wanted: (name: string) => boolean): string | undefined {
  return joined(pairsOf(header).filter(({ name }) => wanted(name)))
}

/** The same, by name: what is keyed is the same in whatever order a viewer sends it. Of one name the order counts. */
export function settledCookies(header: string, wanted: (name: string) => boolean): string | undefined {
  const pairs = pairsOf(header).filter(({ name }) => wanted(name))
  return joined(pairs.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)))
}

function pairsOf(header: string): Pair[] {
  return header.split(';').flatMap(each => {
    const text = each.trim()
    return text === '' ? [] : [{ name: (text.split('=', 1)[0] ?? '').trim(), text }]
  })
}

function joined(pairs: readonly Pair[]): string | undefined {
  return pairs.length === 0 ? undefined : pairs.map(({ text }) => text).join('; ')
}
