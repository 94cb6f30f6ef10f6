import { codeOf, messageOf, SluiceError } from '../../core/index.ts'

/** The server ends, starts, or is full; or it has cut us off for holding a transaction. */
const AWAY: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '57P05', '25P03', '53300'],
  ...['08000', '08001', '08003', '08004', '08006'],
])
/** A lock or a statement took longer than control allows. */
const BUSY: ReadonlySet<string> = new Set(['55P03', '57014'])

/** A connection could not be made. */
export function unreachable(error: unknown, place: string): SluiceError {
  return new SluiceError(
    'database-away',
    `the database ${place} cannot be reached (${reasonOf(error)}): ${mendOf(codeOf(error) ?? '')}`,
    { side: 'operator', kind: 'unavailable' },
  )
}

/** What a failed statement means where the server is to blame; undefined for everything else. */
export function wentAway(
  error: unknown,
  connection: 'open' | 'lost',
  place: string,
): SluiceError | undefined {
  if (error instanceof SluiceError && error.code === 'database-away') return error
  const code = codes(error).find(each => AWAY.has(each) || BUSY.has(each))
  if (code !== undefined && BUSY.has(code)) {
    return new SluiceError(
      'database-busy',
      `the database ${place} takes too long: try again, and look at what else it does`,
      { side: 'operator', kind: 'unavailable' },
    )
  }
  if (code !== undefined || connection === 'lost' || isSilence(error)) {
    return new SluiceError(
      'database-away',
      `the database ${place} went away in the middle: try again when it is back`,
      { side: 'operator', kind: 'unavailable' },
    )
  }
  return undefined
}

function codes(error: unknown): string[] {
  const found: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = codeOf(each)
    if (code !== undefined) found.push(code)
  }
  return found
}

/** node-postgres gives these no code. */
function isSilence(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (
      /^(Query read timeout|Connection terminated|Client has encountered a connection error)/.test(
        each.message,
      )
    )
      return true
  }
  return false
}

/** Several addresses of one name are tried, and fail as one error without a message. */
function reasonOf(error: unknown): string {
  const text = messageOf(error)
  return text === '' ? (codeOf(error) ?? 'no reason given') : text
}

function mendOf(code: string): string {
  if (code.startsWith('28'))
    return 'check the user and the password in DATABASE_URL, and pg_hba.conf on the server'
  if (code === '3D000') return 'make the database with createdb, or name another in DATABASE_URL'
  if (code === '53300') return 'raise max_connections on the server, control takes up to 12'
  return 'check that PostgreSQL runs and takes connections there, and the host and port in DATABASE_URL'
}
