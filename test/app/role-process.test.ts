import { once, EventEmitter } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { lockPath, lockState, takeLock } from '../../src/app/lock.ts'
import type { FromRole } from '../../src/app/messages.ts'
import { RoleProcess, type Channel } from '../../src/app/role-process.ts'
import type { StartRole } from '../../src/app/roles.ts'
import { SluiceError, type RunningRole } from '../../src/core/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { freshFolder, until } from './folder.ts'

function channel() {
  const events = new EventEmitter()
  const sent: FromRole[] = []
  const exits: number[] = []
  const made: Channel = {
    send: message => Promise.resolve(void sent.push(message)),
    onMessage: handle => void events.on('message', handle),
    onDisconnect: handle => void events.on('disconnect', handle),
    onSignal: handle => void events.on('signal', handle),
    hangUp: () => void events.emit('hang-up'),
    exit: code => {
      exits.push(code)
      events.emit('exit')
    },
  }
  return { made, events, sent, exits }
}

function role(): RunningRole & { closed: number } {
  return {
    closed: 0,
    close() {
      this.closed++
      return Promise.resolve()
    },
    metrics: () => Promise.resolve('metrics 1\n'),
    health: () => ({ kind: 'ready' }),
  }
}

function run(start: StartRole, lock = lockPath(freshFolder(), 'edge')) {
  const wire = channel()
  new RoleProcess(wire.made, silentLogger, Promise.resolve(start)).listen()
  const begin = () => wire.events.emit('message', { kind: 'start', role: 'edge', options: { a: 1 }, lock })
  return { ...wire, begin, lock }
}

test('it starts with its options, answers, drains once and exits with 0', async () => {
  const running = role()
  let options: unknown
  const { events, sent, exits, begin, lock } = run(given => {
    options = given
    return Promise.resolve(running)
  })
  events.emit('message', { kind: 'ask', id: 1, what: 'health' })
  begin()
  await until('started', () => sent.some(message => message.kind === 'started'))
  expect((await lockState(lock)).kind).toBe('held')
  events.emit('message', { kind: 'ask', id: 2, what: 'health' })
  events.emit('message', { kind: 'ask', id: 3, what: 'metrics' })
  await until('answers', () => sent.length === 4)
  events.emit('message', { kind: 'drain' })
  events.emit('signal')
  await once(events, 'exit')
  expect(options).toEqual({ a: 1 })
  expect(sent).toEqual([
    { kind: 'health', id: 1, health: { kind: 'not-ready', waitingFor: ['start'] } },
    { kind: 'started' },
    { kind: 'health', id: 2, health: { kind: 'ready' } },
    { kind: 'metrics', id: 3, text: 'metrics 1\n' },
  ])
  expect([running.closed, exits]).toEqual([1, [0]])
  expect((await lockState(lock)).kind).toBe('free')
})

test('told to look after its files it tells itself, and goes on', async () => {
  const running = role()
  const { events, sent, exits, begin } = run(() => Promise.resolve(running))
  begin()
  await until('started', () => sent.some(message => message.kind === 'started'))
  let looks = 0
  events.on('hang-up', () => looks++)
  events.emit('message', { kind: 'look' })
  expect([looks, running.closed, exits]).toEqual([1, 0, []])
  events.emit('message', { kind: 'drain' })
  await once(events, 'exit')
})

test('it drains when the channel closes, also in the middle of its start', async () => {
  const running = role()
  let finish: ((role: RunningRole) => void) | undefined
  const { events, exits, begin } = run(() => new Promise(resolve => (finish = resolve)))
  begin()
  const resolve = await until('the start has begun', () => finish)
  events.emit('disconnect')
  resolve(running)
  await once(events, 'exit')
  expect([running.closed, exits]).toEqual([1, [0]])
})

test('a start that fails is told with its sentence, and the process ends with 1', async () => {
  const refusal = new SluiceError('newer-database', 'The database is newer.')
  const { sent, exits, events, begin, lock } = run(() => Promise.reject(refusal))
  begin()
  await once(events, 'exit')
  expect(sent).toEqual([{ kind: 'failed', code: 'newer-database', message: 'The database is newer.' }])
  expect(exits[0]).toBe(1)
  expect((await lockState(lock)).kind).toBe('free')
})

test('it waits for a predecessor of an earlier start before it touches anything', async () => {
  const lock = lockPath(freshFolder(), 'edge')
  const before = await takeLock(lock)
  if (before.kind !== 'taken') throw new Error('the lock is held')
  onTestFinished(() => before.lock.release())
  let started = false
  const { sent, begin, events } = run(() => {
    started = true
    return Promise.resolve(role())
  }, lock)
  begin()
  // An answer that comes after the start message shows that the process is not blocked, only waiting.
  events.emit('message', { kind: 'ask', id: 1, what: 'health' })
  await until('an answer', () => sent.length === 1)
  expect(started).toBe(false)
  await before.lock.release()
  await until('started', () => sent.some(message => message.kind === 'started'))
  events.emit('message', { kind: 'drain' })
  await once(events, 'exit')
})

test('it does not outlive its supervisor for long, even when its role does not close', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { events, exits } = run(() => Promise.resolve({ ...role(), close: () => new Promise(() => {}) }))
  events.emit('disconnect')
  expect(vi.getTimerCount()).toBe(1)
  await vi.advanceTimersByTimeAsync(5000)
  expect(exits).toContain(1)
})
