/** A decimal-floating-point of an attribute (rfc8216bis 4.2): to the microsecond, never with an exponent. */
export function decimal(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, '')
}

/** The value that `decimal` writes, so that comparisons hold for what stands in the text. */
export function toMicroseconds(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
