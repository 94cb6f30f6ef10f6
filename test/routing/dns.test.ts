import { decode, encode, type OptAnswer, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instant, type Instant } from '../../src/core/index.ts'
import {
  Answerer,
  locationOfCountry,
  siteOf,
  textOfAddress,
  type AnswererOptions,
  type Client,
  type Edge,
  type Over,
  type Site,
} from '../../src/routing/index.ts'
import { snapshotOf } from '../membership/fake-control.ts'
import { distribution, E1, edge, OREGON, PARIS, peer, SYDNEY } from './places.ts'

const EDGES = [
  edge('paris', 1, { location: PARIS }),
  edge('sydney', 2, { location: SYDNEY }),
  edge('oregon', 3, { location: OREGON, addresses: ['192.0.2.3'] }),
]
const ROUTERS = ['192.0.2.9', '2001:db8::9']

const COUNTRIES: Record<string, string> = { '198.51.100.0': 'DE', '203.0.113.0': 'NZ', '10.0.0.53': 'US' }

function clientOf(text: string): Client {
  const country = COUNTRIES[text]
  return country === undefined ? {} : { location: locationOfCountry(country) }
}

interface World {
  ask(question: Partial<Asked>): Said | undefined
  answerer: Answerer
  clock: { at: Instant }
  put(edges: readonly Edge[]): void
}

interface Asked {
  name: string
  type: string
  class: string
  id: number
  from: string
  over: Over
  flags: number
  /** `198.51.100.0/24`, or bytes. */
  subnet: string | Buffer
  size: number
  version: number
  questions: number
}

interface Said {
  code: string
  flags: number
  question: string
  answers: string[]
  authorities: string[]
  scope?: number
}

function world(more: Partial<AnswererOptions> = {}): World {
  let site: Site = siteWith(EDGES)
  const clock = { at: instant(1_000_000) }
  const answerer = new Answerer({
    zone: {
      name: 'cdn.example',
      nameServers: ['ns1.example.net', 'ns2.example.net'],
      challenge: 'acme.example.net',
    },
    site: () => site,
    client: bytes => clientOf(textOfAddress(bytes)),
    clock: { now: () => clock.at },
    perSecond: 1000,
    ...more,
  })
  return {
    answerer,
    clock,
    put: edges => void (site = siteWith(edges)),
    ask(asked) {
      const answer = answerer.answer(messageOf(asked), asked.from ?? '10.0.0.53', asked.over ?? 'udp')
      return answer && read(answer)
    },
  }
}

function siteWith(edges: readonly Edge[]): Site {
  return {
    version: 7,
    labels: new Map([
      ['e1', E1],
      ['e2', distribution('E2')],
    ]),
    routers: ROUTERS,
    edges,
  }
}

function messageOf(asked: Partial<Asked>): Buffer {
  const {
    name = 'e1.cdn.example',
    type = 'A',
    id = 4711,
    flags = 0,
    size,
    version,
    subnet,
    questions = 1,
  } = asked
  const question = { name, type, class: asked.class ?? 'IN' } as NonNullable<Packet['questions']>[number]
  const additionals =
    size === undefined && subnet === undefined ? [] : [optOf(size ?? 1232, version ?? 0, subnet)]
  return encode({
    ...{ type: 'query', id, flags, additionals },
    questions: new Array<typeof question>(questions).fill(question),
  })
}

function optOf(size: number, version: number, subnet: Asked['subnet'] | undefined): OptAnswer {
  const data = typeof subnet === 'string' ? subnetBytes(subnet) : subnet
  return {
    ...{ type: 'OPT', name: '.', udpPayloadSize: size, extendedRcode: 0, ednsVersion: version },
    ...{ flags: 0, flag_do: false, options: data === undefined ? [] : [{ code: 8, data }] },
  } as unknown as OptAnswer // the codec's types have no bytes for this option
}

function twice(opt: OptAnswer): OptAnswer {
  return { ...opt, options: [...opt.options, ...opt.options] }
}

