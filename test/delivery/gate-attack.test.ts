import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { issuerOf } from '../signing/tokens.ts'
import { attackOf, controls, Dice, HOST, issuerKeys, KIND_COUNT, type Attack } from './attacks.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { RawConnection, type RawAnswer } from './raw-connection.ts'

const SEED = 20_261_122
const OVER_HTTP1 = 10_500
const OVER_HTTP2 = 500
const CONNECTIONS = 4
const FILM = 'the film at '

/**
 * What servers behind a CDN make of a path, each in its way: nginx merges slashes, Tomcat drops what follows a `;`,
 * all decode escapes and walk dots.
 */
function understood(target: string): string {
  const raw = target.replace(/[?#].*$/s, '')
  const once = raw.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const segments: string[] = []
  for (const segment of once.replaceAll('\\', '/').split('/')) {
    const name = segment.replace(/;.*$/s, '')
    if (name === '..') segments.pop()
    else if (name !== '' && name !== '.') segments.push(name)
  }
  return `/${segments.join('/')}`
}

const gated = (target: string): boolean => /^\/members(?:\/|$)/.test(understood(target))
/** What the good grants among the attacks open: a path as the origin understands it. */
const opened = (path: string): boolean => /^\/members\/talk(?:\/|$)/.test(path)

let folder: string
let origin: ForeignOrigin
let plain: EdgeBench
let secure: EdgeBench

beforeAll(async () => {
  origin = await ForeignOrigin.start((request, response) => {
    const target = request.url ?? ''
    const body = gated(target) ? `${FILM}${encodeURI(understood(target))}` : 'open'
    response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"t"', 'Content-Length': body.length })
    response.end(body)
  })
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-attack-'))
  await ensureCertificates(folder, HOST, systemClock.now())
  const files = certificateFiles(folder)
  const groups = snapshotOf().keyGroups.map(({ id }) => id)
  const issuer = issuerOf([...issuerKeys])
  const snapshot = snapshotWith(
    [{ id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }],
    [
      { pattern: '/members', gate: { keyGroups: groups, issuers: [issuer.id] } },
      { pattern: '/members/*', gate: { keyGroups: groups, issuers: [issuer.id] }, query: 'all' },
      { pattern: '*', query: 'all', headers: ['authorization'] },
    ],
    { issuers: [issuer] },
  )
  const options = { snapshot, allowOrigins: ['127.0.0.0/8'] }
  const refuse = (): never => {
    throw new Error('the built-in origin is not asked')
  }
  plain = await EdgeBench.start(refuse, options)
  secure = await EdgeBench.start(refuse, {
    ...options,
    tls: { certificateFile: files.certificate, keyFile: files.key },
  })
})
afterAll(async () => {
  await plain.close()
  await secure.close()
  await origin.close()
  await rm(folder, { recursive: true, force: true })
})

/** Why an answer is a fault; undefined when it is none. */
function fault({ grant }: Attack, status: number, body: string): string | undefined {
  if (status >= 500 || status < 100) return `answered ${status}`
  const given = body.split(FILM)[1]
  return given === undefined || (grant === 'good' && opened(given)) ? undefined : `gave away ${given}`
}

const told = ({ what, method, target, host, lines }: Attack): string =>
  JSON.stringify({
    what,
    method,
    target: target.slice(0, 400),
    host,
    lines: lines.map(line => line.slice(0, 300)),
  })

const head = ({ method, target, host, lines }: Attack): string[] => [
  `${method} ${target} HTTP/1.1`,
  ...(host === undefined ? [] : [`Host: ${host}`]),
  ...lines,
]

describe('nobody gets in', () => {
  test(
    'by ten thousand changed grants and paths over kept-alive HTTP/1.1',
    { timeout: 120_000 },
    async () => {
      const faults: string[] = []
      const kinds = new Map<string, number>()
      let sent = 0
      const attack = async (each: number): Promise<void> => {
        const dice = new Dice(SEED + each)
        const connection = new RawConnection(plain.url)
        let refused = 0
        for (let number = each; number < OVER_HTTP1; number += CONNECTIONS) {
          const attacked = attackOf(number, dice)
          const answer = await connection.ask(head(attacked)).catch((error: unknown): RawAnswer => {
            return { status: 0, head: '', body: String(error) }
          })
          sent++
          if (answer.status >= 400) refused++
          const kind = attacked.what.replace(/ \(.*/, '')
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
          const why = fault(attacked, answer.status, answer.body)
          if (why !== undefined) faults.push(`${why}: ${told(attacked)} ${answer.head} ${answer.body}`)
          if (number % 500 >= CONNECTIONS) continue
          const control = controls[sent % controls.length] ?? dice.one(controls)
          const good = await connection.ask(head(control))
          if (good.status !== 200 || !good.body.startsWith(FILM))
            faults.push(`${told(control)} got ${good.status}`)
        }
        connection.close()
        expect(refused).toBeGreaterThan((OVER_HTTP1 / CONNECTIONS) * 0.7)
        // Only what no server of HTTP can read costs its connection.
        expect(connection.opened).toBeLessThan((OVER_HTTP1 / CONNECTIONS) * 0.2)
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, each) => attack(each)))
      expect(faults.slice(0, 20)).toEqual([])
      expect(sent).toBe(OVER_HTTP1)
      expect(kinds.size).toBe(KIND_COUNT)
      // Whoever was refused has not even made anybody ask.
      const asked = origin.asked.map(({ target }) => target)
      expect(asked.filter(target => gated(target) && !opened(understood(target)))).toEqual([])
      expect(plain.asked).toEqual([])
    },
  )

  test('by the same over HTTP/2', { timeout: 60_000 }, async () => {
    const session = connect(secure.url, { rejectUnauthorized: false })
    await once(session, 'connect')
    const dice = new Dice(SEED)
    const faults: string[] = []
    let sent = 0
    for (let number = 0; sent < OVER_HTTP2; number++) {
      const attacked = attackOf(number, dice)
      const answer = await overHttp2(session, attacked)
      if (answer === 'unsent') continue
      sent++
      const why = answer === 'reset' ? undefined : fault(attacked, answer.status, answer.body)
      if (why !== undefined) faults.push(`${why}: ${told(attacked)}`)
      if (sent % 50 !== 0) continue
      const control = await overHttp2(session, dice.one(controls))
      if (typeof control === 'string' || control.status !== 200)
        faults.push(`a control got ${JSON.stringify(control)}`)
    }
    expect(faults).toEqual([])
    expect([session.closed, session.destroyed]).toEqual([false, false])
    session.close()
    expect(origin.asked.filter(({ target }) => gated(target) && !opened(understood(target)))).toEqual([])
  })
})

/** `unsent` where Node's client keeps the request to itself, `reset` where the edge takes the stream back. */
async function overHttp2(
  session: ClientHttp2Session,
  { method, target, host, lines }: Attack,
): Promise<{ status: number; body: string } | 'unsent' | 'reset'> {
  const fields: Record<string, string[]> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/s.exec(line) ?? []
    ;(fields[name.toLowerCase()] ??= []).push(value)
  }
  let stream
  try {
    const authority = host === undefined ? {} : { ':authority': host }
    stream = session.request({
      ...fields,
      ...authority,
      ':method': method,
      ':path': target,
      ':scheme': 'https',
    })
  } catch {
    return 'unsent'
  }
  try {
    stream.end()
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    return { status: Number(answer[':status']), body }
  } catch {
    return 'reset'
  }
}
