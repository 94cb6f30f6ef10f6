import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, type Milliseconds, type NodeId } from '../../src/core/index.ts'
import type { Channel, Snapshot } from '../../src/distribution/index.ts'
import { createCounters } from '../../src/gateway/counters.ts'
import { Gateway } from '../../src/gateway/gateway.ts'
import { LIMITS, type GatewayLimits } from '../../src/gateway/options.ts'
import { createMetrics, silentLogger, type Logger } from '../../src/telemetry/index.ts'
import { until } from '../membership/fake-control.ts'
import { FakeEncoder } from './fake-encoder.ts'
import { FakeOrigin, names } from './fake-origin.ts'
import { span } from './span.ts'
import { channel, grantFor, site } from './site.ts'
import { audioHeader, keyframe, large, metadata, picture, sound, videoHeader } from './tags.ts'

const OPENING = [metadata(), videoHeader(), audioHeader()]
const OPENING_NAMES = ['metadata 0', 'video header 0', 'audio header 0']
const PATH = '/live/stage'
const LATER = systemClock.now()
const HOUR: Milliseconds = 3_600_000

/** Every limit of time an eighth of what it is, so that the tests do not wait. */
const QUICK: Partial<GatewayLimits> = { letGoAfter: 800, retryEvery: 25, queueSpan: 300 }

interface Stage {
  gateway: Gateway
  origin: FakeOrigin
  metrics: () => Promise<string>
  apply(version: number, channels: Channel[], over?: Partial<Snapshot>): void
  encoder(path?: string): FakeEncoder
}

let work: 'serving' | 'draining' = 'serving'
afterEach(() => void (work = 'serving'))

async function stage(limits: Partial<GatewayLimits> = QUICK, log: Logger = silentLogger): Promise<Stage> {
  const origin = await FakeOrigin.start()
  const metrics = createMetrics('gateway')
  const gateway: Gateway = new Gateway({
    origin: () => ({ url: origin.url }),
    token: () => Promise.resolve('a node token'),
    started: () => Promise.resolve(),
    draining: () => work === 'draining',
    limits: { ...LIMITS, ...limits },
    clock: systemClock,
    counters: createCounters(metrics, { publishers: () => gateway.publishers, connections: () => 0 }),
    log,
  })
  const apply: Stage['apply'] = (version, channels, over) => gateway.apply(site(version, channels, over))
  apply(1, [channel(PATH)])
  onTestFinished(async () => {
    await gateway.close()
    await origin.stop()
  })
  const encoder = (path = PATH): FakeEncoder =>
    new FakeEncoder({ path, query: grantFor(path, { expires: (LATER + HOUR) as typeof LATER }) }) // a later instant
  return { gateway, origin, metrics: () => metrics.text(), apply, encoder }
}

async function publishing(
  limits?: Partial<GatewayLimits>,
  log?: Logger,
): Promise<Stage & { obs: FakeEncoder }> {
  const on = await stage(limits, log)
  const obs = on.encoder()
  expect(await obs.publish(on.gateway)).toBe('accepted')
  return { ...on, obs }
}

const gone = (on: Stage): Promise<void> => until('no publisher is left', () => on.gateway.publishers === 0)

