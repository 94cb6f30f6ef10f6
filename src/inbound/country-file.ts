import { readFileSync, statSync } from 'node:fs'
import { codeOf, Lru, messageOf, MiB, SluiceError, type Bytes, type Milliseconds } from '../core/index.ts'
import { isCountryDatabase, readCountryDatabase, type Place, type PlaceLookup } from './country-database.ts'
import { readCountryList } from './country-list.ts'

/** How soon a file that was replaced is noticed. */
const LOOK_EVERY: Milliseconds = 5_000
/** All of it lies in memory. */
const LARGEST: Bytes = 512 * MiB

export interface CountryFileOptions {
  file: string
  log: { info(fields: object, text: string): void; error(fields: object, text: string): void }
  /** Changed by tests only. */
  lookEvery?: Milliseconds
}

/**
 * Reads a country file once: a MaxMind DB, or lines of `network,country` (`readCountryList`). Throws a SluiceError of side `operator` that
 * names it.
 */
export function readCountryFile(file: string): PlaceLookup {
  try {
    if (statSync(file).size > LARGEST) throw new Error('it is larger than 512 MiB')
    const content = readFileSync(file)
    return isCountryDatabase(content)
      ? readCountryDatabase(content)
      : readCountryList(content.toString('utf8'))
  } catch (error) {
    throw new SluiceError(
      'bad-country-file',
      `The country file ${file} cannot be read: ${messageOf(error)}. Write a MaxMind DB (.mmdb) there, or lines of "network,country".`,
      { side: 'operator', kind: 'usage' },
    )
  }
}

/**
 * In which country addresses are, by a file of the operator's that is read again when it changes, within seconds and on
 * SIGHUP. One that cannot be read leaves the one before in its place.
 */
export class CountryFile {
  readonly #options: CountryFileOptions
  readonly #timer: NodeJS.Timeout
  readonly #onHangUp = (): void => this.look()
  /** Of those who ask now, who ask again and again. */
  readonly #known = new Lru<string, Place>({ max: 10_000 })
  #lookup: PlaceLookup | undefined
  #stamp: string

  /** Never throws: whoever needs it is told that nothing is known. `close` ends the looking. */
  constructor(options: CountryFileOptions) {
    this.#options = options
    this.#stamp = stampOf(options.file)
    this.#read()
    this.#timer = setInterval(() => this.look(), options.lookEvery ?? LOOK_EVERY)
    this.#timer.unref()
    process.on('SIGHUP', this.#onHangUp)
  }

  /** Whether there is anything by which to tell. */
  get isThere(): boolean {
    return this.#lookup !== undefined
  }

  /** ISO 3166-1 alpha-2, in capitals; undefined where the file says nothing of the address. */
  of(address: string): string | undefined {
    return this.place(address).country
  }

  /** What the file says of an address, which may be nothing. */
  place(address: string): Place {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const place = this.#find(address) ?? NOWHERE
    this.#known.set(address, place)
    return place
  }

  /** Reads it again if it has changed. */
  look(): void {
    const stamp = stampOf(this.#options.file)
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    if (this.#read()) this.#options.log.info({ file: this.#options.file }, 'the country file was replaced')
  }

  close(): void {
    clearInterval(this.#timer)
    process.off('SIGHUP', this.#onHangUp)
  }

  #find(address: string): Place | undefined {
    try {
      return this.#lookup?.(address)
    } catch (error) {
      // A database may be broken in places only.
      this.#options.log.error(
        { file: this.#options.file, why: messageOf(error) },
        'the country file is broken',
      )
      return undefined
    }
  }

  #read(): boolean {
    const { file, log } = this.#options
    try {
      this.#lookup = readCountryFile(file)
      this.#known.clear()
      return true
    } catch (error) {
      const meanwhile = this.#lookup === undefined ? 'No country is known' : 'What was there before holds'
      log.error({ file }, `${messageOf(error)} ${meanwhile} until then.`)
      return false
    }
  }
}

const NOWHERE: Place = {}

function stampOf(file: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(file, { bigint: true })
    return `${ino} ${mtimeNs} ${size}`
  } catch (error) {
    return codeOf(error) ?? 'unreadable'
  }
}
