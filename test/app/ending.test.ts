import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { Ending } from '../../src/app/ending.ts'
import { instant } from '../../src/core/index.ts'

function ending() {
  const signals = new EventEmitter()
  const state = { now: 0, atOnce: 0 }
  const made = new Ending(signals, { now: () => instant(state.now) }, () => state.atOnce++)
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

test('once closed it listens no more', () => {
  const { signals, made } = ending()
  made.close()
  expect(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM')).toBe(0)
})
