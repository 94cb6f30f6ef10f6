import { JOINING_ROLES, type JoiningRole } from '../client/index.ts'
import { SluiceError } from '../core/index.ts'
import { join, loadOrCreateIdentity, Membership, type NodeIdentity } from '../membership/index.ts'
import { identityFile, membershipFile } from './data-folder.ts'
import { urlOf } from './listen.ts'
import { edgeOptions, gatewayOptions, PORTS_OF, specOf, type PortName, type RolePlace } from './plan.ts'
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
      const { identity, membership } = known(member)
      options.onReady({
        ...{ event: 'ready', pid: process.pid, role, id: identity.id, pop: membership.pop },
        ...Object.fromEntries(names.map(name => [name, urlOf(name, ports[name])])),
        ...{ control: membership.controls[0] ?? '', admin: urlOf('http', ports.admin), data: data.root },
      })
      return Promise.resolve()
    },
  })
}

async function memberOf(options: NodeOptions, { data }: Place<PortName>): Promise<Member> {
  const { role, joinToken, show } = options
  const files = { identityFile: identityFile(data, role), membershipFile: membershipFile(data, role) }
  const membership = Membership.read(files.membershipFile)
  if (membership !== undefined) {
    if (joinToken !== undefined) show('this machine has joined already; the token is not used')
    return { membership, identity: await loadOrCreateIdentity(files.identityFile, role) }
  }
  if (joinToken === undefined) throw notJoined(role)
  // Nobody asks an edge or a gateway but viewers and encoders.
  return join({ token: joinToken, role, url: null, ...files })
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
  { identity, membership }: Member,
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
    case 'gateway':
      return specOf(role, place, { ...gatewayOptions(place, identity, ports), ...joined })
  }
}

function known(member: Member | undefined): Member {
  if (member === undefined) throw new Error('it has not been planned')
  return member
}
