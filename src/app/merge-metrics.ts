/**
 * One Prometheus page out of those of several processes. The text format wants all samples of a metric together below
 * one HELP and one TYPE line, so the pages cannot simply follow each other. Each page labels its samples with its role.
 */
export function mergeMetrics(pages: readonly string[]): string {
  const families = new Map<string, { head: string[]; samples: string[] }>()
  for (const page of pages) {
    let current = ''
    const seenHere = new Set<string>()
    for (const line of page.split('\n')) {
      if (line === '') continue
      const head = /^# (?:HELP|TYPE) (\S+)/.exec(line)
      if (head?.[1] !== undefined) {
        current = head[1]
        const known = families.get(current)
        if (!known) seenHere.add(current)
        const family = known ?? { head: [], samples: [] }
        families.set(current, family)
        if (seenHere.has(current)) family.head.push(line)
      } else if (!line.startsWith('#')) {
        families.get(current)?.samples.push(line)
      }
    }
  }
  const lines = [...families.values()].flatMap(family => [...family.head, ...family.samples])
  return `${lines.join('\n')}\n`
}
