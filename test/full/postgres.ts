import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { Client } from 'pg'
import { until } from '../control/fixture.ts'
import { postgresFolders, which } from '../tools.mjs'

/** A server of its own with a cluster of its own, by the PostgreSQL that this machine has. */
export interface Postgres {
  /** Of the database that is always there; with a password. */
  url: string
  password: string
  /** Ends it as a reboot does, and waits until it is gone. */
  stop(): Promise<void>
  /** On the same port and data. */
  start(): Promise<void>
  /** SIGSTOP and SIGCONT for all of it: a machine that is cut off. */
  freeze(state: 'frozen' | 'thawed'): void
  close(): Promise<void>
}

const PASSWORD = 'p@ss/word of this test'

/** PostgreSQL refuses to run as root. */
function asSomebody(): { prefix: string[]; uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (option: string): number => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
  const [uid, gid] = [id('-u'), id('-g')]
  return { prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'], uid, gid }
}

function program(name: string): string {
  const file = which(name, postgresFolders().join(path.delimiter)) ?? which(name)
  if (file === undefined) throw new Error(`${name} is not installed`)
  return file
}

/** Everything lies in `folder`. People sort by a language's rules, and so does this cluster. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const data = path.join(folder, 'data')
  const somebody = asSomebody()
  mkdirSync(data, { recursive: true, mode: 0o700 })
  if (somebody) {
    chmodSync(folder, 0o755)
    chownSync(data, somebody.uid, somebody.gid)
  }
  const command = (name: string, args: string[]): [string, string[]] => {
    const [first = '', ...rest] = [...(somebody?.prefix ?? []), program(name), ...args]
    return [first, rest]
  }
  const collation = ['--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en']
  const passwordFile = path.join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD)
  const authentication = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--username=sluice']
  const [initdb, options] = command('initdb', ['-D', data, '-N', ...collation, ...authentication])
  execFileSync(initdb, options, { stdio: ['ignore', 'ignore', 'inherit'] })
  const port = await freePort()
  const url = `postgres://sluice:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`
  let running: ChildProcess | undefined

  const start = async (): Promise<void> => {
    // Whether PostgreSQL keeps its word on a disk is not what is tested.
    const durable = { fsync: 'off', synchronous_commit: 'on' }
    const settings = {
      ...durable,
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 60,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [postgres, args] = command('postgres', ['-D', data, ...flags])
    running = spawn(postgres, args, { stdio: 'ignore', detached: true })
    await until('PostgreSQL answers', () => answers(url))
  }
  const stop = async (): Promise<void> => {
    if (!running || running.exitCode !== null) return
    const ended = once(running, 'exit')
    // Immediately: connections are cut, nothing is said to clients but that.
    running.kill('SIGQUIT')
    await ended
    running = undefined
  }
  await start()
  return {
    ...{ url, password: PASSWORD, start, stop, close: stop },
    freeze(state) {
      for (const pid of processesOf(running?.pid))
        process.kill(pid, state === 'frozen' ? 'SIGSTOP' : 'SIGCONT')
    },
  }
}

/** The server and the processes that it has forked. */
function processesOf(pid: number | undefined): number[] {
  if (pid === undefined) throw new Error('PostgreSQL does not run')
  const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return [
    pid,
    ...listed
      .split('\n')
      .map(Number)
      .filter(each => each > 0),
  ]
}

async function answers(url: string): Promise<boolean> {
  const client = new Client(url)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // listens on TCP
  server.close()
  await once(server, 'close')
  return port
}