describe('an accepted encoder', () => {
  test('is handed over under its names, tag by tag, and its end ends the body', async () => {
    const on = await publishing()
    expect(on.origin.last.fields).toMatchObject({
      'sluice-node': 'a node token',
      'sluice-channel': PATH,
      'sluice-lease': '1',
      'sluice-stops': '0',
      'sluice-publisher': '192.0.2.7',
      'sluice-encoder': 'OBS 31 ?',
      'sluice-epoch': expect.stringMatching(/^u[a-z0-9]{15}$/) as string,
      'transfer-encoding': 'chunked',
    })
    expect(on.origin.last.fields['sluice-broadcast']).toBe(undefined)
    on.obs.send(...OPENING, keyframe(1), sound(2))
    await until('they have arrived', () => on.origin.last.tags.length === 5)
    on.obs.send(picture(3))
    on.obs.end('unpublished')
    await until('the body has ended', () => on.origin.last.state === 'ended')
    expect(names(on.origin.last)).toEqual([...OPENING_NAMES, 'keyframe 1', 'sound 2', 'picture 3'])
    await gone(on)
    expect(on.obs.cuts).toEqual([])
  })

  test('stays where it is while its gateway drains; others are sent elsewhere, if they may publish at all', async () => {
    const on = await publishing()
    work = 'draining'
    on.apply(2, [channel(PATH), channel('/live/other')])
    expect(await on.encoder('/live/other').publish(on.gateway)).toBe('busy')
    expect(await on.encoder('/live/none').publish(on.gateway)).toBe('no-channel')
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    expect([on.gateway.publishers, on.obs.cuts]).toEqual([1, []])
    work = 'serving'
    expect(await on.encoder('/live/other').publish(on.gateway)).toBe('accepted')
  })

  test('that is lost is lost to the origin', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    on.obs.end('lost')
    await until('the body has broken off', () => on.origin.last.state === 'lost')
    expect(on.gateway.publishers).toBe(0)
  })

  test('that left in the moment of its acceptance does not hold the channel', async () => {
    const on = await publishing()
    on.obs.leave()
    await until('the body has broken off', () => on.origin.last.state === 'lost')
    expect(on.gateway.publishers).toBe(0)
  })

  test('that left while the origin was asked is forgotten', async () => {
    const on = await stage()
    on.origin.answer = () => new Promise(() => {})
    const obs = on.encoder()
    const verdict = obs.publish(on.gateway)
    await until('it is there', () => on.gateway.publishers === 1)
    obs.leave()
    expect(await verdict).toBe('origin-away')
    expect(on.gateway.publishers).toBe(0)
  })

  test('costs one write for all that came in a tick', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    const before = on.origin.last.chunks
    for (let n = 0; n < 20; n++) on.obs.send(picture(n))
    await until('they have arrived', () => on.origin.last.tags.length === 24)
    expect(on.origin.last.chunks - before).toBe(1)
  })
})

describe('the origin says no', () => {
  test.each([
    [404, 'no-channel'],
    [409, 'busy'],
    [410, 'stopped'],
  ])('%i is %s, at once', async (status, reason) => {
    const on = await stage()
    on.origin.answer = () => status
    expect(await on.encoder().publish(on.gateway)).toBe(reason)
    expect(on.gateway.publishers).toBe(0)
    expect(await on.metrics()).toContain(
      `sluice_gateway_refusals_total{reason="${reason}",role="gateway"} 1\n`,
    )
  })

  test.each([403, 500, 503])('%i may pass: it is asked again', async status => {
    const on = await stage()
    let times = 0
    on.origin.answer = () => (++times < 3 ? status : 200)
    expect(await on.encoder().publish(on.gateway)).toBe('accepted')
    expect(await on.metrics()).toContain('sluice_gateway_hand_over_retries_total{role="gateway"} 2\n')
  })

  test('a cut ends it with the reason of the origin', async () => {
    const on = await publishing()
    on.origin.last.say({ cut: 'stopped', detail: 'the channel was stopped' })
    await until('it was cut', () => on.obs.cuts.length > 0)
    expect(on.obs.cuts).toEqual([['stopped', 'the channel was stopped']])
    expect(on.gateway.publishers).toBe(0)
    expect(on.origin.taken).toHaveLength(1)
    expect(await on.metrics()).toContain('sluice_gateway_cuts_total{reason="stopped",role="gateway"} 1\n')
  })

  test.each(['bad-media', 'too-much'])('an encoder whose stream is the fault hears %s', async reason => {
    const on = await publishing()
    on.origin.last.say({ cut: reason, detail: 'its sequence header cannot be read' })
    await until('it was cut', () => on.obs.cuts.length > 0)
    expect(on.obs.cuts).toEqual([[reason, 'its sequence header cannot be read']])
  })

  test('a word from a newer origin is its being away', async () => {
    const on = await publishing()
    on.origin.last.say({ cut: 'eclipse', detail: 'the moon is before the sun' })
    await until('it was cut', () => on.obs.cuts.length > 0)
    expect(on.obs.cuts).toEqual([['origin-away', 'the moon is before the sun']])
  })
})

