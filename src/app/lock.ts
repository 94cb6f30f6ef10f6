import { createHash, randomBytes } from 'node:crypto'
import {
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { codeOf, SluiceError } from '../core/index.ts'

/**
 * One process at a time per data folder (SEAMS 33): the database is destroyed by two. A lock is a listening Unix
 * socket, so it ends with its holder however that dies, and a number of a process that is used again cannot fool it.
 * The runtime folder is not taken from the environment: two shells with another TMPDIR or XDG_RUNTIME_DIR must meet
 * at the same lock, and /run/user/N vanishes at log-out under a server that goes on.
 */
export interface Lock {
  release(): Promise<void>
}

export type LockState = { kind: 'free' } | { kind: 'held'; pid: number | undefined }

/** Names a lock of a data folder: the whole of it, or the part of one role. */
export function lockPath(dataFolder: string, part = 'up'): string {
  const real = realpathSync(dataFolder)
  // root may work on another user's data folder, and must meet that user's lock.
  const own = process.getuid?.() ?? 0
  const owner = own === 0 ? statSync(real).uid : own
  const folder = `/tmp/sluice-${owner}`
  makeRuntimeFolder(folder, owner)
  // 16 hex digits keep the path far below the 104 bytes that a socket's path may have.
  const name = createHash('sha256').update(real).digest('hex').slice(0, 16)
  return `${folder}/${name}.${part}`
}

/** Takes the lock or says who holds it. */
export async function takeLock(
  path: string,
): Promise<{ kind: 'taken'; lock: Lock } | { kind: 'held'; pid: number | undefined }> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const server = await listen(own)
  try {
    for (;;) {
      if (tryLink(own, path)) return { kind: 'taken', lock: heldLock(server, path) }
      const inode = inodeOf(path)
      const state = await lockState(path)
      if (state.kind === 'held') {
        await close(server)
        return state
      }
      if (inode !== undefined) removeStale(path, inode)
    }
  } finally {
    unlinkQuietly(own)
  }
}

/** Whether anybody holds the lock; asks its holder. */
export async function lockState(path: string): Promise<LockState> {
  const socket = await reach(path)
  if (!socket) return { kind: 'free' }
  return new Promise(resolve => {
    let said = ''
    const done = (): void => {
      socket.destroy()
      const pid = Number(said)
      resolve({ kind: 'held', pid: Number.isInteger(pid) && pid > 0 ? pid : undefined })
    }
    // A holder that is stopped cannot answer, and holds the lock all the same.
    socket.setTimeout(1000, done)
    socket.on('error', done)
    socket.on('data', chunk => {
      said = `${said}${chunk.toString('latin1')}`.slice(0, 20)
      if (said.endsWith('\n')) done()
    })
  })
}

/** Waits until the lock's holder is gone; false when it is still there at the time limit. */
export async function waitUntilFree(path: string, limitMs: number): Promise<boolean> {
  const socket = await reach(path)
  if (!socket) return true
  // The holder keeps the connection open, so that its end is told by the system.
  return new Promise(resolve => {
    const limit = setTimeout(() => finish(false), limitMs)
    const finish = (free: boolean): void => {
      clearTimeout(limit)
      socket.destroy()
      resolve(free)
    }
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
    socket.resume()
  })
}

function heldLock(server: Server, path: string): Lock {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.unref()
    socket.write(`${process.pid}\n`)
  })
  const inode = inodeOf(path)
  return {
    async release() {
      if (inode !== undefined && inodeOf(path) === inode) unlinkQuietly(path)
      const closed = close(server)
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** A hard link cannot replace anything, so of two who try at once one fails. */
function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Takes away a socket that nobody answers. It is renamed first and looked at then: when somebody took the lock in
 * between, what was renamed is theirs, and is put back.
 */
function removeStale(path: string, inode: bigint): void {
  const aside = `${path}.stale.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (inodeOf(aside) !== inode) tryLink(aside, path)
  unlinkQuietly(aside)
}

function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { throwIfNoEntry: false, bigint: true })?.ino
}

/** Nobody listens, nothing is there, or the holder ended before it took the connection. */
const NOBODY: readonly unknown[] = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET']

function reach(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', error => {
      if (NOBODY.includes(codeOf(error))) resolve(undefined)
      else reject(error)
    })
  })
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(path, () => {
      // The lock must not keep a process alive whose work has ended.
      server.unref()
      resolve(server)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}

function makeRuntimeFolder(folder: string, owner: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
    if (process.getuid?.() === 0) chownSync(folder, owner, -1)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'EEXIST') throw unusable(folder, `cannot be made (${code ?? 'unknown'}): make /tmp writable`)
  }
  // In a folder that everybody may write, the name may have been taken by somebody else.
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== owner) {
    throw unusable(folder, 'belongs to another user: remove what stands there')
  }
}

function unusable(folder: string, why: string): SluiceError {
  return new SluiceError(
    'runtime-folder',
    `The folder ${folder}, in which running processes are noted, ${why}.`,
    {
      side: 'operator',
    },
  )
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
