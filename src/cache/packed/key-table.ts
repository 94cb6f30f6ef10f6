import { randomBytes } from 'node:crypto'
import type { Place } from './arena.ts'

const FIRST_SLOTS = 1024
/** Of its slots so many may be taken. */
const FULLEST = 0.6
/** Whoever makes up keys that come to lie together finds nothing slowed down by more than this. */
const MOST_STEPS = 128

/** Another one in each process, so that nobody can tell which keys come to lie together. */
const SEED = randomBytes(4).readInt32LE()

/** 32 bits. */
export function hashOf(key: string): number {
  let hash = SEED
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * Where the records of keys are, by the keys' hashes: one flat list of pairs of hash and place, so that to find one
 * among millions takes a single look into memory that is in no processor's cache. Open addressing, one step each.
 */
export class KeyTable {
  #slots = new Int32Array(2 * FIRST_SLOTS)
  #mask = FIRST_SLOTS - 1
  #count = 0

  /** The first slot with this hash; below zero where there is none. */
  find(hash: number): number {
    return this.#seek(hash & this.#mask, hash)
  }

  /** The next one with the same hash behind such a slot. */
  after(slot: number, hash: number): number {
    return this.#seek((slot + 1) & this.#mask, hash)
  }

  placeAt(slot: number): Place {
    return (this.#slots[2 * slot + 1] ?? 0) - 1
  }

  move(slot: number, to: Place): void {
    this.#slots[2 * slot + 1] = to + 1
  }

  /** False where too many lie together. */
  add(hash: number, place: Place): boolean {
    if (this.#count + 1 > FULLEST * (this.#mask + 1)) this.#grow()
    let slot = hash & this.#mask
    for (let steps = 0; this.#slots[2 * slot + 1] !== 0; steps++) {
      if (steps === MOST_STEPS) return false
      slot = (slot + 1) & this.#mask
    }
    this.#put(slot, hash, place + 1)
    this.#count++
    return true
  }

  /** What lies behind it closes up. */
  remove(slot: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let gap = slot
    for (let next = (slot + 1) & mask; slots[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const hash = slots[2 * next] ?? 0
      // Whether it would still be found there: not before where its search begins.
      if (((next - (hash & mask)) & mask) < ((next - gap) & mask)) continue
      this.#put(gap, hash, slots[2 * next + 1] ?? 0)
      gap = next
    }
    this.#put(gap, 0, 0)
    this.#count--
  }

  #seek(slot: number, hash: number): number {
    const slots = this.#slots
    while (slots[2 * slot + 1] !== 0) {
      if (slots[2 * slot] === hash) return slot
      slot = (slot + 1) & this.#mask
    }
    return -1
  }

  #put(slot: number, hash: number, place: number): void {
    this.#slots[2 * slot] = hash
    this.#slots[2 * slot + 1] = place
  }

  #grow(): void {
    const before = this.#slots
    this.#mask = 2 * this.#mask + 1
    this.#slots = new Int32Array(2 * (this.#mask + 1))
    for (let at = 0; at < before.length; at += 2) {
      const place = before[at + 1] ?? 0
      if (place === 0) continue
      const hash = before[at] ?? 0
      let slot = hash & this.#mask
      while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
      this.#put(slot, hash, place)
    }
  }
}
