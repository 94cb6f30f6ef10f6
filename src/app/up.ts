import { join } from 'node:path'
import { ControlClient } from '../client/index.ts'
import { pause, SluiceError, systemClock, type Milliseconds } from '../core/index.ts'
import { loadOrCreateIdentity, type NodeIdentity } from '../membership/index.ts'
import { Admin, missing } from './admin.ts'
import { certificateFiles, ensureCertificates } from './certificates.ts'
import { readClientFile, tokenSha256, writeClientFile } from './client-file.ts'
import { readDatabaseUrl } from './database-url.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { Ending, type HangUp, type SignalSource } from './ending.ts'
import type { FirstChannel } from './first-channel.ts'
import { firstRun } from './first-run.ts'
import { urlOf } from './listen.ts'
import { lockPath, takeLock, waitUntilFree, type Lock } from './lock.ts'
import { LogFiles } from './log-files.ts'
import { fixAllPorts, planRoles, type Identities, type Ports } from './plan.ts'
import { SUPERVISED_ROLES } from './roles.ts'
import type { Configuration } from './settings.ts'
import { Supervisor, type RoleEvent } from './supervisor.ts'

/** The ready line (INTERFACE.md, "Command line"). */
export interface Ready {
  event: 'ready'
  pid: number
  http: string
  https: string
  rtmp: string
  rtmps: string
  control: string
  origin: string
  admin: string
  distribution: { id: string; domain: string }
  data: string
  accessKeyId: string | null
  sample: string | null
}

export interface UpOptions {
  configuration: Configuration
  sample: 'publish' | 'leave-out'
  env: Record<string, string | undefined>
  signals: SignalSource
  hangUp: HangUp
  /** Shows one line to the person at the terminal. */
  show: (line: string) => void
  /** `channel` when this start has made one to try. */
  onReady: (ready: Ready, first: 'first' | 'again', channel: FirstChannel | undefined) => void
  exit: (code: number) => void
}

const PREDECESSOR_LIMIT: Milliseconds = 15_000
const READY_LIMIT: Milliseconds = 60_000
const DAY: Milliseconds = 86_400_000

/**
 * Everything on one machine, in the foreground: resolves when it was asked to end and has drained; throws one sentence
 * when it cannot start.
 */
export async function up(options: UpOptions): Promise<void> {
  const databaseUrl = readDatabaseUrl(options.env)
  const data = openDataFolder(options.configuration.data)
  const lock = await lockDataFolder(data)
  const undo: (() => Promise<unknown>)[] = [() => lock.release()]
  let supervisor: Supervisor | undefined
  const ending = new Ending(options.signals, {
    ...{ clock: systemClock, hangUp: options.hangUp, look: () => supervisor?.look() },
    atOnce() {
      supervisor?.kill()
      options.exit(1)
    },
  })
  try {
    await waitForPredecessors(data, options.show)
    const ports = await fixAllPorts(options.configuration)
    const first = readClientFile(data.clientFile) ? 'again' : 'first'
    const clientFile = writeClientFile(data.clientFile, {
      url: urlOf('http', ports.control),
      http: urlOf('http', ports.http),
      https: urlOf('https', ports.https),
      rtmp: urlOf('rtmp', ports.rtmp),
      rtmps: urlOf('rtmps', ports.rtmps),
    })
    const { domainSuffix } = options.configuration
    await ensureCertificates(data.certificates, domainSuffix, systemClock.now())
    undo.push(renewCertificates(data, domainSuffix, options.show))
    const logs = new LogFiles({ folder: data.logs, clock: systemClock, show: options.show })
    undo.push(() => logs.close())
    supervisor = new Supervisor({
      roles: planRoles({
        configuration: options.configuration,
        ...{ data, ports, databaseUrl },
        certificates: certificateFiles(data.certificates),
        identities: await loadIdentities(data),
        adminTokenSha256: tokenSha256(clientFile.token),
      }),
      clock: systemClock,
      wait: pause,
      env: roleEnvironment(options.env),
      onOutput: (role, stream, name) => logs.take(role, stream, name),
      onEvent: event => showEvent(event, options.show),
    })
    const starting = new Set(['start'])
    const admin = new Admin(ports.admin, supervised(supervisor, starting))
    undo.push(() => admin.close())
    await admin.start()
    const roles = supervisor
    undo.push(() => roles.close())
    // A signal during the start ends the roles, and with them the start.
    ending.politely.addEventListener('abort', () => void roles.close(), { once: true })
    await supervisor.start()
    const client = new ControlClient(clientFile)
    const { sample, channel } = await firstRun({
      ...{ data, client, sample: options.sample },
      rtmp: new URL(urlOf('rtmp', ports.rtmp)).host,
      warn: options.show,
      signal: ending.politely,
    })
    await untilReady(supervisor, ending.politely)
    starting.clear()
    options.onReady(await readyLine(client, ports, data, sample), first, channel)
    await aborted(ending.politely)
  } catch (error) {
    // Whatever fails because it was told to end has ended as it was told.
    if (!ending.politely.aborted) throw error
  } finally {
    for (const step of undo.reverse()) await step()
    ending.close()
  }
}

