import { pino } from 'pino'

/** What is known about an event; never a signature, cookie, token or key. */
export type Fields = Record<string, unknown>

/** Events with fields: `log.info({ key, ms }, 'cache filled')`. */
export interface Logger {
  debug(fields: Fields, event: string): void
  info(fields: Fields, event: string): void
  warn(fields: Fields, event: string): void
  error(fields: Fields, event: string): void
  child(fields: Fields): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One JSON line per event on stdout, which the supervisor keeps in the role's log file. The door to pino. */
export function createLogger(name: string, level: LogLevel = 'info'): Logger {
  return pino({ name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime })
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