function subnetBytes(text: string): Buffer {
  const [address = '', bits = ''] = text.split('/')
  const isV6 = address.includes(':')
  const all = isV6
    ? Buffer.from('20010db8000100000000000000000000', 'hex')
    : Buffer.from(address.split('.').map(Number))
  return Buffer.from([0, isV6 ? 2 : 1, Number(bits), 0, ...all.subarray(0, Math.ceil(Number(bits) / 8))])
}

function read(message: Buffer): Said {
  const packet = decode(message) as unknown as Packet & { rcode: string } // beside its types
  const record = (each: NonNullable<Packet['answers']>[number]): string =>
    'data' in each ? `${each.name} ${each.type} ${JSON.stringify(each.data)}` : each.type
  const opt = packet.additionals?.find((each): each is OptAnswer => each.type === 'OPT')
  const option = opt?.options[0] as { scopePrefixLength?: number } | undefined
  return {
    code: opt && opt.extendedRcode > 0 ? `extended ${opt.extendedRcode}` : packet.rcode,
    flags: message.readUInt16BE(2) & 0xfff0,
    question: packet.questions?.map(({ name, type }) => `${name} ${type}`).join() ?? '',
    answers: packet.answers?.map(record) ?? [],
    authorities: packet.authorities?.map(({ type }) => type) ?? [],
    ...(option?.scopePrefixLength !== undefined && { scope: option.scopePrefixLength }),
  }
}

const ANSWER_OF_OURS = 0x8400
const addressesOf = (said: Said | undefined): string[] =>
  said?.answers.map(each => String(JSON.parse(each.split(' ')[2] ?? '""'))) ?? []

