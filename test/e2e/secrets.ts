import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** A trace of a secret where none may be: which, how it is spelled there, and where. */
export interface Leak {
  secret: string
  spelling: string
  where: string
}

/** What a reader of a log could use is more than half of a secret; this much of one is already too much. */
const HEAD = 24
/** Shorter ones would be found by chance. */
const SHORTEST = 8

/** Every value that lets somebody in, by what it is, and each way in which software writes such a value down. */
export class Secrets {
  readonly #spellings = new Map<string, { secret: string; spelling: string }>()

  /** Remembers a value; of those that belong together, such as the lines of a key, each is one. */
  add(secret: string, ...values: string[]): void {
    for (const value of values) {
      for (const [spelling, text] of spellings(value)) {
        if (text.length >= SHORTEST && !this.#spellings.has(text))
          this.#spellings.set(text, { secret, spelling })
      }
    }
  }

  /** A signed URL, cookie header or token, whole and part by part. */
  addGrant(secret: string, text: string): void {
    this.add(secret, text)
    for (const [part = ''] of text.matchAll(/[A-Za-z0-9_~-]{40,}/g)) this.add(`${secret}, a part`, part)
  }

  get size(): number {
    return this.#spellings.size
  }

  in(where: string, text: string): Leak[] {
    return [...this.#spellings]
      .filter(([spelled]) => text.includes(spelled))
      .map(([, found]) => ({ ...found, where }))
  }

  /** In every file below a folder, whatever it is, but for those that `hold` names: they are there to hold secrets. */
  below(folder: string, hold: (file: string) => boolean = () => false): Leak[] {
    return filesBelow(folder)
      .filter(file => !hold(file))
      .flatMap(file => this.in(file, readFileSync(path.join(folder, file), 'latin1')))
  }
}

/** Relative, with `/`. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    statSync(path.join(folder, file)).isFile(),
  )
}

function spellings(value: string): [spelling: string, text: string][] {
  const bytes = Buffer.from(value)
  const decoded = Buffer.from(value.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64')
  const cloudFront = (each: Buffer): string =>
    each.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~')
  const whole: [string, string][] = [
    ['as it is', value],
    ['percent-encoded', encodeURIComponent(value)],
    ['in lower case', value.toLowerCase()],
    ['in JSON', JSON.stringify(value).slice(1, -1)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(value)).slice(3, -3)],
    // A text before it shifts what base64 makes of it by one or two bytes; the cut end depends on what follows.
    ...[0, 1, 2].map((shift): [string, string] => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
      return [`in base64 behind ${shift}`, text.slice(shift === 0 ? 0 : 4, text.length - 4)]
    }),
    ['in base64url', bytes.toString('base64url').slice(0, -4)],
    ["in CloudFront's base64", cloudFront(bytes).slice(0, -4)],
    ['in hexadecimal', bytes.toString('hex')],
  ]
  // Of a signature the bytes are what counts, whichever alphabet writes them.
  const ofBytes: [string, string][] = /^[A-Za-z0-9_~+/=-]{60,}$/.test(value)
    ? [
        ['its first characters', value.slice(0, HEAD)],
        ['its bytes in base64', decoded.toString('base64').slice(0, HEAD)],
        ['its bytes in base64url', decoded.toString('base64url').slice(0, HEAD)],
        ['its bytes in hexadecimal', decoded.toString('hex').slice(0, 2 * HEAD)],
      ]
    : []
  return [...whole, ...ofBytes]
}
