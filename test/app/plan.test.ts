import { expect, test } from 'vitest'
import { certificateFiles } from '../../src/app/certificates.ts'
import { resolveConfiguration } from '../../src/app/configuration.ts'
import { layout } from '../../src/app/data-folder.ts'
import { planRoles, type Identities, type UpPorts } from '../../src/app/plan.ts'
import { freshFolder } from './folder.ts'

const at = (port: number): UpPorts['http'] => ({ host: '127.0.0.1', port })
const ports: UpPorts = {
  ...{ http: at(1), https: at(2), rtmp: at(3), rtmps: at(4), control: at(5), origin: at(6), admin: at(7) },
}

test('the edge is told where origins may be, and every port of ours, at which none may be', () => {
  const cwd = freshFolder()
  const { configuration } = resolveConfiguration({
    env: { SLUICE_ALLOW_ORIGIN: '127.0.0.0/8,fd00::/8', SLUICE_DISK_CACHE: '1GiB' },
    cwd,
  })
  const none = { id: 'n', role: 'edge', publicJwk: {} } as unknown as Identities['edge'] // not looked at
  const roles = planRoles({
    ...{ configuration, ports, data: layout(cwd), certificates: certificateFiles(cwd) },
    identities: { origin: none, edge: none, gateway: none },
    storage: { kind: 'memory' },
    adminTokenSha256: '',
    keeper: 'k',
  })
  const edge = roles.find(({ role }) => role === 'edge')?.options
  expect(edge).toMatchObject({ allowOrigins: ['127.0.0.0/8', 'fd00::/8'], ownPorts: [1, 2, 3, 4, 5, 6, 7] })
})

test('a certificate that nobody could be shown ends the start with one sentence', () => {
  const cwd = freshFolder()
  const { configuration } = resolveConfiguration({
    env: { SLUICE_CERTIFICATES: 'a.pem:a.key', SLUICE_DISK_CACHE: '1GiB' },
    cwd,
  })
  const none = { id: 'n', role: 'edge', publicJwk: {} } as unknown as Identities['edge'] // not looked at
  expect(() =>
    planRoles({
      ...{ configuration, ports, data: layout(cwd), certificates: certificateFiles(cwd) },
      identities: { origin: none, edge: none, gateway: none },
      storage: { kind: 'memory' },
      adminTokenSha256: '',
      keeper: 'k',
    }),
  ).toThrow(
    /^The certificate \/.*\/a\.pem cannot be read \(ENOENT\): name a PEM file that this user may read\.$/,
  )
})
