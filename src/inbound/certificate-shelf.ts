import { statSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { codeOf, messageOf, type Clock, type Milliseconds } from '../core/index.ts'
import {
  nameOfPair,
  readCertificate,
  untimely,
  type Certificate,
  type CertificatePair,
} from './certificate.ts'

/** How soon a file that was replaced is noticed. */
const LOOK_EVERY: Milliseconds = 5000

export interface CertificateShelfOptions {
  /** Shown to who asks for no name, or for one that no other certificate has. */
  own: CertificatePair
  /** Shown to who asks for one of their names. */
  others?: readonly CertificatePair[]
  clock: Clock
  log: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  /** Changed by tests only. */
  lookEvery?: Milliseconds
}

interface Slot {
  readonly pair: CertificatePair
  stamp: string
  /** Undefined while there was none yet that can be used. */
  certificate: Certificate | undefined
}

/**
 * The certificates of this process, chosen by the name that a client asks for. Files that change are read again, within
 * seconds and on SIGHUP; connections that are open keep what they have. A pair that cannot be used leaves the one before
 * in its place.
 */
export class CertificateShelf {
  readonly #options: CertificateShelfOptions
  readonly #ownSlot: Slot
  #own: Certificate
  readonly #others: Slot[]
  readonly #listeners = new Set<(own: Certificate) => void>()
  readonly #timer: NodeJS.Timeout
  readonly #onHangUp = (): void => this.look()
  #byName = new Map<string, Certificate[]>()

  /**
   * Reads them all. Throws a sentence about the own one; another that cannot be used is told in the log, since one name
   * must not keep the rest away. `close` ends the looking.
   */
  constructor(options: CertificateShelfOptions) {
    this.#options = options
    // A stamp is taken before the reading, so that a change in between is noticed at the next look.
    const slot = (pair: CertificatePair): Slot => ({ pair, stamp: stampOf(pair), certificate: undefined })
    this.#ownSlot = slot(options.own)
    this.#own = this.#ownSlot.certificate = readCertificate(options.own)
    this.#others = (options.others ?? []).map(slot)
    for (const each of this.#others) this.#read(each)
    this.#order()
    this.#timer = setInterval(() => this.look(), options.lookEvery ?? LOOK_EVERY)
    this.#timer.unref()
    process.on('SIGHUP', this.#onHangUp)
  }

  /** For who asks for no name that another one has. */
  get own(): Certificate {
    return this.#own
  }

  /** Called with the new one when the own certificate was replaced. */
  onOwn(listener: (own: Certificate) => void): void {
    this.#listeners.add(listener)
  }

  /**
   * The context for a server name (RFC 6066 §3), whatever its case; undefined means the own one. A certificate that
   * has the name itself comes before one with an asterisk, one whose time it is before others, the newest first.
   */
  context(serverName: string): SecureContext | undefined {
    const name = serverName.toLowerCase().replace(/\.$/, '')
    const dot = name.indexOf('.')
    const found = [
      ...(this.#byName.get(name) ?? []),
      ...(dot < 0 ? [] : (this.#byName.get(`*${name.slice(dot)}`) ?? [])),
    ]
    return this.#goodOf(found)?.context
  }

  /** The context of the certificate that the operator calls so; undefined where there is none. */
  named(name: string | undefined): SecureContext | undefined {
    if (name === undefined) return undefined
    const slots = this.#others.filter(({ pair }) => nameOfPair(pair) === name)
    return this.#goodOf(slots.flatMap(({ certificate }) => certificate ?? []))?.context
  }

  #goodOf(found: readonly Certificate[]): Certificate | undefined {
    const now = this.#options.clock.now()
    return found.find(each => each.notBefore <= now && now < each.notAfter) ?? found[0]
  }

  /** Reads again what has changed on the disk. */
  look(): void {
    const changed = [this.#ownSlot, ...this.#others].filter(
      slot => this.#hasChanged(slot) && this.#read(slot),
    )
    if (changed.length === 0) return
    this.#order()
    this.#own = this.#ownSlot.certificate ?? this.#own
    if (changed.includes(this.#ownSlot)) for (const listener of this.#listeners) listener(this.#own)
  }

  close(): void {
    clearInterval(this.#timer)
    process.off('SIGHUP', this.#onHangUp)
  }

  #hasChanged(slot: Slot): boolean {
    const before = slot.stamp
    // Whatever is wrong with what stands there now is said once, not at each look.
    slot.stamp = stampOf(slot.pair)
    return slot.stamp !== before
  }

  #read(slot: Slot): boolean {
    const { log, clock } = this.#options
    const file = slot.pair.certificateFile
    const replaced = slot.certificate !== undefined
    try {
      slot.certificate = readCertificate(slot.pair)
    } catch (error) {
      log.warn(
        { file },
        `${messageOf(error)} Until then ${replaced ? 'the one before it' : 'another'} is shown.`,
      )
      return false
    }
    if (replaced) log.info({ file }, 'a certificate was replaced')
    const late = untimely(slot.pair, slot.certificate, clock.now())
    if (late !== undefined) log.warn({ file }, late)
    return true
  }

  #order(): void {
    const byName = new Map<string, Certificate[]>()
    const newestFirst = this.#others
      .flatMap(({ certificate }) => certificate ?? [])
      .sort((a, b) => b.notBefore - a.notBefore)
    for (const certificate of newestFirst) {
      for (const name of certificate.names) byName.set(name, [...(byName.get(name) ?? []), certificate])
    }
    this.#byName = byName
  }
}

function stampOf({ certificateFile, keyFile }: CertificatePair): string {
  return [certificateFile, keyFile].map(stampOfFile).join(' ')
}

function stampOfFile(file: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(file, { bigint: true })
    return `${ino} ${mtimeNs} ${size}`
  } catch (error) {
    return codeOf(error) ?? 'unreadable'
  }
}