describe('a distribution is where the client is near', () => {
  test.each([
    ['of the resolver, where it tells no client', undefined, ['192.0.2.3'], undefined],
    ['of the client', '198.51.100.0/24', ['192.0.2.1'], 24],
    ['of the other client', '203.0.113.0/24', ['192.0.2.2'], 24],
    ['of a client of whom little is told', '198.51.100.0/22', ['192.0.2.1'], 22],
    ['of a client of whom all is told', '198.51.100.0/32', ['192.0.2.1'], 24],
    ['of the resolver, for a client who wants to be told of to nobody', '0.0.0.0/0', ['192.0.2.3'], 0],
  ])('%s', (_, subnet, expected, scope) => {
    const said = world().ask(subnet === undefined ? {} : { subnet })
    expect([addressesOf(said), said?.scope, said?.flags]).toEqual([expected, scope, ANSWER_OF_OURS])
  })

  test('and nowhere else, be the client known by IPv4 and the edge by IPv6', () => {
    const said = world().ask({ type: 'AAAA', subnet: '203.0.113.0/24' })
    expect(addressesOf(said)).toEqual(['2001:db8::2'])
    // The nearest of those that have such an address at all.
    expect(addressesOf(world().ask({ type: 'AAAA' }))).toEqual(['2001:db8::1'])
  })

  test('for all clients where nothing is known of any', () => {
    const said = world().ask({ subnet: '192.0.2.0/24' })
    expect(addressesOf(said).sort()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })

  test('at once elsewhere when its edge is gone, and the scope says that nothing is left to choose', () => {
    const on = world()
    const asked = { subnet: '203.0.113.0/24' }
    expect(addressesOf(on.ask(asked))).toEqual(['192.0.2.2'])
    on.put(EDGES.map(each => (each.id === 'edge-sydney' ? { ...each, state: 'dead' } : each)))
    expect(addressesOf(on.ask(asked))).toEqual(['192.0.2.3'])
    on.put(EDGES.slice(0, 1))
    const alone = on.ask(asked)
    expect([addressesOf(alone), alone?.scope]).toEqual([['192.0.2.1'], 0])
  })

  test.each(['dead', 'draining'] as const)(
    'nowhere by IPv6 where the only edge that has it is %s, and others serve by IPv4',
    state => {
      const on = world()
      const plain = edge('oregon', 3, { addresses: ['192.0.2.3'] })
      on.put([edge('sydney', 2, { state }), plain])
      expect(on.ask({ type: 'AAAA' })).toMatchObject({ code: 'NOERROR', answers: [], authorities: ['SOA'] })
      expect(addressesOf(on.ask({}))).toEqual(['192.0.2.3'])
    },
  )

  test('with at most four addresses', () => {
    const on = world()
    on.put([1, 2, 3, 4, 5, 6].map(n => edge(`n${n}`, n)))
    expect(addressesOf(on.ask({}))).toHaveLength(4)
  })
})

test('an answer that was prepared has the number of who asks, and is nobody else’s', () => {
  const on = world()
  const numbers = [1, 2].map(id => on.answerer.answer(messageOf({ id }), '10.0.0.53', 'udp')?.readUInt16BE(0))
  expect(numbers).toEqual([1, 2])
  expect(addressesOf(on.ask({ from: '10.0.0.53' }))).toEqual(['192.0.2.3'])
  expect(addressesOf(on.ask({ from: '198.51.100.0' }))).toEqual(['192.0.2.1'])
})

test('an answer is good for a network of IPv6 as latencies are kept of it', () => {
  expect(world().ask({ subnet: '2001:db8:1::/56' })?.scope).toBe(48)
  expect(world().ask({ subnet: '2001:db8:1::/40' })?.scope).toBe(40)
})

test('what may change soon is kept shortly, and so is that nothing is there', () => {
  const on = world()
  const kept = (name: string, type = 'A'): unknown => {
    const { answers = [], authorities = [] } = decode(
      on.answerer.answer(messageOf({ name, type }), '10.0.0.53', 'udp') ?? Buffer.alloc(0),
    )
    return [...answers, ...authorities].map(each => ('ttl' in each ? each.ttl : undefined))
  }
  expect([kept('e1.cdn.example'), kept('e1--edge-paris.cdn.example')]).toEqual([[20], [20]])
  expect([kept('router.cdn.example'), kept('cdn.example', 'NS')]).toEqual([[3600], [3600, 3600]])
  // RFC 2308 §5: the lesser of this and of what the record itself says, which is 30, too.
  expect([kept('e9.cdn.example'), kept('e1.cdn.example', 'TXT')]).toEqual([[30], [30]])
})

test('routers are those that do not drain', () => {
  const nodes = [1, 2].map(n =>
    peer(`router-${n}`, { addresses: [`192.0.2.${n}`], http: 80, https: 443 }, { draining: n === 1 }),
  )
  const { routers } = siteOf('cdn.example', snapshotOf(1, { nodes }))
  expect(routers).toEqual(['192.0.2.2'])
})

describe('names', () => {
  test.each([
    ['e1--edge-sydney.cdn.example', 'A', ['192.0.2.2']],
    ['e1--edge-sydney.cdn.example', 'AAAA', ['2001:db8::2']],
    ['router.cdn.example', 'A', ['192.0.2.9']],
    ['router.cdn.example', 'AAAA', ['2001:db8::9']],
    ['cdn.example', 'NS', ['ns1.example.net', 'ns2.example.net']],
    ['_acme-challenge.cdn.example', 'TXT', ['acme.example.net']],
  ])('%s has its %s', (name, type, expected) => {
    expect(addressesOf(world().ask({ name, type }))).toEqual(expected)
  })

  test.each([
    ['e9.cdn.example', 'A', 'NXDOMAIN'],
    ['e1--edge-nobody.cdn.example', 'A', 'NXDOMAIN'],
    ['e9--edge-paris.cdn.example', 'A', 'NXDOMAIN'],
    ['a.e1.cdn.example', 'A', 'NXDOMAIN'],
    ['cdn.example', 'A', 'NOERROR'],
    ['e1.cdn.example', 'TXT', 'NOERROR'],
    ['e1.cdn.example', 'HTTPS', 'NOERROR'],
    ['e1--edge-oregon.cdn.example', 'AAAA', 'NOERROR'],
    ['router.cdn.example', 'MX', 'NOERROR'],
  ])('of %s nothing is there by %s: %s', (name, type, code) => {
    const said = world().ask({ name, type })
    expect([said?.code, said?.answers, said?.authorities]).toEqual([code, [], ['SOA']])
  })

  test('an edge by its own name has the addresses that answer', () => {
    const on = world()
    const half: Edge = { ...edge('paris', 1), addresses: ['192.0.2.1'] }
    on.put([{ ...half, viewers: { ...half.viewers, addresses: ['192.0.2.1', '192.0.2.7'] } }])
    expect(addressesOf(on.ask({ name: 'e1--edge-paris.cdn.example' }))).toEqual(['192.0.2.1'])
  })

  test('the zone says who it is', () => {
    expect(world().ask({ name: 'cdn.example', type: 'SOA' })?.answers).toEqual([
      `cdn.example SOA ${JSON.stringify({
        ...{ mname: 'ns1.example.net', rname: 'hostmaster.cdn.example', serial: 7 },
        ...{ refresh: 3600, retry: 600, expire: 604_800, minimum: 30 },
      })}`,
    ])
  })

  test('whoever asks for everything gets little', () => {
    for (const name of ['e1.cdn.example', 'e1--edge-paris.cdn.example', 'router.cdn.example'])
      expect(world().ask({ name, type: 'ANY' })?.answers).toEqual([`${name} HINFO {"cpu":"RFC8482","os":""}`])
  })

  test('case is kept and means nothing', () => {
    const on = world()
    for (const name of ['E1.cdn.EXAMPLE', 'e1.CDN.example', 'E1.cdn.EXAMPLE']) {
      const said = on.ask({ name })
      expect([said?.question, said?.answers]).toEqual([`${name} A`, [`${name} A "192.0.2.3"`]])
    }
  })
})

describe('refused is', () => {
  test.each<[string, Partial<Asked>, string]>([
    ['a name that is not ours', { name: 'www.example.org' }, 'REFUSED'],
    ['the root', { name: '.' }, 'REFUSED'],
    ['a name that only ends like ours', { name: 'xcdn.example' }, 'REFUSED'],
    ['a transfer of the zone', { name: 'cdn.example', type: 'AXFR', over: 'tcp' }, 'REFUSED'],
    ['another class', { class: 'CH' }, 'REFUSED'],
    ['another opcode', { flags: 4 << 11 }, 'NOTIMP'],
    ['two questions', { questions: 2 }, 'FORMERR'],
    ['no question', { questions: 0 }, 'FORMERR'],
    ['a version of EDNS that is not there yet', { size: 1232, version: 1 }, 'extended 1'],
    ['a subnet that is cut', { subnet: Buffer.from([0, 1, 24, 0, 1, 2]) }, 'FORMERR'],
    ['a subnet without a head', { subnet: Buffer.from([0, 1]) }, 'FORMERR'],
    ['a subnet that is too long', { subnet: Buffer.from([0, 1, 33, 0, 1, 2, 3, 4, 5]) }, 'FORMERR'],
    ['a subnet with bits behind its end', { subnet: Buffer.from([0, 1, 23, 0, 1, 2, 3]) }, 'FORMERR'],
    ['a subnet with a scope', { subnet: Buffer.from([0, 1, 24, 24, 1, 2, 3]) }, 'FORMERR'],
    ['a subnet of no family', { subnet: Buffer.from([0, 3, 8, 0, 1]) }, 'FORMERR'],
  ])('%s', (_, asked, code) => {
    const said = world().ask(asked)
    expect([said?.code, said?.answers]).toEqual([code, []])
  })

  test.each<[string, OptAnswer[]]>([
    ['two extensions', [optOf(1232, 0, undefined), optOf(1232, 0, undefined)]],
    ['two subnets', [twice(optOf(1232, 0, '198.51.100.0/24'))]],
  ])('%s', (_, additionals) => {
    const questions = [{ name: 'e1.cdn.example', type: 'A' as const }]
    const answer = world().answerer.answer(
      encode({ type: 'query', id: 1, questions, additionals }),
      '10.0.0.53',
      'udp',
    )
    expect(answer && read(answer)).toMatchObject({ code: 'FORMERR', answers: [] })
  })

  test('everything, as long as nothing is known', () => {
    expect(world({ site: () => undefined }).ask({})?.code).toBe('SERVFAIL')
  })
})

test('no recursion is offered, and the wish for it is sent back', () => {
  expect(world().ask({ flags: 0x0100 })?.flags).toBe(ANSWER_OF_OURS | 0x0100)
})

test('an answer that is longer than who asks takes is cut over UDP and whole over TCP', () => {
  const on = world({
    zone: {
      name: 'cdn.example',
      nameServers: [1, 2, 3, 4, 5, 6, 7, 8].map(n => `${'n'.repeat(60)}${n}.example.net`),
    },
  })
  const asked = { name: 'cdn.example', type: 'NS' }
  const cut = on.ask(asked)
  expect([cut?.answers, (cut?.flags ?? 0) & 0x0200]).toEqual([[], 0x0200])
  expect(on.ask({ ...asked, size: 1232 })?.answers).toHaveLength(8)
  expect(on.ask({ ...asked, over: 'tcp' })?.answers).toHaveLength(8)
})

test('who takes less than anybody has to is taken for anybody, and nobody for more than networks carry', () => {
  const nameServers = [...'abcdefghijklmnop'].map(each => `${each.repeat(60)}.example.net`)
  const on = world({ zone: { name: 'cdn.example', nameServers } })
  expect(on.ask({ name: 'cdn.example', type: 'SOA', size: 100 })?.answers).toHaveLength(1)
  const cut = on.ask({ name: 'cdn.example', type: 'NS', size: 4096 })
  expect([cut?.answers, (cut?.flags ?? 0) & 0x0200]).toEqual([[], 0x0200])
})

test('a network is one, however many addresses it asks from, and this machine may ask as it likes', () => {
  const on = world({ perSecond: 2 })
  const isCut = (from: string): boolean => ((on.ask({ from })?.flags ?? 0) & 0x0200) !== 0
  expect(['198.51.100.1', '198.51.100.2', '198.51.100.3'].map(isCut)).toEqual([false, false, true])
  expect(['2001:db8:1::1', '2001:db8:1:2::', '2001:db8:1:3::'].map(isCut)).toEqual([false, false, true])
  expect(['127.0.0.1', '127.0.0.1', '::1', '::1', '::1', '127.0.0.1'].some(isCut)).toBe(false)
})

test('a network that asks too much gets every second answer cut, the others not at all, and all of them over TCP', () => {
  const on = world({ perSecond: 2 })
  const from = '198.51.100.7'
  const get = (): string => {
    const said = on.ask({ from })
    return said === undefined ? 'nothing' : (said.flags & 0x0200) === 0 ? 'whole' : 'cut'
  }
  expect([get(), get(), get(), get(), get(), get()]).toEqual([
    'whole',
    'whole',
    'cut',
    'nothing',
    'cut',
    'nothing',
  ])
  expect(addressesOf(on.ask({ from, over: 'tcp' }))).toHaveLength(3)
  expect(addressesOf(on.ask({ from: '203.0.113.7' }))).toHaveLength(3)
  on.clock.at = instant(on.clock.at + 1000)
  expect([get(), get(), get()]).toEqual(['whole', 'whole', 'cut'])
  expect(on.answerer.outcomes).toMatchObject({ answered: 6, limited: 5 })
})

describe('whatever comes', () => {
  test('is answered with its own number and question, or not at all', () => {
    const on = world()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const message = Buffer.from(bytes)
        const answer = on.answerer.answer(message, '10.0.0.53', 'udp')
        if (answer === undefined) return
        expect(answer.readUInt16BE(0)).toBe(message.readUInt16BE(0))
        expect(answer.readUInt16BE(2) & 0x8000).toBe(0x8000)
      }),
      { numRuns: 2000 },
    )
  })

  test('nothing that is almost a question ends anything, or is answered with more than it may be', () => {
    const on = world()
    const good = messageOf({ subnet: '198.51.100.0/24' })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        (changes, length) => {
          const message = Buffer.from(good)
          for (const [at, byte] of changes) message[at] = byte
          const answer = on.answerer.answer(message.subarray(0, length), '10.0.0.53', 'udp')
          if (answer !== undefined) expect(answer.length).toBeLessThanOrEqual(1232)
        },
      ),
      { numRuns: 3000 },
    )
    on.clock.at = instant(on.clock.at + 1000)
    expect(addressesOf(on.ask({ subnet: '198.51.100.0/24' }))).toEqual(['192.0.2.1'])
  })

  test('an answer is not answered: it would go on for ever', () => {
    const message = messageOf({})
    message.writeUInt16BE(0x8000, 2)
    expect(world().answerer.answer(message, '10.0.0.53', 'udp')).toBeUndefined()
  })
})
