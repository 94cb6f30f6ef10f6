import type { NodeId } from '../../core/index.ts'
import type { Distribution, Snapshot } from '../../distribution/index.ts'
import { countTogether, rank, type Client } from '../nearest.ts'
import type { Edge } from '../edge.ts'
import { labelsIn, readName } from '../names.ts'
import { RCODE, type Question, type Record, type Reply } from './packet.ts'

/** Seconds. So long a resolver may send viewers to an edge that has gone. */
export const NEAREST_TTL = 20
/** Of what changes with the installation alone. */
const STEADY_TTL = 3600
/** Of what is not there, and may be soon. */
const ABSENT_TTL = 30
/** As many as a short answer has room for. */
const MOST_ADDRESSES = 4

export interface ZoneOptions {
  /** `cdn.example`, lower case. */
  name: string
  /** The names under which its name servers are known; that of the routers when there is none. */
  nameServers: readonly string[]
  /** To whom the question of who issues certificates is handed on (RFC 8555 §8.4). */
  challenge?: string | undefined
}

/** What an answer is made of. */
export interface Site {
  version: number
  labels: ReadonlyMap<string, Distribution>
  /** Of the routers. */
  routers: readonly string[]
  edges: readonly Edge[]
}

/** What of a snapshot concerns a zone. */
export function siteOf(zone: string, snapshot: Snapshot): Omit<Site, 'edges'> {
  const routers = snapshot.nodes.filter(({ role, draining }) => role === 'router' && draining !== true)
  return {
    version: snapshot.version,
    labels: labelsIn(zone, snapshot.distributions),
    routers: routers.flatMap(({ viewers }) => viewers?.addresses ?? []),
  }
}

/** Whether the answer depends on who asks is said by `scope`; it is asked only then. */
export type Asking = () => Client

/** The zone's answer to a question; pure. */
export function answerOf(options: ZoneOptions, site: Site, question: Question, asking: Asking): Reply {
  const named = readName(question.name.toLowerCase(), options.name)
  if (!question.isInternet || named.kind === 'elsewhere') return refusal(RCODE.refused)
  if (question.type === 'AXFR' || question.type === 'IXFR') return refusal(RCODE.refused)
  const own: Own = { options, site, question, asking }
  switch (named.kind) {
    case 'zone':
      return ofZone(own)
    case 'router':
      return addresses(own, site.routers, STEADY_TTL)
    case 'challenge':
      return options.challenge === undefined ? absent(own) : alias(own, options.challenge)
    case 'distribution': {
      const distribution = site.labels.get(named.label)
      return distribution === undefined ? absent(own) : nearest(own, distribution)
    }
    case 'at-edge': {
      const edge = site.labels.has(named.label) ? edgeOf(site, named.edge) : undefined
      return edge === undefined ? absent(own) : addresses(own, edge.addresses, NEAREST_TTL)
    }
    case 'absent':
      return absent(own)
  }
}

interface Own {
  options: ZoneOptions
  site: Site
  question: Question
  asking: Asking
}

function edgeOf({ edges }: Site, id: NodeId): Edge | undefined {
  return edges.find(edge => edge.id === id)
}

function ofZone(own: Own): Reply {
  const { options, question } = own
  const servers = options.nameServers.length > 0 ? options.nameServers : [`router.${options.name}`]
  if (question.type === 'SOA') return found([soa(own)])
  if (question.type === 'NS' || question.type === 'ANY')
    return found(servers.map(data => ({ type: 'NS', name: question.name, ttl: STEADY_TTL, data })))
  return nothing(own)
}

function nearest(own: Own, distribution: Distribution): Reply {
  const { site, question, asking } = own
  if (question.type === 'ANY') return minimal(question)
  const family = familyOf(question.type)
  if (family === undefined || site.edges.length === 0) return nothing(own)
  const able = ({ addresses: all }: Edge): boolean => all.some(each => isOfFamily(each, family))
  const alone = site.edges.filter(able).length < 2
  const ranked = rank(site.edges, alone ? {} : asking(), distribution, able)
  const place = ranked.slice(0, countTogether(ranked)).flatMap(({ edge }) => edge.addresses)
  return addresses(own, place, NEAREST_TTL, alone ? 'all' : 'some')
}

/** RFC 8482 §4.2: one answer, and none that is worth the asking. */
function minimal({ name }: Question): Reply {
  return found([{ type: 'HINFO', name, ttl: STEADY_TTL, data: { cpu: 'RFC8482', os: '' } }])
}

function alias({ question }: Own, data: string): Reply {
  return found([{ type: 'CNAME', name: question.name, ttl: STEADY_TTL, data }])
}

function addresses(own: Own, all: readonly string[], ttl: number, goodFor: 'all' | 'some' = 'all'): Reply {
  const { question } = own
  const { type, name } = question
  if (type === 'ANY') return minimal(question)
  const family = familyOf(type)
  if (family === undefined) return nothing(own)
  const some = all.filter(each => isOfFamily(each, family)).slice(0, MOST_ADDRESSES)
  if (some.length === 0) return nothing(own)
  return { ...found(some.map(data => ({ type: family, name, ttl, data }))), scope: goodFor === 'all' ? 0 : 1 }
}

function familyOf(type: string): 'A' | 'AAAA' | undefined {
  return type === 'A' || type === 'AAAA' ? type : undefined
}

function isOfFamily(address: string, family: 'A' | 'AAAA'): boolean {
  return address.includes(':') === (family === 'AAAA')
}

function found(answers: readonly Record[]): Reply {
  return { code: RCODE.ok, authoritative: true, answers, authorities: [], scope: 0 }
}

/** The name is there and has nothing of this type. */
function nothing(own: Own): Reply {
  return { ...found([]), authorities: [soa(own)] }
}

function absent(own: Own): Reply {
  return { ...nothing(own), code: RCODE.absent }
}

export function refusal(code: Reply['code']): Reply {
  return { code, authoritative: false, answers: [], authorities: [], scope: 0 }
}

function soa({ options, site }: Own): Record {
  const { name, nameServers } = options
  const data = {
    mname: nameServers[0] ?? `router.${name}`,
    rname: `hostmaster.${name}`,
    serial: site.version % 2 ** 32,
    refresh: STEADY_TTL,
    retry: 600,
    expire: 604_800,
    minimum: ABSENT_TTL,
  }
  return { type: 'SOA', name, ttl: ABSENT_TTL, data }
}
