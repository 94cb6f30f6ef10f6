/** Of which several processes say how long, when or which, not how much: the largest stands for all. */
const NOT_SUMMED = /_(?:time_seconds|version_info|lag_\w*seconds|max_fds)$/

interface Page {
  /** `# HELP` and `# TYPE` by family. */
  heads: Map<string, { lines: string[]; type: string }>
  /** By family and then by name and labels. */
  samples: Map<string, Map<string, number>>
}

/**
 * One Prometheus page for all processes of an edge. Counters of a worker that has ended stay in the sums as they were
 * heard last, since a sum that goes down would count as a start from nothing.
 */
export class MetricSums {
  readonly #last = new Map<object, Page>()
  /** Of those that have ended: the page that is in `#past`. */
  readonly #ended = new WeakMap<object, Page>()
  readonly #past = new Map<string, Map<string, number>>()

  /** `own` is the page of this process; each of the others comes with the process that it is of. */
  of(own: string, others: readonly { member: object; answered: string }[]): string {
    const pages = others.flatMap(({ member, answered }) => {
      const page = readPage(answered)
      if (this.#ended.has(member)) {
        // Its last words, heard after its end.
        this.#keep(member, page)
        return []
      }
      this.#last.set(member, page)
      return [page]
    })
    return render([readPage(own), ...pages], this.#past)
  }

  /** That process has ended. */
  left(member: object): void {
    this.#keep(member, this.#last.get(member) ?? { heads: new Map(), samples: new Map() })
    this.#last.delete(member)
  }

  /** In place of what was kept of this process before. */
  #keep(member: object, page: Page): void {
    const before = this.#ended.get(member)
    this.#ended.set(member, page)
    for (const [family, samples] of page.samples) {
      const type = page.heads.get(family)?.type
      if (type !== 'counter' && type !== 'histogram') continue
      const past = this.#past.get(family) ?? new Map<string, number>()
      this.#past.set(family, past)
      const known = before?.samples.get(family)
      for (const [sample, value] of samples)
        past.set(sample, (past.get(sample) ?? 0) + value - (known?.get(sample) ?? 0))
    }
  }
}

function render(pages: readonly Page[], past: ReadonlyMap<string, ReadonlyMap<string, number>>): string {
  const heads = new Map(pages.flatMap(page => [...page.heads]))
  const lines: string[] = []
  for (const [family, head] of heads) {
    const sums = new Map(past.get(family))
    for (const page of pages)
      for (const [sample, value] of page.samples.get(family) ?? []) {
        const before = sums.get(sample)
        const both = NOT_SUMMED.test(family) ? Math.max(before ?? value, value) : (before ?? 0) + value
        sums.set(sample, both)
      }
    lines.push(...head.lines, ...[...sums].map(([sample, value]) => `${sample} ${value}`))
  }
  return `${lines.join('\n')}\n`
}

function readPage(text: string): Page {
  const page: Page = { heads: new Map(), samples: new Map() }
  let family = ''
  for (const line of text.split('\n')) {
    const head = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line)
    if (head) {
      family = head[2] ?? ''
      const known = page.heads.get(family) ?? { lines: [], type: '' }
      page.heads.set(family, {
        lines: [...known.lines, line],
        type: head[1] === 'TYPE' ? (head[3] ?? '') : known.type,
      })
    } else if (line !== '' && !line.startsWith('#')) {
      const at = line.lastIndexOf(' ')
      const samples = page.samples.get(family) ?? new Map<string, number>()
      page.samples.set(family, samples.set(line.slice(0, at), Number(line.slice(at + 1))))
    }
  }
  return page
}
