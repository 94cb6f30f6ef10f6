import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { describe, expect, test } from 'vitest'
import { sequenceHeaderOf, type FlvTag } from '../../src/cmaf/index.ts'
import { after, systemClock } from '../../src/core/index.ts'
import { createPeerVerifier } from '../../src/membership/index.ts'
import { until } from '../membership/fake-control.ts'
import type { Taken } from './fake-origin.ts'
import { encode, runGateway, type Running } from './running.ts'
import { channel, grantFor, rsa, RSA, viewer, VIEWER } from './site.ts'
import { span } from './span.ts'
import { nameOf } from './tags.ts'

const PATH = '/live/stage'
const SOON = after(systemClock.now(), 3_600_000)
const LIMIT = 40_000

const grant = (path = PATH): string => grantFor(path, { expires: SOON })
const tampered = (query: string): string =>
  query.replace(/(Signature=[^&]{20})(.)/, (_, head: string, c: string) => head + (c === 'A' ? 'B' : 'A'))

function frames({ tags }: Taken): FlvTag[] {
  return tags.filter(tag => tag.type === 'video' && sequenceHeaderOf(tag) === undefined && tag.data[1] === 1)
}

function kinds({ tags }: Taken): string[] {
  return tags.map(tag => nameOf(tag).replace(/ \d+$/, ''))
}

async function published(on: Running, output: string[]): Promise<Taken> {
  const { code, said } = await encode(1, output).ended
  expect([code, said]).toEqual([0, ''])
  expect(on.origin.taken).toHaveLength(1)
  await until('the body has ended', () => on.origin.last.state === 'ended')
  return on.origin.last
}

describe('an encoder that is let in arrives whole', { timeout: LIMIT }, () => {
  const aws = (): string => {
    const dateLessThan = new Date(SOON).toISOString()
    const signed = getSignedUrl({
      ...{ url: 'rtmp://media.example/live/stage', dateLessThan },
      ...{ privateKey: rsa.privatePem, keyPairId: RSA },
    })
    return signed.replace(/^[^?]*\?/, '')
  }
  test.each<[string, (on: Running) => string[]]>([
    ['a whole URL', on => [`${on.rtmp}${PATH}?${grant()}`]],
    ['over TLS', on => [`${on.rtmps}${PATH}?${grant()}`]],
    [
      "OBS's split, signature in the stream key",
      on => ['-rtmp_app', 'live', '-rtmp_playpath', `stage?${grant()}`, on.rtmp],
    ],
    [
      "OBS's split, signature in the server",
      on => ['-rtmp_app', `live?${grant()}`, '-rtmp_playpath', 'stage', on.rtmp],
    ],
    ["AWS's signer", on => [`${on.rtmp}${PATH}?${aws()}`]],
  ])('%s', async (_, outputOf) => {
    const on = await runGateway([channel(PATH)])
    const taken = await published(on, outputOf(on))
    expect(frames(taken)).toHaveLength(25)
    expect(kinds(taken).slice(0, 3).sort()).toEqual(['audio header', 'metadata', 'video header'])
    expect(taken.fields).toMatchObject({ 'sluice-channel': PATH, 'sluice-publisher': '127.0.0.1' })
    const { publicJwk, id } = on.identity
    const { kty, crv, x } = publicJwk
    const nodes = [{ id, role: 'gateway' as const, publicKey: { kty, crv, x } }]
    const peers = createPeerVerifier(() => ({ nodes }), 'origin', systemClock)
    expect(await peers.verify(String(taken.fields['sluice-node']))).toMatchObject({
      kind: 'peer',
      role: 'gateway',
    })
  })
})

describe('an encoder that is not hears why and hands over nothing', { timeout: LIMIT }, () => {
  test.each<[string, string, string]>([
    ['without a signature', 'missing', `${PATH}`],
    ['with one bit changed', 'bad-signature', `${PATH}?${tampered(grant())}`],
    ['for another path', 'wrong-resource', `${PATH}?${grant('/live/other')}`],
    ['too late', 'expired', `${PATH}?${grantFor(PATH, { expires: after(systemClock.now(), -5000) })}`],
    [
      "with a viewer's key",
      'unknown-key',
      `${PATH}?${grantFor(PATH, { expires: SOON, pair: viewer, id: VIEWER })}`,
    ],
    ['for a channel that is not there', 'no-channel', `/live/no?${grant('/live/no')}`],
  ])('%s: %s', async (_, reason, target) => {
    const on = await runGateway([channel(PATH)])
    const { code, said } = await encode(1, [`${on.rtmp}${target}`]).ended
    expect(code).not.toBe(0)
    expect(said).toContain(`Server error: ${reason}: `)
    expect(on.origin.taken).toEqual([])
    expect(await on.role.metrics()).toContain(
      `sluice_gateway_refusals_total{reason="${reason}",role="gateway"} 1\n`,
    )
  })

  test('where another publishes: busy', async () => {
    const on = await runGateway([channel(PATH)])
    on.origin.answer = () => 409
    const { code, said } = await encode(1, [`${on.rtmp}${PATH}?${grant()}`]).ended
    expect([code === 0, said]).toEqual([
      false,
      expect.stringContaining('Server error: busy: another encoder'),
    ])
  })
})

