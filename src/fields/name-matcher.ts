import type { EncryptionProfile } from '../distribution/index.ts'

export type Entity = EncryptionProfile['entities'][number]

/** One pattern: the bytes that a name is or begins with. */
interface Wanted {
  bytes: Uint8Array
  open: boolean
  entity: Entity
}

/** The patterns of a profile, ready to be compared. */
export type Patterns = readonly Wanted[]

export function patternsOf({ entities }: EncryptionProfile): Patterns {
  return entities.flatMap(entity =>
    entity.patterns.map(pattern => {
      const open = pattern.endsWith('*')
      return { bytes: Buffer.from(open ? pattern.slice(0, -1) : pattern, 'latin1'), open, entity }
    }),
  )
}

/**
 * Compares one name, decoded, byte by byte as it comes. No two patterns of a profile match one name. A form may have half a
 * million names, so none of them costs memory.
 */
export class NameMatcher {
  readonly #patterns: Patterns
  readonly #all: number
  /** A bit for each pattern that the name may still be. */
  #left: number
  #length = 0
  /** Set once a pattern with `*` matches, whatever follows. */
  #found: Entity | undefined

  constructor(patterns: Patterns) {
    this.#patterns = patterns
    this.#all = 2 ** patterns.length - 1
    this.#left = this.#all
  }

  /** Whether what follows of the name still matters. */
  get open(): boolean {
    return this.#left !== 0
  }

  begin(): void {
    this.#left = this.#all
    this.#length = 0
    this.#found = undefined
  }

  take(byte: number): void {
    const at = this.#length++
    for (let rest = this.#left; rest !== 0; rest &= rest - 1) {
      const which = 31 - Math.clz32(rest & -rest)
      const pattern = this.#patterns[which]
      if (pattern === undefined || pattern.bytes[at] !== byte) this.#left &= ~(1 << which)
      else if (pattern.open && pattern.bytes.length === this.#length) {
        this.#found = pattern.entity
        this.#left = 0
        return
      }
    }
  }

  /** Whose the name is, now that it is whole. */
  end(): Entity | undefined {
    if (this.#found !== undefined || this.#left === 0) return this.#found
    return this.#patterns.find(
      ({ bytes, open }, which) => !open && bytes.length === this.#length && (this.#left & (1 << which)) !== 0,
    )?.entity
  }
}
