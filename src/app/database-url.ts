import { SluiceError } from '../core/index.ts'
import { readSecret } from './secret.ts'

/**
 * Where control keeps its database: a PostgreSQL server's URL from `DATABASE_URL` or `DATABASE_URL_FILE`; undefined for
 * the embedded one. It holds a password, so it is no setting that could stand on a command line or be printed.
 */
export function readDatabaseUrl(env: Record<string, string | undefined>): string | undefined {
  const url = readSecret(env, 'DATABASE_URL')
  if (url === undefined || /^postgres(?:ql)?:\/\//.test(url)) return url
  throw new SluiceError(
    'bad-database-url',
    'DATABASE_URL is no address of a PostgreSQL database: write postgres://USER:PASSWORD@HOST:5432/DATABASE, or unset it for the embedded one.',
    { side: 'operator', kind: 'usage' },
  )
}
