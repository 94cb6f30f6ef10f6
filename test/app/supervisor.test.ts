import { fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { Supervisor, type RoleEvent, type RoleSpec } from '../../src/app/supervisor.ts'
import { instant, type RoleName } from '../../src/core/index.ts'
import { until } from './folder.ts'

const entry = new URL('./fakes/role.mjs', import.meta.url).pathname

function spec(role: RoleName, options: Record<string, unknown> = { kind: 'serve' }): RoleSpec {
  return { role, entry, options, lock: '', drainLimit: 10_000 }
}

function supervise(roles: RoleSpec[]) {
  let now = 0
  const events: RoleEvent[] = []
  const waits: number[] = []
  const aliveAtDrain: Record<string, boolean[]> = {}
  const pids = new Map<string, number>()
  const supervisor = new Supervisor({
    roles,
    clock: { now: () => instant(now) },
    wait: time => {
      waits.push(time)
      return Promise.resolve()
    },
    env: process.env,
    onOutput: (_role, stream) => void stream.resume(),
    onEvent: event => {
      events.push(event)
      if (event.kind === 'started') pids.set(event.role, event.pid ?? 0)
      if (event.kind === 'drained') aliveAtDrain[event.role] = [...pids.values()].map(isAlive)
    },
  })
  onTestFinished(async () => {
    supervisor.kill()
    await supervisor.close()
  })
  const pidOf = (role: RoleName) => pids.get(role) ?? 0
  const elapse = (time: number) => (now += time)
  return { supervisor, events, waits, aliveAtDrain, pidOf, elapse }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('all roles run, each in its own process, and are ready', async () => {
  const { supervisor, pidOf } = supervise([spec('control'), spec('origin'), spec('edge')])
  await supervisor.start()
  expect(await supervisor.states()).toEqual(
    (['control', 'origin', 'edge'] as const).map(role => ({
      ...{ role, pid: pidOf(role), restarts: 0 },
      health: { kind: 'ready' },
    })),
  )
})

test('a role that is killed comes back at once with the same options, the others go on', async () => {
  const { supervisor, events, waits, pidOf } = supervise([
    spec('control'),
    { ...spec('edge', { kind: 'serve', port: 4711 }), nodeFlags: ['--stack-trace-limit=7'] },
  ])
  await supervisor.start()
  const [control, edge] = [pidOf('control'), pidOf('edge')]
  process.kill(edge, 'SIGKILL')
  await until('the edge runs again', () => pidOf('edge') !== edge)
  expect(events.slice(2)).toEqual([
    { kind: 'ended', role: 'edge', exit: { code: null, signal: 'SIGKILL', said: undefined }, restartIn: 0 },
    { kind: 'started', role: 'edge', pid: pidOf('edge') },
  ])
  expect(waits).toEqual([0])
  expect(pidOf('control')).toBe(control)
  const given = JSON.parse((await supervisor.metrics())[1] ?? '') as Record<string, unknown>
  expect(given.options).toEqual({ kind: 'serve', port: 4711 })
  expect(given.flags).toEqual(['--stack-trace-limit=7'])
  expect(Number(given.threads)).toBeGreaterThanOrEqual(8)
  expect((await supervisor.states()).map(state => state.restarts)).toEqual([0, 1])
})

test('the waits grow while a role dies again and again, and begin anew after a minute of running', async () => {
  const { supervisor, waits, pidOf, elapse } = supervise([spec('edge')])
  await supervisor.start()
  for (let times = 1; times <= 4; times++) {
    const pid = pidOf('edge')
    process.kill(pid, 'SIGKILL')
    await until(`restart ${times}`, () => pidOf('edge') !== pid)
  }
  elapse(60_000)
  const pid = pidOf('edge')
  process.kill(pid, 'SIGKILL')
  await until('the last restart', () => pidOf('edge') !== pid)
  expect(waits).toEqual([0, 500, 1000, 2000, 0])
})

test('every role that runs is told to look after its files', async () => {
  const { supervisor } = supervise([spec('control'), spec('edge')])
  await supervisor.start()
  supervisor.look()
  const told = (await supervisor.metrics()).map(text => (JSON.parse(text) as { looks: number }).looks)
  expect(told).toEqual([1, 1])
})

test('roles drain from the last to the first, and those that are needed run until then', async () => {
  const { supervisor, events, aliveAtDrain } = supervise([spec('control'), spec('origin'), spec('edge')])
  await supervisor.start()
  await supervisor.close()
  const drained = events.flatMap(event => (event.kind === 'drained' ? [[event.role, event.exit.code]] : []))
  expect(drained).toEqual([
    ['edge', 0],
    ['origin', 0],
    ['control', 0],
  ])
  const order = (role: RoleName) => aliveAtDrain[role]?.filter(Boolean).length
  expect([order('edge'), order('origin'), order('control')]).toEqual([2, 1, 0])
})

test('a role that does not drain is killed at its limit', async () => {
  const { supervisor, events } = supervise([{ ...spec('edge', { kind: 'stubborn' }), drainLimit: 50 }])
  await supervisor.start()
  await supervisor.close()
  expect(events.at(-1)).toEqual({
    kind: 'drained',
    role: 'edge',
    exit: { code: null, signal: 'SIGKILL', said: undefined },
  })
})

test.each([
  ['refuse', 'The database is newer.'],
  ['die', 'The control ended before it was ready: its log says why.'],
])('a first start that cannot be (%s) ends everything with a sentence', async (kind, sentence) => {
  const { supervisor } = supervise([spec('control', { kind }), spec('edge')])
  await expect(supervisor.start()).rejects.toThrow(sentence)
  expect((await supervisor.states()).map(state => state.health.kind)).toEqual(['not-ready', 'not-ready'])
})

test('a role that does not answer is not ready', async () => {
  const { supervisor } = supervise([spec('edge', { kind: 'mute' })])
  await supervisor.start()
  expect((await supervisor.states())[0]?.health).toEqual({ kind: 'not-ready', waitingFor: ['process'] })
})

test('a role ends when the process that forked it is gone', async () => {
  const parent = fork(new URL('./fakes/parent.mjs', import.meta.url).pathname, [entry])
  onTestFinished(() => void parent.kill('SIGKILL'))
  const pid = Number((await once(parent, 'message'))[0])
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await until('the role is gone', () => !isAlive(pid))
})
