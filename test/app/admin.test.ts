import { expect, onTestFinished, test } from 'vitest'
import { Admin } from '../../src/app/admin.ts'
import { fixPorts } from '../../src/app/ports.ts'
import type { RoleState } from '../../src/app/supervisor.ts'

const ready: RoleState = { role: 'control', pid: 1, restarts: 0, health: { kind: 'ready' } }
const behind: RoleState = {
  role: 'edge',
  pid: 2,
  restarts: 3,
  health: { kind: 'not-ready', waitingFor: ['snapshot'] },
}

async function admin(states: RoleState[], waitingFor: string[]) {
  const { port } = await fixPorts({
    port: { listen: { host: '127.0.0.1', port: 0 }, flag: '--admin', what: 'admin' },
  })
  const source = {
    states: () => Promise.resolve(states),
    metrics: () => Promise.resolve(['# HELP a A.\n# TYPE a counter\na{role="edge"} 1\n']),
    waitingFor: () => waitingFor,
  }
  const server = new Admin(port, source)
  await server.start()
  onTestFinished(() => server.close())
  return (path: string) => fetch(`http://127.0.0.1:${port.port}${path}`)
}

test('alive is not ready: what is missing is named', async () => {
  const ask = await admin([ready, behind], ['start'])
  expect((await ask('/livez')).status).toBe(200)
  const answer = await ask('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toEqual({ status: 'not-ready', waitingFor: ['edge: snapshot', 'start'] })
})

test('ready when nothing is missing', async () => {
  const ask = await admin([ready], [])
  const answer = await ask('/readyz')
  expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready' }])
})

test('what the operator should know stands beside it, and a role that drains is to get no more', async () => {
  const alone: RoleState = {
    ...ready,
    role: 'gateway',
    health: { kind: 'ready', notes: ['control is away'] },
  }
  const noted = await (await admin([ready, alone], []))('/readyz')
  expect([noted.status, await noted.json()]).toEqual([
    ...[200, { status: 'ready', notes: ['gateway: control is away'] }],
  ])
  const draining: RoleState = { ...behind, health: { kind: 'draining', notes: ['control is away'] } }
  const drains = await (await admin([ready, draining], []))('/readyz')
  expect([drains.status, await drains.json()]).toEqual([
    ...[503, { status: 'draining', draining: ['edge'], notes: ['edge: control is away'] }],
  ])
  const starting = await (await admin([draining], ['start']))('/readyz')
  expect([starting.status, await starting.json()]).toEqual([
    ...[503, { status: 'not-ready', waitingFor: ['start'] }],
  ])
})

test('metrics of all roles come together, with how often each was restarted', async () => {
  const ask = await admin([ready, behind], [])
  const answer = await ask('/metrics')
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const text = await answer.text()
  expect(text).toContain('\nsluice_role_restarts_total{role="edge"} 3\n')
  expect(text).toContain('\nsluice_role_restarts_total{role="control"} 0\n')
  expect(text).toContain('\na{role="edge"} 1\n')
})
