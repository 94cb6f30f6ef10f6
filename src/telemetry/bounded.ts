import type { Growing, Labels } from './metric.ts'

/** In place of a label that is one too many. */
export const OTHER = 'other'

/**
 * Keeps a metric to its bounds. Labels that grow count together, so that a metric of two of them has no more series than one
 * of one; a word that is on no list is `other` as well.
 */
export function bounded(
  labels: Labels,
): (sample: Readonly<Record<string, string>>) => Record<string, string> {
  const listed: [string, ReadonlySet<string>][] = []
  const growing: string[] = []
  let atMost = 0
  for (const [label, values] of Object.entries(labels)) {
    if (isGrowing(values)) {
      growing.push(label)
      atMost = Math.max(atMost, values.atMost)
    } else listed.push([label, new Set(values)])
  }
  const known = new Set<string>()

  function isKnown(sample: Readonly<Record<string, string>>): boolean {
    const key = growing.map(label => sample[label]).join('\n')
    if (known.has(key)) return true
    if (known.size >= atMost) return false
    known.add(key)
    return true
  }

  return sample => {
    const kept = { ...sample }
    for (const [label, words] of listed) if (!words.has(kept[label] ?? '')) kept[label] = OTHER
    if (growing.length > 0 && !isKnown(sample)) for (const label of growing) kept[label] = OTHER
    return kept
  }
}

function isGrowing(values: Labels[string]): values is Growing {
  return 'atMost' in values
}
