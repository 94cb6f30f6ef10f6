import { createServer, type Server } from 'node:net'
import { codeOf, SluiceError, type Listen } from '../core/index.ts'
import { listenRefusal } from './listen.ts'

/** A port that somebody will listen on: where, which flag changes it, and what it is for, for the sentence. */
export interface PortWish {
  listen: Listen
  flag: string
  what: string
}

export type FixedListen = Required<Listen>

/**
 * Finds out whether every port is free and turns port 0 into a free number, once for the supervisor's life, so that a
 * role that is started again comes back where it was (SEAMS 34). All are held at the same time, so no two wishes get
 * the same number; they are let go before this returns.
 */
export async function fixPorts<Name extends string>(
  wishes: Record<Name, PortWish>,
): Promise<Record<Name, FixedListen>> {
  const held: Server[] = []
  const flagsByPort = new Map<number, string>()
  const fixed: Partial<Record<Name, FixedListen>> = {}
  const names = Object.keys(wishes) as Name[] // a record's keys are its names
  // Numbers that somebody chose come first, so that port 0 is never given a number that is wished for below.
  names.sort((one, other) => Number(wishes[one].listen.port === 0) - Number(wishes[other].listen.port === 0))
  try {
    for (const name of names) {
      const { server, listen } = await hold(wishes[name], flagsByPort)
      held.push(server)
      fixed[name] = listen
      flagsByPort.set(listen.port, wishes[name].flag)
    }
  } finally {
    await Promise.all(held.map(release))
  }
  return fixed as Record<Name, FixedListen> // the loop above has filled in every name
}

async function hold(
  wish: PortWish,
  flagsByPort: ReadonlyMap<number, string>,
): Promise<{ server: Server; listen: FixedListen }> {
  const hosts = wish.listen.host === undefined ? ['::', '0.0.0.0'] : [wish.listen.host]
  for (const host of hosts) {
    const outcome = await (wish.listen.port === 0 ? tryFree(host) : tryListen(host, wish.listen.port))
    if (outcome.kind === 'held') return { server: outcome.server, listen: { host, port: outcome.port } }
    // A machine without IPv6 has no `::`; all its interfaces are 0.0.0.0.
    const noIpv6 = outcome.code === 'EAFNOSUPPORT' || outcome.code === 'EADDRNOTAVAIL'
    if (host === '::' && noIpv6 && hosts.length > 1) continue
    const other = flagsByPort.get(wish.listen.port)
    if (outcome.code === 'EADDRINUSE' && other !== undefined) throw sameTwice(wish, other)
    throw listenRefusal(wish.listen, wish.flag, wish.what, outcome.code)
  }
  throw listenRefusal(wish.listen, wish.flag, wish.what, undefined)
}

function sameTwice({ listen, flag }: PortWish, other: string): SluiceError {
  return new SluiceError(
    'port-taken',
    `${other} and ${flag} both ask for port ${listen.port}: give one of them another.`,
    { side: 'operator' },
  )
}

type Attempt = { kind: 'held'; server: Server; port: number } | { kind: 'refused'; code: string | undefined }

/**
 * Below the numbers that systems give to outgoing connections (Linux from 32768 on, others from 49152 on): such a connection
 * could take a port before the role listens on it that it was chosen for.
 */
const FIRST_PORT = 20_000
const PORTS_PER_PROCESS = 16
const PROCESSES = 798
const TRIES = 64

/** Processes that start at the same time look in different places. */
let tried = 0

async function tryFree(host: string): Promise<Attempt> {
  const first = (process.pid % PROCESSES) * PORTS_PER_PROCESS
  for (let tries = 0; tries < TRIES; tries++) {
    const offset = (first + tried++) % (PROCESSES * PORTS_PER_PROCESS)
    const attempt = await tryListen(host, FIRST_PORT + offset)
    if (attempt.kind === 'held' || attempt.code !== 'EADDRINUSE') return attempt
  }
  return tryListen(host, 0)
}

function tryListen(host: string, port: number): Promise<Attempt> {
  return new Promise(resolve => {
    const server = createServer(socket => socket.destroy())
    server.once('error', error => resolve({ kind: 'refused', code: codeOf(error) }))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      resolve({ kind: 'held', server, port: typeof address === 'object' && address ? address.port : port })
    })
  })
}

function release(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
