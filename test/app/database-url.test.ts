import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { certificateFiles } from '../../src/app/certificates.ts'
import { printConfiguration, resolveConfiguration } from '../../src/app/configuration.ts'
import { layout } from '../../src/app/data-folder.ts'
import { readDatabaseUrl } from '../../src/app/database-url.ts'
import { planRoles, type Identities, type UpPorts } from '../../src/app/plan.ts'
import { roleEnvironment } from '../../src/app/supervise.ts'
import { freshFolder } from './folder.ts'

const URL_OF_IT = 'postgres://sluice:hush@db.example/sluice'

test('the database is the embedded one, or that of the environment or of the file that it names', () => {
  const file = join(freshFolder(), 'url')
  writeFileSync(file, `${URL_OF_IT}\n`)
  expect(readDatabaseUrl({})).toBeUndefined()
  expect(readDatabaseUrl({ DATABASE_URL: '' })).toBeUndefined()
  expect(readDatabaseUrl({ DATABASE_URL: URL_OF_IT })).toBe(URL_OF_IT)
  expect(readDatabaseUrl({ DATABASE_URL: 'postgresql://db.example/x' })).toBe('postgresql://db.example/x')
  expect(readDatabaseUrl({ DATABASE_URL_FILE: file })).toBe(URL_OF_IT)
})

test('another kind of database is refused with a sentence that does not tell the address', () => {
  const read = (): unknown => readDatabaseUrl({ DATABASE_URL: 'mysql://sluice:hush@db.example/sluice' })
  expect(read).toThrow(/^DATABASE_URL is no address of a PostgreSQL database: write postgres:/)
  expect(read).not.toThrow('hush')
})

test('control alone is told it, and nothing prints it', () => {
  const cwd = freshFolder()
  const env = {
    DATABASE_URL: URL_OF_IT,
    DATABASE_URL_FILE: '/run/url',
    SLUICE_DISK_CACHE: '1GiB',
    PATH: '/bin',
  }
  const resolved = resolveConfiguration({ env, cwd })
  const at = { host: '127.0.0.1', port: 1 }
  const ports: UpPorts = { http: at, https: at, rtmp: at, rtmps: at, control: at, origin: at, admin: at }
  const none = { id: 'n', role: 'edge', publicJwk: {} } as unknown as Identities['edge'] // not looked at
  const roles = planRoles({
    ...{
      configuration: resolved.configuration,
      ports,
      data: layout(cwd),
      certificates: certificateFiles(cwd),
    },
    identities: { origin: none, edge: none, gateway: none },
    keeper: 'k',
    adminTokenSha256: '',
    adminAccessKey: { id: 'SLCEOFATEST', secret: 'hush' },
    storage: { kind: 'filesystem', folder: cwd },
    databaseUrl: readDatabaseUrl({ DATABASE_URL: URL_OF_IT }),
  })
  const told = roles.filter(role => JSON.stringify(role).includes('hush'))
  expect(told.map(({ role }) => role)).toEqual(['control'])
  expect(told[0]?.options).toMatchObject({ databaseUrl: URL_OF_IT })
  expect(printConfiguration(resolved)).not.toContain('hush')
  expect(roleEnvironment(env)).toEqual({ SLUICE_DISK_CACHE: '1GiB', PATH: '/bin' })
})
