import { createHash, timingSafeEqual } from 'node:crypto'

const digest = text => createHash('sha256').update(String(text)).digest()

/** Compares without telling by its time how much of it was right. */
export function same(given, right) {
  return timingSafeEqual(digest(given), digest(right))
}
