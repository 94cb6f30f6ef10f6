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

test('metrics of all roles come together, with how often each was restarted', async () => {
  const ask = await admin([ready, behind], [])
  const answer = await ask('/metrics')
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const text = await answer.text()
  expect(text).toContain('\nsluice_role_restarts_total{role="edge"} 3\n')
  expect(text).toContain('\nsluice_role_restarts_total{role="control"} 0\n')
  expect(text).toContain('\na{role="edge"} 1\n')
})
