/** A count of bytes. */
export type Bytes = number & { readonly unit?: 'bytes' }

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

const SIZES: Record<string, number> = { '': 1, k: KiB, m: MiB, g: GiB, t: 1024 * GiB }

/** Reads `10GiB`, `512m`, `1048576`; undefined when it is not a size. Units are binary. */
export function parseBytes(text: string): Bytes | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?b?$/i.exec(text.trim())
  if (!match) return undefined
  const size = Math.round(Number(match[1]) * (SIZES[(match[2] ?? '').toLowerCase()] ?? 1))
  return Number.isSafeInteger(size) ? size : undefined
}

/** `1.5 GiB`, for sentences that people read. */
export function formatBytes(count: Bytes): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? 'B'}`
}