describe('while an encoder publishes', { timeout: LIMIT }, () => {
  async function live(seconds = 20, pace?: string[]): Promise<Running & { obs: ReturnType<typeof encode> }> {
    const on = await runGateway([channel(PATH)])
    const obs = encode(seconds, [`${on.rtmp}${PATH}?${grant()}`], pace)
    await until('frames arrive', () => on.origin.taken.length > 0 && frames(on.origin.last).length > 10)
    return { ...on, obs }
  }

  test('the metrics count it', async () => {
    const on = await live()
    const metrics = await on.role.metrics()
    expect(metrics).toContain('sluice_gateway_publishers{role="gateway"} 1\n')
    expect(metrics).toContain('sluice_gateway_connections{role="gateway"} 1\n')
    expect(Number(/sluice_gateway_bytes_total{[^}]*} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(1000)
  })

  test('its death is told as a loss', async () => {
    const on = await live()
    on.obs.process.kill('SIGKILL')
    await until('the body has broken off', () => on.origin.last.state === 'lost')
  })

  test('a stop cuts it', async () => {
    const on = await live()
    on.snapshots.give([channel(PATH, { stops: 1 })])
    expect((await on.obs.ended).code).not.toBe(0)
    await until('the stream has ended for the origin too', () => on.origin.last.state === 'ended')
  })

  test('the end of its channel cuts it', async () => {
    const on = await live()
    on.snapshots.give([])
    expect((await on.obs.ended).code).not.toBe(0)
    await until('the stream has ended for the origin too', () => on.origin.last.state === 'ended')
  })

  test('its key may go, and control too', async () => {
    const on = await live()
    on.snapshots.give([channel(PATH)], { keyGroups: [] })
    const newcomer = await encode(1, [`${on.rtmp}${PATH}?${grant()}`]).ended
    expect(newcomer.said).toContain('unknown-key')
    await on.snapshots.control.close()
    const before = frames(on.origin.last).length
    await until('frames arrive all the same', () => frames(on.origin.last).length > before + 25)
  })

  test('an origin that does not follow stops it for a while, and no frame is lost', async () => {
    const on = await runGateway([channel(PATH)], { queueSpan: 200 })
    on.origin.mode = 'hold'
    const obs = encode(60, [`${on.rtmp}${PATH}?${grant()}`], [])
    await until('frames arrive', () => on.origin.taken.length > 0 && frames(on.origin.last).length > 10)
    let seen = { tags: 0, at: 0 }
    await until('nothing has arrived for a third of a second', () => {
      const tags = on.origin.last.tags.length
      if (tags !== seen.tags) seen = { tags, at: performance.now() }
      return performance.now() - seen.at > 333
    })
    expect(frames(on.origin.last).length).toBeLessThan(60 * 25)
    on.origin.mode = 'take'
    expect((await obs.ended).code).toBe(0)
    await until('the body has ended', () => on.origin.last.state === 'ended')
    expect([frames(on.origin.last).length, on.origin.taken.length]).toEqual([60 * 25, 1])
  })

  test('an origin that is started anew gets it from a keyframe on', async () => {
    const on = await live()
    const first = on.origin.last
    await on.origin.stop()
    await new Promise(resolve => setTimeout(resolve, 700))
    await on.origin.start()
    await until('it goes on', () => on.origin.taken.length === 2 && frames(on.origin.last).length > 30)
    const second = on.origin.last
    expect(kinds(second).slice(0, 4)).toEqual(['metadata', 'video header', 'audio header', 'keyframe'])
    expect(second.fields).toMatchObject({
      'sluice-epoch': first.fields['sluice-epoch'],
      'sluice-broadcast': 'bfirst',
    })
    const times = frames(second).map(frame => frame.timestamp)
    expect(times.slice(1).every((time, at) => time - (times[at] ?? 0) === 40)).toBe(true)
  })

  test('an origin that stays away for five seconds loses it', async () => {
    const on = await live()
    await on.origin.stop()
    const almost = span(4500)
    // Not at its own end, which comes without an error.
    expect((await on.obs.ended).code).not.toBe(0)
    expect(almost.over).toBe(true)
    expect(await on.role.metrics()).toContain(
      'sluice_gateway_cuts_total{reason="origin-away",role="gateway"} 1\n',
    )
  })

  test('the gateway ends before it does', async () => {
    const on = await live()
    await on.role.close()
    expect((await on.obs.ended).code).not.toBe(0)
    await until('the body has broken off', () => on.origin.last.state === 'lost')
  })
})

describe('a gateway and its snapshot', { timeout: LIMIT }, () => {
  test('it is not ready without one; an encoder that comes before it waits', async () => {
    const on = await runGateway('none')
    expect(on.role.health()).toEqual({ kind: 'not-ready', waitingFor: ['snapshot'] })
    const obs = encode(1, [`${on.rtmp}${PATH}?${grant()}`])
    await until('it has connected', () => on.snapshots.control.heard.length > 0)
    on.snapshots.give([channel(PATH)])
    await until('it is ready', () => on.role.health().kind === 'ready')
    expect((await obs.ended).code).toBe(0)
  })

  test('without control it starts with the one on its disk', async () => {
    const on = await runGateway([channel(PATH)])
    await until('it is ready', () => on.role.health().kind === 'ready')
    await on.snapshots.control.close()
    const role = await on.restart()
    await until('it is ready', () => role.health().kind === 'ready')
    await published(on, [`${on.rtmp}${PATH}?${grant()}`])
  })
})