async function loadIdentities(data: DataFolder): Promise<Identities> {
  const load = (role: keyof Identities): Promise<NodeIdentity> =>
    loadOrCreateIdentity(join(data.nodes, `${role}.json`), role)
  return { origin: await load('origin'), edge: await load('edge'), gateway: await load('gateway') }
}

async function lockDataFolder(data: DataFolder): Promise<Lock> {
  const outcome = await takeLock(lockPath(data.root))
  if (outcome.kind === 'taken') return outcome.lock
  const holder = outcome.pid === undefined ? 'another Sluice' : `another Sluice (process ${outcome.pid})`
  throw new SluiceError(
    'data-folder-in-use',
    `The data folder ${data.root} is in use by ${holder}: end that one, or choose another with --data.`,
    { side: 'operator', kind: 'conflict' },
  )
}

/** A supervisor that was killed leaves roles that are still draining; two on one database would destroy it. */
async function waitForPredecessors(data: DataFolder, show: (line: string) => void): Promise<void> {
  for (const role of SUPERVISED_ROLES) {
    const path = lockPath(data.root, role)
    if (await waitUntilFree(path, 50)) continue
    show(`waiting for the ${role} of an earlier start to end`)
    if (await waitUntilFree(path, PREDECESSOR_LIMIT)) continue
    throw new SluiceError(
      'predecessor',
      `The ${role} of an earlier start still runs on ${data.root} and does not end: end it by hand and start again.`,
      { side: 'operator', kind: 'conflict' },
    )
  }
}

/** The leaf is made anew a month before its end; a process that runs that long looks each day. */
function renewCertificates(
  data: DataFolder,
  domainSuffix: string,
  show: (line: string) => void,
): () => Promise<void> {
  const timer = setInterval(() => {
    ensureCertificates(data.certificates, domainSuffix, systemClock.now()).then(
      outcome => outcome === 'made' && show('the local certificate was renewed'),
      () => show('the local certificate could not be renewed: is the disk full?'),
    )
  }, DAY)
  timer.unref()
  return () => {
    clearInterval(timer)
    return Promise.resolve()
  }
}

/**
 * Roles get no secret of the environment: the private keys and tokens in it are the command line's, and the database's
 * address is told to control alone, with its options.
 */
export function roleEnvironment(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const secret = /^(SLUICE_TOKEN|DATABASE_URL)(_FILE)?$/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.test(name)))
}

function supervised(supervisor: Supervisor, starting: Set<string>): ConstructorParameters<typeof Admin>[1] {
  return {
    states: () => supervisor.states(),
    metrics: () => supervisor.metrics(),
    waitingFor: () => [...starting],
  }
}

async function untilReady(supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_LIMIT
  for (;;) {
    const lacking = missing(await supervisor.states(), [])
    if (lacking.length === 0) return
    signal.throwIfAborted()
    if (Date.now() > deadline) {
      throw new SluiceError(
        'not-ready',
        `Sluice did not become ready in a minute, it waits for ${lacking.join(', ')}: the logs say why.`,
      )
    }
    await pause(20, signal)
  }
}

async function readyLine(
  client: ControlClient,
  ports: Ports,
  data: DataFolder,
  sample: string | null,
): Promise<Ready> {
  const distributions = await client.distributions()
  const own = distributions.find(each => each.fallback) ?? distributions[0]
  if (!own)
    throw new SluiceError('no-distribution', 'There is no distribution: restore the data folder or reset it.')
  return {
    event: 'ready',
    pid: process.pid,
    http: urlOf('http', ports.http),
    https: urlOf('https', ports.https),
    rtmp: urlOf('rtmp', ports.rtmp),
    rtmps: urlOf('rtmps', ports.rtmps),
    control: urlOf('http', ports.control),
    origin: urlOf('http', ports.origin),
    admin: urlOf('http', ports.admin),
    distribution: { id: own.id, domain: own.domain },
    data: data.root,
    accessKeyId: null,
    sample,
  }
}

function showEvent(event: RoleEvent, show: (line: string) => void): void {
  if (event.kind === 'drained' && event.exit.signal === 'SIGKILL')
    show(`${event.role}: it took too long to end and was killed`)
  if (event.kind !== 'ended') return
  const { code, signal, said } = event.exit
  const how = said ?? (signal === null ? `it ended with ${code ?? 'no code'}` : `it was ended by ${signal}`)
  const when = event.restartIn === 0 ? 'now' : `in ${event.restartIn / 1000} s`
  show(`${event.role}: ${how}; starting it again ${when}`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
