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
    adminAccessKey: { id: 'SLCEOFATEST', secret: 'hush' },
    keeper: 'k',
  })
  const edge = roles.find(({ role }) => role === 'edge')?.options
  expect(edge).toMatchObject({ allowOrigins: ['127.0.0.0/8', 'fd00::/8'], ownPorts: [1, 2, 3, 4, 5, 6, 7] })
})

test('an origin is known to other machines where these can reach it, or control', () => {
  const cwd = freshFolder()
  const none = { id: 'n', role: 'edge', publicJwk: {} } as unknown as Identities['edge'] // not looked at
  const told = (
    env: Record<string, string>,
    host: Partial<Record<'control' | 'origin', string>>,
  ): unknown => {
    const { configuration } = resolveConfiguration({ env: { SLUICE_DISK_CACHE: '1GiB', ...env }, cwd })
    const listen = {
      ...ports,
      control: { ...ports.control, host: host.control ?? '127.0.0.1' },
      origin: { ...ports.origin, host: host.origin ?? '127.0.0.1' },
    }
    const roles = planRoles({
      ...{ configuration, ports: listen, data: layout(cwd), certificates: certificateFiles(cwd) },
      identities: { origin: none, edge: none, gateway: none },
      storage: { kind: 'memory' },
      adminTokenSha256: '',
      adminAccessKey: { id: 'SLCEOFATEST', secret: 'hush' },
      keeper: 'this',
    })
    const { url, membershipFile } = roles[1]?.options as { url?: string; membershipFile?: string } // the origin's
    return [url, membershipFile !== undefined, (roles[0]?.options as { localUrls: object }).localUrls] // control's
  }
  expect(told({}, {})).toEqual([undefined, false, {}])
  expect(told({}, { control: '10.0.0.5' })).toEqual([undefined, true, {}])
  const at = 'https://10.0.0.5:6'
  expect(told({}, { origin: '10.0.0.5' })).toEqual([at, true, { origin: at }])
  const natted = 'https://origin.example:9001'
  expect(told({ SLUICE_NODE_URL: `${natted}/` }, {})).toEqual([natted, true, { origin: natted }])
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
      adminAccessKey: { id: 'SLCEOFATEST', secret: 'hush' },
      keeper: 'k',
    }),
  ).toThrow(
    /^The certificate \/.*\/a\.pem cannot be read \(ENOENT\): name a PEM file that this user may read\.$/,
  )
})
