import { ControlClient } from '../client/index.ts'
import { readClientFile, tokenSha256, writeClientFile } from './client-file.ts'
import { nameOf } from './data-folder.ts'
import { readDatabaseUrl } from './database-url.ts'
import { FileFollower, type ReadFile } from './file-distributions.ts'
import { firstRun } from './first-run.ts'
import { urlOf } from './listen.ts'
import { controlOptions, specOf } from './plan.ts'
import { reachOf } from './reach.ts'
import { triedStorage } from './storage.ts'
import { supervise, type StartOptions } from './supervise.ts'

/** The ready line of a control that runs alone. */
export interface ControlReady {
  event: 'ready'
  pid: number
  role: 'control'
  /** For this machine. */
  control: string
  /** For others; null where it listens on this machine alone. */
  reach: string | null
  admin: string
  data: string
}

export interface ControlAloneOptions extends StartOptions {
  /** The configuration file as it is now, for its distributions; undefined when there is none. Throws what is wrong. */
  readFile: () => ReadFile | undefined
  onReady: (ready: ControlReady) => void
}

/** Control without nodes of its own, in the foreground; they join from other machines. */
export async function startControlAlone(options: ControlAloneOptions): Promise<void> {
  const { configuration, show } = options
  const databaseUrl = readDatabaseUrl(options.env)
  let follower: FileFollower | undefined
  await supervise({
    ...options,
    ports: ['control'],
    async plan({ data, ports, certificates }) {
      const storage = await triedStorage({ ...options, folder: data.originStorage })
      const file = writeClientFile(data.clientFile, { url: urlOf('http', ports.control) })
      const adminAccessKey = { id: file.accessKeyId, secret: file.secretAccessKey }
      const place = { configuration, data, certificates }
      const told = {
        ...{ adminTokenSha256: tokenSha256(file.token), adminAccessKey },
        ...{ databaseUrl, keeper: nameOf(data), storage },
      }
      return [specOf('control', place, controlOptions(place, told, ports.control))]
    },
    async started({ data }, signal) {
      const file = readClientFile(data.clientFile)
      if (file === undefined) return
      const client = new ControlClient(file)
      await firstRun({ ...{ data, client, signal }, sample: 'leave-out', rtmp: '', warn: show })
      follower = await FileFollower.start({ ...options, client })
    },
    look: () => void follower?.look(),
    ready({ data, ports }) {
      options.onReady({
        ...{ event: 'ready', pid: process.pid, role: 'control' },
        ...{ control: urlOf('http', ports.control), reach: reachOf(ports.control)?.url ?? null },
        ...{ admin: urlOf('http', ports.admin), data: data.root },
      })
      return Promise.resolve()
    },
  })
}
