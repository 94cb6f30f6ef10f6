import { ControlClient } from '../client/index.ts'
import { SluiceError } from '../core/index.ts'
import { loadOrCreateIdentity, type NodeIdentity } from '../membership/index.ts'
import {
  accessKeyOf,
  readClientFile,
  tokenSha256,
  writeClientFile,
  type ClientFile,
  type ClientUrls,
} from './client-file.ts'
import { identityFile, nameOf, type DataFolder } from './data-folder.ts'
import { FileFollower, type ReadFile } from './file-distributions.ts'
import { readDatabaseUrl } from './database-url.ts'
import type { FirstChannel } from './first-channel.ts'
import { firstRun, type FirstThings } from './first-run.ts'
import { urlOf } from './listen.ts'
import { planRoles, UP_PORTS, type Identities, type UpPorts } from './plan.ts'
import { triedStorage } from './storage.ts'
import { supervise, type StartOptions } from './supervise.ts'

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

export interface UpOptions extends StartOptions {
  /** The configuration file as it is now, for its distributions; undefined when there is none. Throws what is wrong. */
  readFile: () => ReadFile | undefined
  sample: 'publish' | 'leave-out'
  /** `channel` when this start has made one to try. */
  onReady: (ready: Ready, first: 'first' | 'again', channel: FirstChannel | undefined) => void
}

/**
 * Everything on one machine, in the foreground: resolves when it was asked to end and has drained; throws one sentence
 * when it cannot start.
 */
export async function up(options: UpOptions): Promise<void> {
  const { configuration } = options
  const databaseUrl = readDatabaseUrl(options.env)
  let file: ClientFile | undefined
  let first: 'first' | 'again' = 'again'
  let things: FirstThings = { sample: null, channel: undefined }
  let follower: FileFollower | undefined
  await supervise({
    ...options,
    ports: UP_PORTS,
    async plan({ data, ports, certificates }) {
      first = readClientFile(data.clientFile) ? 'again' : 'first'
      const written = writeClientFile(data.clientFile, urlsOf(ports))
      file = written
      const storage = await triedStorage({ ...options, folder: data.originStorage })
      return planRoles({
        ...{ configuration, data, ports, certificates, databaseUrl, storage },
        identities: await loadIdentities(data),
        adminTokenSha256: tokenSha256(written.token),
        adminAccessKey: { id: written.accessKeyId, secret: written.secretAccessKey },
        keeper: nameOf(data),
      })
    },
    async started({ data, ports }, signal) {
      things = await firstRun({
        ...{ data, client: clientOf(file), sample: options.sample, signal },
        rtmp: new URL(urlOf('rtmp', ports.rtmp)).host,
        warn: options.show,
      })
      follower = await FileFollower.start({ ...options, client: clientOf(file) })
    },
    look: () => void follower?.look(),
    async ready({ data, ports }) {
      const accessKeyId = (file && accessKeyOf(file)?.id) ?? null
      const line = await readyLine(clientOf(file), { ports, data, sample: things.sample, accessKeyId })
      options.onReady(line, first, things.channel)
    },
  })
}

/** `plan` has written it. */
function clientOf(file: ClientFile | undefined): ControlClient {
  if (file === undefined) throw new Error('there is no client file yet')
  return new ControlClient(file)
}

function urlsOf(ports: UpPorts): ClientUrls {
  return {
    url: urlOf('http', ports.control),
    http: urlOf('http', ports.http),
    https: urlOf('https', ports.https),
    rtmp: urlOf('rtmp', ports.rtmp),
    rtmps: urlOf('rtmps', ports.rtmps),
  }
}

async function loadIdentities(data: DataFolder): Promise<Identities> {
  const load = (role: keyof Identities): Promise<NodeIdentity> =>
    loadOrCreateIdentity(identityFile(data, role), role)
  return { origin: await load('origin'), edge: await load('edge'), gateway: await load('gateway') }
}

async function readyLine(
  client: ControlClient,
  {
    ports,
    data,
    sample,
    accessKeyId,
  }: { ports: UpPorts; data: DataFolder; sample: string | null; accessKeyId: string | null },
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
    accessKeyId,
    sample,
  }
}
