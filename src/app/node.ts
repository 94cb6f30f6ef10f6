import { JOINING_ROLES, type JoiningRole } from '../client/index.ts'
import { SluiceError } from '../core/index.ts'
import {
  agreeOnStorage,
  join,
  loadOrCreateIdentity,
  Membership,
  type NodeIdentity,
} from '../membership/index.ts'
import { openStore, readMark, type StorageOptions } from '../storage/index.ts'
import { identityFile, membershipFile } from './data-folder.ts'
import { urlOf } from './listen.ts'
import { nodeUrlOf } from './node-url.ts'
import {
  edgeOptions,
  gatewayOptions,
  originOptions,
  PORTS_OF,
  regionalOptions,
  routerOptions,
  specOf,
  type PortName,
  type RolePlace,
} from './plan.ts'
import { triedStorage } from './storage.ts'
import { supervise, type Place, type StartOptions } from './supervise.ts'
import type { RoleSpec } from './supervisor.ts'

/** Roles that run on a machine of their own, with a control elsewhere. */
export const NODE_ROLES = JOINING_ROLES
export type NodeRole = JoiningRole

/** The ready line of one role. */
export interface NodeReady {
  event: 'ready'
  pid: number
  role: NodeRole
  id: string
  pop: string
  control: string
  admin: string
  data: string
  http?: string
  https?: string
  rtmp?: string
  rtmps?: string
  dns?: string
  /** Of roles that other nodes ask: where they do. */
  url?: string
}

export interface NodeOptions extends StartOptions {
  role: NodeRole
  /** Needed on the first start alone. */
  joinToken: string | undefined
  onReady: (ready: NodeReady) => void
}

interface Member {
  identity: NodeIdentity
  membership: Membership
  /** Where other nodes reach it; null for roles that nobody asks but viewers and encoders. */
  url: string | null
  /** Of an origin. */
  storage: StorageOptions | undefined
}

/**
 * One role on a machine of its own, in the foreground: joins on its first start, and from then on needs control for
 * changes alone. Throws one sentence when it cannot start.
 */
export async function startNode(options: NodeOptions): Promise<void> {
  const { role } = options
  let member: Member | undefined
  const names: readonly PortName[] = PORTS_OF[role]
  await supervise<PortName>({
    ...options,
    ports: names,
    async plan(place) {
      member = await memberOf(options, place)
      return [specFor(options, place, member)]
    },
    started: () => Promise.resolve(),
    ready({ data, ports }) {
      const { identity, membership, url } = known(member)
      const own = names.filter(name => name !== role)
      options.onReady({
        ...{ event: 'ready', pid: process.pid, role, id: identity.id, pop: membership.pop },
        ...Object.fromEntries(own.map(name => [name, urlOf(name, ports[name])])),
        ...(url !== null && { url }),
        ...{ control: membership.controls[0] ?? '', admin: urlOf('http', ports.admin), data: data.root },
      })
      return Promise.resolve()
    },
  })
}

async function memberOf(options: NodeOptions, place: Place<PortName>): Promise<Member> {
  const { role, joinToken, show } = options
  const { data } = place
  const files = { identityFile: identityFile(data, role), membershipFile: membershipFile(data, role) }
  const kept = Membership.read(files.membershipFile)
  if (kept === undefined && joinToken === undefined) throw notJoined(role)
  const url = urlFor(options, place)
  const storage =
    role === 'origin' ? await triedStorage({ ...options, folder: data.originStorage }) : undefined
  const mark = storage && ((await readMark(await openStore(storage))) ?? null)
  if (kept === undefined) {
    const joined = await join({
      ...{ token: joinToken ?? '', role, url, ...files },
      ...(mark !== undefined && { storage: mark }),
    })
    return { ...joined, url, storage }
  }
  if (joinToken !== undefined) show('this machine has joined already; the token is not used')
  const identity = await loadOrCreateIdentity(files.identityFile, role)
  if (mark !== undefined) await agreeOnStorage({ identity, membership: kept }, mark)
  return { membership: kept, identity, url, storage }
}

/** Of roles that other nodes ask. Throws a sentence when they could not. */
function urlFor({ role, configuration }: NodeOptions, { ports }: Place<PortName>): string | null {
  if (role !== 'origin' && role !== 'regional') return null
  const url = nodeUrlOf(configuration, ports[role])
  if (url !== undefined) return url
  throw new SluiceError(
    'no-url',
    `Other nodes have to reach this ${role}, and it listens on this machine alone: start it with --${role} HOST:PORT, or name its address with --node-url.`,
    { side: 'operator', kind: 'usage' },
  )
}

function notJoined(role: NodeRole): SluiceError {
  return new SluiceError(
    'not-joined',
    `This machine has not joined yet: run "sluice nodes token --role ${role} --pop NAME" where control is, and start here with --join TOKEN.`,
    { side: 'operator', kind: 'usage' },
  )
}

function specFor(
  { role, configuration }: NodeOptions,
  { data, ports, certificates }: Place<PortName>,
  { identity, membership, url, storage }: Member,
): RoleSpec {
  const place: RolePlace = { configuration, data, certificates }
  const [controlUrl = ''] = membership.controls
  const joined = { controlUrl, membershipFile: membershipFile(data, role) }
  switch (role) {
    case 'edge': {
      const ownPorts = Object.values(ports).map(({ port }) => port)
      const { pop } = membership
      return specOf(role, place, { ...edgeOptions(place, identity, ports), ...joined, ownPorts, pop })
    }
    case 'regional': {
      if (url === null) throw new Error('a regional cache has a place')
      const ownPorts = Object.values(ports).map(({ port }) => port)
      const { pop } = membership
      return specOf(role, place, {
        ...{ ...regionalOptions(place, identity, ports.regional), ...joined },
        ...{ url, ownPorts, pop },
      })
    }
    case 'gateway':
      return specOf(role, place, { ...gatewayOptions(place, identity, ports), ...joined })
    case 'router':
      return specOf(role, place, { ...routerOptions(place, identity, ports), ...joined })
    case 'origin': {
      if (storage === undefined || url === null) throw new Error('an origin has storage and a place')
      return specOf(role, place, {
        ...originOptions(place, { identity, storage }, ports.origin),
        ...joined,
        url,
      })
    }
  }
}

function known(member: Member | undefined): Member {
  if (member === undefined) throw new Error('it has not been planned')
  return member
}
