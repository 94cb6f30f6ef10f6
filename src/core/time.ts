/** An instant in milliseconds since the Unix epoch. Policy takes it as an argument and never reads a clock. */
export type Instant = number & { readonly unit: 'epoch-ms' }

/** A span of time in milliseconds. */
export type Milliseconds = number & { readonly unit?: 'ms' }

/** A span of time in whole seconds, as playlists, tokens and HTTP headers count it. */
export type Seconds = number & { readonly unit?: 's' }

/** Where a long-lived thing reads the time; tests hand in a clock of their own. */
export interface Clock {
  now(): Instant
}

export const systemClock: Clock = { now: () => Date.now() as Instant }

export function instant(epochMilliseconds: number): Instant {
  return epochMilliseconds as Instant
}

export function after(start: Instant, span: Milliseconds): Instant {
  return (start + span) as Instant
}

/** Whole Unix seconds, rounded down, as CloudFront's policies count. */
export function epochSeconds(at: Instant): Seconds {
  return Math.floor(at / 1000)
}

const UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Reads `90s`, `12h`, `7d`, `1h30m`; undefined when it is not a duration. A bare number is refused: its unit would be a guess. */
export function parseDuration(text: string): Milliseconds | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (UNITS[unit ?? ''] ?? 0)
  }
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined
}
