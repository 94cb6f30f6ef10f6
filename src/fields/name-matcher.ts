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
 * Compares one name, decoded, byte by byte as it comes: it is known as soon as it can be, so that nothing longer than a
 * pattern is ever held back. No two patterns of a profile match one name.
 */
export class NameMatcher {
  readonly #patterns: Patterns
  #left: Patterns
  #length = 0
  /** Set once a pattern with `*` matches, whatever follows. */
  found: Entity | undefined

  constructor(patterns: Patterns) {
    this.#patterns = patterns
    this.#left = patterns
  }

  /** Whether what follows of the name still matters. */
  get open(): boolean {
    return this.found === undefined && this.#left.length > 0
  }

  begin(): void {
    this.#left = this.#patterns
    this.#length = 0
    this.found = undefined
  }

  take(byte: number): void {
    if (!this.open) return
    const at = this.#length++
    // Most names of a form differ from all patterns in their first letters.
    this.#left = this.#left.filter(({ bytes }) => bytes[at] === byte)
    this.found = this.#left.find(({ bytes, open }) => open && bytes.length === this.#length)?.entity
  }

  /** Whose the name is, now that it is whole. */
  end(): Entity | undefined {
    return this.found ?? this.#left.find(({ bytes, open }) => !open && bytes.length === this.#length)?.entity
  }
}