describe('the origin is away', () => {
  test('an encoder that comes then is refused after the limit, not before', async () => {
    const on = await stage()
    await on.origin.stop()
    const almost = span(790)
    expect(await on.encoder().publish(on.gateway)).toBe('origin-away')
    expect(almost.over).toBe(true)
    expect(on.gateway.publishers).toBe(0)
  })

  test('one that is back in time hears of nothing', async () => {
    const on = await stage()
    await on.origin.stop()
    const verdict = on.encoder().publish(on.gateway)
    await until('it was asked', () => on.gateway.publishers === 1)
    await on.origin.start()
    expect(await verdict).toBe('accepted')
  })

  test('one that does not answer is asked again and then given up', async () => {
    const on = await stage()
    let asked = 0
    on.origin.answer = () => {
      asked++
      return new Promise(() => {})
    }
    expect(await on.encoder().publish(on.gateway)).toBe('origin-away')
    // A last time perhaps in the moment in which it is given up.
    expect([2, 3]).toContain(asked)
  })

  test('it is started anew: the stream goes on at a keyframe, headers first, same epoch, same broadcast', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1), picture(2))
    await until('they have arrived', () => on.origin.last.tags.length === 5)
    const first = on.origin.last
    await on.origin.stop()
    expect(on.obs.send(picture(3), sound(4), keyframe(40), picture(41))).toBe('more')
    await on.origin.start()
    await until('it goes on', () => on.origin.taken.length === 2)
    on.obs.send(picture(42))
    await until('the newest has arrived', () => names(on.origin.last).at(-1) === 'picture 42')
    const start = names(on.origin.last)
    expect(start.slice(0, 3)).toEqual(OPENING_NAMES)
    expect(['keyframe 1', 'keyframe 40']).toContain(start[3])
    expect(start.slice(-3)).toEqual(['keyframe 40', 'picture 41', 'picture 42'])
    expect(on.origin.last.fields).toMatchObject({
      'sluice-epoch': first.fields['sluice-epoch'],
      'sluice-broadcast': 'bfirst',
    })
    on.obs.end('unpublished')
    await until('the body has ended', () => on.origin.last.state === 'ended')
    expect(on.obs.cuts).toEqual([])
  })

  test('a connection that broke goes on with what the origin had not taken', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they are taken', () => on.origin.last.tags.length === 4)
    on.origin.mode = 'hold'
    on.obs.send(picture(2), keyframe(40), picture(41))
    await until('they have arrived', () => on.origin.last.tags.length === 7)
    on.origin.last.break()
    on.origin.mode = 'take'
    await until('it goes on', () => on.origin.taken.length === 2 && on.origin.last.tags.length >= 5)
    expect(names(on.origin.last).slice(-2)).toEqual(['keyframe 40', 'picture 41'])
    expect(on.obs.cuts).toEqual([])
  })

  test('an encoder that goes on sending is paused, and let go at the limit', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    await on.origin.stop()
    const [queueAlmost, limitAlmost] = [span(250), span(750)]
    await until('its socket is paused', () => on.obs.send(picture(2)) === 'full')
    expect(queueAlmost.over).toBe(true)
    expect(on.obs.cuts).toEqual([])
    await until('it is let go', () => on.obs.cuts.length > 0)
    expect(limitAlmost.over).toBe(true)
    expect(on.obs.cuts).toEqual([['origin-away', 'the origin could not be reached for 0.8 s']])
    expect(on.gateway.publishers).toBe(0)
  })

  test('an end while it is away is brought when it is back', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    await on.origin.stop()
    on.obs.send(keyframe(40))
    on.obs.end('unpublished')
    await on.origin.start()
    await until('the body has ended', () => on.origin.taken.length === 2 && on.origin.last.state === 'ended')
    expect(names(on.origin.last).at(-1)).toBe('keyframe 40')
    await gone(on)
  })

  test('one that accepts and breaks again and again is given up', async () => {
    const on = await publishing({ ...QUICK, letGoAfter: 60_000 })
    const breaker = setInterval(() => on.origin.last.break(), 5)
    onTestFinished(() => clearInterval(breaker))
    await until('it is let go', () => on.obs.cuts.length > 0)
    expect(on.obs.cuts).toEqual([['origin-away', 'the origin breaks every connection']])
  })
})

