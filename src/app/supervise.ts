import { pause, SluiceError, systemClock, type Milliseconds } from '../core/index.ts'
import type { AdminSource } from './admin.ts'
import { certificateFiles, ensureCertificates, type CertificateFiles } from './certificates.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { Ending, type HangUp, type SignalSource } from './ending.ts'
import { lockPath, takeLock, waitUntilFree, type Lock } from './lock.ts'
import { LogFiles } from './log-files.ts'
import { portWishes, type PortName, type Ports } from './plan.ts'
import { fixPorts } from './ports.ts'
import { missing } from './readiness.ts'
import { SUPERVISED_ROLES } from './roles.ts'
import type { Configuration } from './settings.ts'
import { Supervisor, type RoleEvent, type RoleSpec } from './supervisor.ts'

/** What every start has in common with the others. */
export interface StartOptions {
  configuration: Configuration
  env: Record<string, string | undefined>
  signals: SignalSource
  hangUp: HangUp
  /** Shows one line to the person at the terminal. */
  show: (line: string) => void
  exit: (code: number) => void
}

/** Where a start takes place, once its folder and ports are its own. */
export interface Place<Name extends PortName> {
  data: DataFolder
  ports: Pick<Ports, Name | 'admin'>
  certificates: CertificateFiles
}

export interface SuperviseOptions<Name extends PortName> extends StartOptions {
  /** Beside the admin port. */
  ports: readonly Name[]
  /** In order of start. */
  plan: (place: Place<Name>) => Promise<RoleSpec[]>
  /** All have started, and what more is to be done before the start counts as done. */
  started: (place: Place<Name>, signal: AbortSignal) => Promise<void>
  /** Everything answers. */
  ready: (place: Place<Name>) => Promise<void>
  /** Files may have changed. */
  look?: () => void
}

const PREDECESSOR_LIMIT: Milliseconds = 15_000
const READY_LIMIT: Milliseconds = 60_000
const DAY: Milliseconds = 86_400_000

/**
 * Runs roles on a data folder, in the foreground: resolves when it was asked to end and has drained; throws one sentence
 * when it cannot start.
 */
export async function supervise<Name extends PortName>(options: SuperviseOptions<Name>): Promise<void> {
  const { configuration, show } = options
  const data = openDataFolder(configuration.data)
  const lock = await lockDataFolder(data)
  const undo: (() => Promise<unknown>)[] = [() => lock.release()]
  let supervisor: Supervisor | undefined
  const look = (): void => {
    supervisor?.look()
    options.look?.()
  }
  const ending = new Ending(options.signals, {
    ...{ clock: systemClock, hangUp: options.hangUp, look },
    atOnce() {
      supervisor?.kill()
      options.exit(1)
    },
  })
  try {
    await waitForPredecessors(data, show)
    const ports = await fixPorts(wishesOf([...options.ports, 'admin'], configuration))
    const { domainSuffix } = configuration
    await ensureCertificates(data.certificates, domainSuffix, systemClock.now())
    undo.push(renewCertificates(data, domainSuffix, show))
    const logs = new LogFiles({ folder: data.logs, clock: systemClock, show })
    undo.push(() => logs.close())
    const place: Place<Name> = { data, ports, certificates: certificateFiles(data.certificates) }
    supervisor = new Supervisor({
      roles: await options.plan(place),
      clock: systemClock,
      wait: pause,
      env: roleEnvironment(options.env),
      onOutput: (role, stream, name) => logs.take(role, stream, name),
      onEvent: event => showEvent(event, show),
    })
    const starting = new Set(['start'])
    // Here, since with it comes Fastify, for which no other command has to wait.
    const { Admin } = await import('./admin.ts')
    const admin = new Admin(ports.admin, supervised(supervisor, starting))
    undo.push(() => admin.close())
    await admin.start()
    const roles = supervisor
    undo.push(() => roles.close())
    // A signal during the start ends the roles, and with them the start.
    ending.politely.addEventListener('abort', () => void roles.close(), { once: true })
    await supervisor.start()
    await options.started(place, ending.politely)
    await untilReady(supervisor, ending.politely)
    starting.clear()
    await options.ready(place)
    await aborted(ending.politely)
  } catch (error) {
    // Whatever fails because it was told to end has ended as it was told.
    if (!ending.politely.aborted) throw error
  } finally {
    for (const step of undo.reverse()) await step()
    ending.close()
  }
}

function wishesOf<Name extends PortName>(
  names: readonly Name[],
  configuration: Configuration,
): Pick<ReturnType<typeof portWishes>, Name> {
  const all = portWishes(configuration)
  return Object.fromEntries(names.map(name => [name, all[name]])) as Pick<typeof all, Name> // exactly these
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

const SECRETS =
  /^(SLUICE_(TOKEN|JOIN|(STORAGE_)?(ACCESS_KEY_ID|SECRET_ACCESS_KEY)|SESSION_TOKEN)|DATABASE_URL)(_FILE)?$/

/** Roles, and what they start, get no secret of the environment: who needs one is told with its options. */
export function roleEnvironment(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.test(name)))
}

function supervised(supervisor: Supervisor, starting: Set<string>): AdminSource {
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
