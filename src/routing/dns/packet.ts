import { decode, encode, type Answer, type OptAnswer, type Packet } from 'dns-packet'
import { readSubnet, writeSubnet, type Subnet, type SubnetResult } from './client-subnet.ts'

/** RFC 1035 §4.1.1, RFC 6891 §6.1.3. */
export const RCODE = {
  ok: 0,
  malformed: 1,
  failed: 2,
  absent: 3,
  notDone: 4,
  refused: 5,
  version: 16,
} as const

/** What we say of ourselves, and the longest answer over UDP: no network has to cut it (DNS flag day 2020). */
export const LONGEST_UDP = 1232
const PLAIN_UDP = 512

export interface Question {
  /** As it was sent: a resolver may hide a secret in the case of its letters. */
  name: string
  type: string
  isInternet: boolean
}

export interface Extensions {
  /** The longest answer that who asks takes over UDP. */
  size: number
  version: number
  subnet: Subnet | undefined
}

/** A message that can be answered. */
export interface Query {
  id: number
  /** `query` is the only thing that is done here. */
  opcode: 'query' | 'other'
  recursionDesired: boolean
  question: Question | undefined
  /** Its bytes, which are sent back as they came. */
  asked: Buffer
  extensions: Extensions | undefined
  /** It can be read, and is wrong. */
  fault: string | undefined
}

/** What is said; names as they are, texts for addresses. */
export type Record =
  | { type: 'A' | 'AAAA'; name: string; ttl: number; data: string }
  | { type: 'NS' | 'CNAME'; name: string; ttl: number; data: string }
  | { type: 'HINFO'; name: string; ttl: number; data: { cpu: string; os: string } }
  | {
      type: 'SOA'
      name: string
      ttl: number
      data: {
        mname: string
        rname: string
        serial: number
        refresh: number
        retry: number
        expire: number
        minimum: number
      }
    }

export interface Reply {
  code: (typeof RCODE)[keyof typeof RCODE]
  authoritative: boolean
  answers: readonly Record[]
  authorities: readonly Record[]
  /** Of the client subnet, how many bits the answer is good for. */
  scope: number
}

const HEADER = 12
const IS_ANSWER = 0x8000
const OPCODE = 0x7800
const RECURSION_DESIRED = 0x0100
const RECURSION_AVAILABLE = 0x0080
const AUTHORITATIVE = 0x0400
const CUT = 0x0200

/** Undefined of what is no question at all, to which nothing may be said: an answer to an answer would go on for ever. */
export function readQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER || (message.readUInt16BE(2) & IS_ANSWER) !== 0) return undefined
  const packet = decoded(message)
  const end = endOfQuestion(message)
  if (end === undefined) return undefined
  const flags = message.readUInt16BE(2)
  const head = {
    id: message.readUInt16BE(0),
    opcode: (flags & OPCODE) === 0 ? 'query' : 'other',
    recursionDesired: (flags & RECURSION_DESIRED) !== 0,
    asked: message.subarray(HEADER, end),
  } as const
  if (packet === undefined)
    return {
      ...head,
      question: undefined,
      extensions: undefined,
      fault: 'what follows the question cannot be read',
    }
  const { questions = [], additionals = [] } = packet
  const [first, ...more] = questions
  const options = additionals.filter(isOpt)
  const [opt] = options
  const subnet = opt && subnetOf(opt)
  return {
    ...head,
    question: first && { name: first.name, type: first.type, isInternet: first.class === 'IN' },
    extensions: opt && {
      size: opt.udpPayloadSize,
      version: opt.ednsVersion,
      subnet: subnet?.kind === 'subnet' ? subnet.subnet : undefined,
    },
    fault:
      first === undefined || more.length > 0
        ? 'not one question'
        : options.length > 1
          ? 'more than one OPT'
          : subnet?.kind === 'malformed'
            ? subnet.why
            : undefined,
  }
}

/** Of the first question, of which there may be none; undefined where its name is no plain one (RFC 1035 §4.1.2). */
function endOfQuestion(message: Buffer): number | undefined {
  if (message.readUInt16BE(4) === 0) return HEADER
  let at = HEADER
  for (let length = message[at]; length !== 0; length = message[at]) {
    if (length === undefined || length > LONGEST_LABEL) return undefined
    at += length + 1
  }
  const end = at + 5
  return at + 1 - HEADER > LONGEST_NAME || end > message.length ? undefined : end
}

const LONGEST_LABEL = 63
const LONGEST_NAME = 255

function decoded(message: Buffer): Packet | undefined {
  try {
    return decode(message)
  } catch {
    return undefined
  }
}

function isOpt(record: Answer): record is OptAnswer {
  return record.type === 'OPT'
}

/** Each option's bytes are looked at by us: the codec reads what is cut as if it were whole. */
function subnetOf({ options }: OptAnswer): SubnetResult | undefined {
  const found = options.filter(({ code }) => (code as number) === SUBNET_CODE)
  if (found.length > 1) return { kind: 'malformed', why: 'more than one client subnet' }
  const [one] = found
  if (one === undefined) return undefined
  const { data } = one as { data?: Buffer } // the codec keeps it beside what it makes of it
  return data === undefined ? { kind: 'malformed', why: 'no client subnet' } : readSubnet(data)
}

const SUBNET_CODE = 8

/** `over` says whether there is a longest length. What is too long goes out empty and cut: over TCP it is whole. */
export function writeReply(query: Query, reply: Reply, over: 'udp' | 'tcp'): Buffer {
  const whole = encodeReply(query, reply)
  const longest = Math.min(Math.max(query.extensions?.size ?? PLAIN_UDP, PLAIN_UDP), LONGEST_UDP)
  return over === 'udp' && whole.length > longest ? writeCut(query, reply) : whole
}

/** Says no more than that the question is to be asked again over TCP. */
export function writeCut(query: Query, reply: Pick<Reply, 'code' | 'authoritative' | 'scope'>): Buffer {
  const cut = encodeReply(query, { ...reply, answers: [], authorities: [] })
  cut.writeUInt16BE(cut.readUInt16BE(2) | CUT, 2)
  return cut
}

function encodeReply(query: Query, reply: Reply): Buffer {
  const { asked, extensions } = query
  const subnet = extensions?.subnet
  const options = subnet === undefined ? [] : [{ code: SUBNET_CODE, data: writeSubnet(subnet, reply.scope) }]
  const opt = {
    ...{ type: 'OPT', name: '.', udpPayloadSize: LONGEST_UDP, extendedRcode: reply.code >> 4 },
    ...{ ednsVersion: 0, flags: 0, flag_do: false, options },
  }
  const rest = encode({
    type: 'response',
    id: query.id,
    flags: query.recursionDesired ? RECURSION_DESIRED : 0,
    answers: reply.answers as Answer[], // what the codec takes, said more strictly
    authorities: reply.authorities as Answer[],
    additionals: extensions === undefined ? [] : [opt as unknown as OptAnswer], // its types know four options by name
  })
  // Nothing in it refers to a place in the message, so the question can be put before it.
  const message = Buffer.concat([rest.subarray(0, HEADER), asked, rest.subarray(HEADER)])
  const flags = message.readUInt16BE(2) & ~RECURSION_AVAILABLE
  message.writeUInt16BE(flags | (reply.authoritative ? AUTHORITATIVE : 0) | (reply.code & 0x0f), 2)
  message.writeUInt16BE(asked.length === 0 ? 0 : 1, 4)
  return message
}