describe('the origin is slow', () => {
  test.each(['hold', 'stuck'] as const)(
    '%s: the socket is paused, and resumed when it follows',
    async mode => {
      const on = await publishing({ queueSpan: 300 })
      on.origin.mode = mode
      on.obs.send(...OPENING, keyframe(1))
      await until('its socket is paused', () => on.obs.send(large(2, 10_000)) === 'full')
      expect(on.obs.resumed).toBe(0)
      on.origin.mode = 'take'
      await until('its socket is resumed', () => on.obs.resumed === 1)
      expect(on.obs.send(picture(3))).toBe('more')
      await until('the newest has arrived', () => names(on.origin.last).at(-1) === 'picture 3')
      expect([on.origin.taken.length, on.obs.cuts]).toEqual([1, []])
    },
  )

  test('eight mebibytes pause it at once, and are not all in the connection', async () => {
    const on = await publishing({ queueSpan: 60_000 })
    on.origin.mode = 'stuck'
    let sent = 0
    while (on.obs.send(large(2, 100_000)) === 'more') sent++
    expect(sent).toBe(83)
    on.origin.mode = 'take'
    await until('its socket is resumed', () => on.obs.resumed === 1)
    await until('all arrive', () => on.origin.last.tags.length === 84)
  })

  test('one that takes nothing is given up at the limit', async () => {
    const on = await publishing()
    on.origin.mode = 'hold'
    on.obs.send(...OPENING, keyframe(1))
    await until('it is let go', () => on.obs.cuts.length > 0)
    expect(on.obs.cuts).toEqual([['origin-away', 'the origin took nothing for 0.8 s']])
    expect(on.origin.taken).toHaveLength(1)
  })

  test('an encoder that is silent is not its fault', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they are taken', () => on.origin.last.tags.length === 4)
    await new Promise(resolve => setTimeout(resolve, 1200))
    expect([on.gateway.publishers, on.obs.cuts]).toEqual([1, []])
  })
})

