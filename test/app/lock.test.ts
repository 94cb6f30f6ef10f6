import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockPath, lockState, takeLock, waitUntilFree, type Lock } from '../../src/app/lock.ts'
import { freshFolder } from './folder.ts'

const holder = new URL('./fakes/socket-holder.mjs', import.meta.url).pathname

async function heldByAnother(path: string): Promise<ChildProcess> {
  const child = fork(holder, [path])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

async function take(path: string): Promise<Lock> {
  const outcome = await takeLock(path)
  if (outcome.kind !== 'taken') throw new Error('the lock is held')
  onTestFinished(() => outcome.lock.release())
  return outcome.lock
}

test('the lock is of the folder, by whatever name it is reached', () => {
  const folder = freshFolder()
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  expect(lockPath(join(folder, 'link'))).toBe(lockPath(join(folder, 'real')))
  expect(lockPath(join(folder, 'real'))).not.toBe(lockPath(folder))
})

test('a second one is refused and told who holds it, until it is released', async () => {
  const path = lockPath(freshFolder())
  const lock = await take(path)
  expect(await takeLock(path)).toEqual({ kind: 'held', pid: process.pid })
  expect(await lockState(path)).toEqual({ kind: 'held', pid: process.pid })
  await lock.release()
  expect(existsSync(path)).toBe(false)
  expect(await lockState(path)).toEqual({ kind: 'free' })
  await take(path)
})

test('a lock of another process is honoured while it lives, and taken over when it was killed', async () => {
  const path = lockPath(freshFolder())
  const other = await heldByAnother(path)
  expect(await takeLock(path)).toEqual({ kind: 'held', pid: other.pid })
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(existsSync(path), 'the killed process leaves its socket behind').toBe(true)
  await take(path)
  expect(await lockState(path)).toEqual({ kind: 'held', pid: process.pid })
})

test('of many who find a stale lock exactly one gets it', async () => {
  const path = lockPath(freshFolder())
  const other = await heldByAnother(path)
  other.kill('SIGKILL')
  await once(other, 'exit')
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => takeLock(path)))
  const taken = outcomes.filter(outcome => outcome.kind === 'taken')
  expect(taken).toHaveLength(1)
  await taken[0]?.lock.release()
})

test('a holder that does not answer holds the lock all the same', async () => {
  const path = lockPath(freshFolder())
  const silent = createServer().listen(path)
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  expect(await takeLock(path)).toEqual({ kind: 'held', pid: undefined })
})

test('a holder that ends before it takes the connection holds nothing', async () => {
  for (let round = 0; round < 5; round++) {
    const path = lockPath(freshFolder())
    const other = await heldByAnother(path)
    other.kill('SIGSTOP')
    const freed = waitUntilFree(path, 10_000)
    other.kill('SIGKILL')
    expect(await freed).toBe(true)
  }
})

test('waiting ends when the holder ends, however it does', async () => {
  const path = lockPath(freshFolder())
  expect(await waitUntilFree(path, 1000)).toBe(true)
  const other = await heldByAnother(path)
  expect(await waitUntilFree(path, 20)).toBe(false)
  const freed = waitUntilFree(path, 10_000)
  other.kill('SIGKILL')
  expect(await freed).toBe(true)
})
