import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { Ending, type HangUp } from '../../src/app/ending.ts'
import { instant } from '../../src/core/index.ts'

function ending(hangUp: HangUp = 'end') {
  const signals = new EventEmitter()
  const state = { now: 0, atOnce: 0, looks: 0 }
  const made = new Ending(signals, {
    ...{ hangUp, clock: { now: () => instant(state.now) } },
    atOnce: () => state.atOnce++,
    look: () => state.looks++,
  })
  return { signals, state, made }
}

test('the first signal ends politely', () => {
  const { signals, state, made } = ending()
  expect(made.politely.aborted).toBe(false)
  signals.emit('SIGTERM')
  expect(made.politely.aborted).toBe(true)
  expect(state.atOnce).toBe(0)
})

test('npm hands Ctrl-C over twice: the second one counts after a second only', () => {
  const { signals, state } = ending()
  signals.emit('SIGINT')
  state.now = 999
  signals.emit('SIGINT')
  expect(state.atOnce).toBe(0)
  state.now = 1000
  signals.emit('SIGTERM')
  expect(state.atOnce).toBe(1)
})

test.each<[HangUp, string, boolean, number]>([
  ['end', 'the terminal, as any signal does', true, 0],
  ['look', 'nothing, and what was read is looked after', false, 2],
])('a hang-up (%s) ends with %s', (hangUp, _, ended, looks) => {
  const { signals, state, made } = ending(hangUp)
  signals.emit('SIGHUP')
  signals.emit('SIGHUP')
  expect([made.politely.aborted, state.atOnce, state.looks]).toEqual([ended, 0, looks])
})

test('once closed it listens no more', () => {
  const { signals, made } = ending()
  made.close()
  expect(signals.eventNames()).toEqual([])
})
