import type { Bytes } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { StoredObject } from '../contract.ts'
import { Arena, LONGEST_RECORD, type Place } from './arena.ts'
import { hashOf, KeyTable } from './key-table.ts'
import { Glance, hashAt, isOf, packingOf, read, wasUsed, write, type Rendered } from './record.ts'

/** What a record takes beyond its bytes: slots of the table, a fallow part of the arena, what it is rounded up by. */
const BESIDE: Bytes = 64
const FALLOW = 4 / 3

/**
 * Small objects, each one stretch of bytes: a tenth of the memory and of the time that as many objects of the language
 * take among a million, since every thing that is touched costs a look into memory that no processor's cache holds.
 */
export class PackedObjects {
  readonly #table = new KeyTable()
  readonly #arena = new Arena((from, to) => this.#moved(from, to))
  readonly #glance = new Glance()

  /** Takes the object in under its key, where nothing is; how much it takes, or undefined where it stays outside. */
  add(object: StoredObject, rendered: Rendered): Bytes | undefined {
    if (object.body.length > LONGEST_RECORD) return undefined
    const packing = packingOf(object, rendered)
    const place = packing && this.#arena.allocate(packing.length)
    if (packing === undefined || place === undefined) return undefined
    const hash = hashOf(object.key)
    write(this.#arena.blockOf(place), this.#arena.at(place), hash, packing)
    if (this.#table.add(hash, place)) return Math.ceil(packing.length * FALLOW) + BESIDE
    this.#arena.free(place)
    return undefined
  }

  /** Good until the next call; counts as a use. */
  glance(key: CacheKey): Glance | undefined {
    const slot = this.#find(key)
    if (slot < 0) return undefined
    const place = this.#table.placeAt(slot)
    return this.#glance.at(this.#arena.blockOf(place), this.#arena.at(place))
  }

  /** Takes it out as it was set. */
  take(key: CacheKey): StoredObject | undefined {
    const slot = this.#find(key)
    if (slot < 0) return undefined
    const place = this.#table.placeAt(slot)
    const object = read(this.#arena.blockOf(place), this.#arena.at(place))
    this.#remove(slot, place)
    return object
  }

  delete(key: CacheKey): void {
    const slot = this.#find(key)
    if (slot >= 0) this.#remove(slot, this.#table.placeAt(slot))
  }

  /** Whether it was asked for since this was asked last. */
  wasUsed(key: CacheKey): boolean {
    const slot = this.#find(key)
    if (slot < 0) return false
    const place = this.#table.placeAt(slot)
    return wasUsed(this.#arena.blockOf(place), this.#arena.at(place))
  }

  /** What the records take. */
  get bytes(): Bytes {
    return this.#arena.bytes
  }

  /** What is had of the system for them. */
  get reserved(): Bytes {
    return this.#arena.reserved
  }

  #find(key: CacheKey): number {
    const hash = hashOf(key)
    let slot = this.#table.find(hash)
    while (slot >= 0) {
      const place = this.#table.placeAt(slot)
      if (isOf(this.#arena.blockOf(place), this.#arena.at(place), key)) return slot
      slot = this.#table.after(slot, hash)
    }
    return slot
  }

  #remove(slot: number, place: Place): void {
    this.#table.remove(slot)
    this.#arena.free(place)
  }

  #moved(from: Place, to: Place): void {
    const hash = hashAt(this.#arena.blockOf(to), this.#arena.at(to))
    let slot = this.#table.find(hash)
    while (slot >= 0 && this.#table.placeAt(slot) !== from) slot = this.#table.after(slot, hash)
    if (slot >= 0) this.#table.move(slot, to)
  }
}