describe('a newer snapshot', () => {
  test('that counts another stop cuts the encoder', async () => {
    const on = await publishing()
    on.apply(2, [channel(PATH, { stops: 1 })])
    expect(on.obs.cuts).toEqual([['stopped', 'the channel was stopped']])
    await until('the body has ended', () => on.origin.last.state === 'ended')
    const again = on.encoder()
    expect(await again.publish(on.gateway)).toBe('accepted')
    expect(on.origin.last.fields['sluice-stops']).toBe('1')
  })

  test('that lacks the channel cuts the encoder', async () => {
    const on = await publishing()
    on.apply(2, [])
    expect(on.obs.cuts.map(([reason]) => reason)).toEqual(['no-channel'])
    expect(await on.encoder().publish(on.gateway)).toBe('no-channel')
  })

  test('that has another channel of this path cuts the encoder', async () => {
    const on = await publishing()
    on.apply(2, [channel(PATH, { id: 'canother' as Channel['id'] })]) // as control names them
    expect(on.obs.cuts.map(([reason]) => reason)).toEqual(['no-channel'])
  })

  test('without the key cuts nobody, and lets nobody new in', async () => {
    const on = await publishing()
    on.apply(2, [channel(PATH)], { keyGroups: [] })
    expect(on.obs.cuts).toEqual([])
    expect(await on.encoder().publish(on.gateway)).toBe('unknown-key')
    on.obs.send(...OPENING, keyframe(1))
    await until('the broadcast goes on', () => on.origin.last.tags.length === 4)
  })

  test('that comes while the origin is asked refuses the encoder', async () => {
    const on = await stage()
    on.origin.answer = () => new Promise(() => {})
    const verdict = on.encoder().publish(on.gateway)
    await until('it was asked', () => on.gateway.publishers === 1)
    on.apply(2, [channel(PATH, { stops: 1 })])
    expect(await verdict).toBe('stopped')
  })

  test('of a restored database, which knows of fewer stops, is told of no more', async () => {
    const on = await stage()
    on.apply(2, [channel(PATH, { stops: 9 })])
    const obs = on.encoder()
    expect(await obs.publish(on.gateway)).toBe('accepted')
    on.apply(3, [channel(PATH, { stops: 3, lease: 7 })])
    await until('it goes on', () => on.origin.taken.length === 2)
    expect(on.origin.taken.map(each => each.fields['sluice-stops'])).toEqual(['9', '3'])
    expect(obs.cuts).toEqual([])
  })

  test('tells the lease under which the next connection is opened', async () => {
    const on = await publishing()
    on.apply(2, [channel(PATH, { lease: 7 })])
    on.origin.last.break()
    await until('it goes on', () => on.origin.taken.length === 2)
    expect(on.origin.taken.map(each => each.fields['sluice-lease'])).toEqual(['1', '7'])
  })

  test('takes the stream to the origin that has the channel now, in the same broadcast, from a keyframe on', async () => {
    const on = await publishing()
    on.obs.send(...OPENING, keyframe(1))
    await until('they have arrived', () => on.origin.last.tags.length === 4)
    const { fields } = on.origin.last
    const owner = 'origin-bbbbbbbb' as NodeId // made up
    on.apply(2, [channel(PATH, { lease: 2, owner })])
    await until('it goes on', () => on.origin.taken.length === 2)
    expect(on.origin.taken[0]?.state).toBe('lost')
    expect(on.origin.last.fields).toMatchObject({
      ...{ 'sluice-lease': '2', 'sluice-owner': owner, 'sluice-epoch': fields['sluice-epoch'] },
      'sluice-broadcast': expect.stringMatching(/^b/) as unknown,
    })
    on.obs.send(keyframe(2))
    await until('with its opening', () => on.origin.last.tags.length >= 4)
    on.apply(3, [channel(PATH, { lease: 2, owner })])
    expect([on.origin.taken.length, on.obs.cuts]).toEqual([2, []])
  })
})

test('a gateway that ends lets everybody go, whoever would go on', async () => {
  const on = await publishing()
  on.obs.send(...OPENING, keyframe(1))
  await until('they have arrived', () => on.origin.last.tags.length === 4)
  await on.gateway.close()
  await until('the body has broken off', () => on.origin.last.state === 'lost')
  expect(on.gateway.publishers).toBe(0)
})

test('the log never holds a query', async () => {
  const lines: string[] = []
  const keep = (fields: object, event: string): void => void lines.push(JSON.stringify([fields, event]))
  const log: Logger = {
    debug: keep,
    info: keep,
    warn: keep,
    error: keep,
    child: fields => (keep(fields, ''), log),
  }
  const on = await publishing(QUICK, log)
  await new FakeEncoder({ path: PATH, query: 'Signature=SECRET&Key-Pair-Id=K&Expires=1' }).publish(on.gateway)
  on.origin.last.break()
  await until('it goes on', () => on.origin.taken.length === 2)
  await on.origin.stop()
  await until('it is let go', () => on.obs.cuts.length > 0)
  expect(lines).toContain(JSON.stringify([{ path: PATH, address: '192.0.2.7' }, '']))
  expect(lines.join('')).toContain('the origin could not be reached')
  expect(lines.join('')).not.toMatch(/SECRET|Signature|Policy/)
})
