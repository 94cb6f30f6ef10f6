// What a gate costs: hits of one object, open and behind a gate, by wrk (Debian) in alternating rounds against a real
// `sluice up`; and the first request of a policy that the edge has never seen against one that it has.
// ROUNDS=7 and SECONDS=3 change the load.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createSigner, signCookies, signPath, signUrl } from '../dist/signing/index.js'
import { cpuOf, roles } from './processes.mjs'
import { cli, down, makeFilm, median, quantile, report, temporaryFolder, up } from './running.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 7)
const SECONDS = Number(process.env.SECONDS ?? 3)
const NEVER_SEEN = 1500

if (spawnSync('wrk', ['-v']).error) {
  console.error('wrk is missing: install it with "sudo apt-get install wrk".')
  process.exit(1)
}

const folder = temporaryFolder()
const data = path.join(folder, 'data')
const film = path.join(folder, 'film.mp4')
makeFilm(film, 20)
const sluice = await up(data, '--no-sample')
const { http: site } = sluice.ready
cli(data, 'publish', film, '/open/film')
cli(data, 'publish', film, '/members/film')

/** The keys that sites have: ours by default, and the one that AWS's tools make. */
const KEYS = [
  { name: 'P-256, SHA-256', pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256' },
  { name: 'RSA-2048, SHA-1', pair: generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha1' },
].map(({ name, pair, hash }, at) => {
  const file = path.join(folder, `key${at}.pem`)
  writeFileSync(file, pair.publicKey.export({ type: 'spki', format: 'pem' }))
  const { id } = cli(data, 'keys', 'import', `bench-${at}`, file)
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' })
  return { name, signer: createSigner(pem, id, { hash }) }
})

const soon = seconds => Math.floor(Date.now() / 1000 + seconds) * 1000
const resource = `${site}/members/film/*`
const cookiesOf = signer =>
  Object.entries(signCookies(signer, { resource, expires: soon(3600) }))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

let agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

/** The edge has closed what was idle for a minute. */
function reconnect() {
  agent.destroy()
  agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
}

function get(url, cookie) {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie }
    http
      .get(url, { agent, headers }, response => {
        let text = ''
        response.on('data', chunk => (text += chunk.toString('latin1')))
        response.on('end', () => {
          if (response.statusCode !== 200) return reject(new Error(`${response.statusCode} ${text}`))
          resolve({ us: (performance.now() - began) * 1000, text })
        })
      })
      .on('error', reject)
  })
}

const cookie = cookiesOf(KEYS[0].signer)
const entry = (await get(`${site}/open/film/index.m3u8`)).text
const media = entry.split('\n').find(line => line !== '' && !line.startsWith('#'))
const segments = (await get(`${site}/open/film/${media}`)).text.split('\n')
const segment = segments.find(line => line !== '' && !line.startsWith('#'))
const OBJECTS = { playlist: media, segment: path.posix.join(path.posix.dirname(media), segment) }

const edge = roles(sluice.ready.pid).edge

/** Hits over 32 connections that are kept open: a second, and for each second of the edge's CPU. */
function load(url, cookies) {
  const header = cookies === undefined ? [] : ['-H', `Cookie: ${cookies}`]
  const before = cpuOf(edge)
  const { stdout } = spawnSync('wrk', ['-t1', '-c32', `-d${SECONDS}s`, ...header, url], { encoding: 'utf8' })
  const cpu = cpuOf(edge) - before
  if (/Non-2xx/.test(stdout)) throw new Error(stdout)
  const [, hits] = /(\d+) requests in/.exec(stdout)
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), byCpu: Number(hits) / cpu }
}

for (const [name, object] of Object.entries(OBJECTS)) {
  reconnect()
  const { text } = await get(`${site}/open/film/${object}`)
  const members = `${site}/members/film/${object}`
  const terms = { resource, expires: soon(3600) }
  const ways = {
    open: () => load(`${site}/open/film/${object}`),
    ...Object.fromEntries(
      KEYS.map(key => [`cookies, ${key.name}`, () => load(members, cookiesOf(key.signer))]),
    ),
    'signed URL': () => load(signUrl(KEYS[0].signer, members, terms).url),
    'path token': () => load(signPath(KEYS[0].signer, members, terms).url),
  }
  const rates = Object.fromEntries(Object.keys(ways).map(way => [way, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [way, go] of Object.entries(ways)) rates[way].push(go())
  report(`${name} of ${text.length} bytes, open`, median(rates.open.map(({ rate }) => rate)), 'hits/s')
  report(`${name}, open`, median(rates.open.map(({ byCpu }) => byCpu)), "hits for a second of the edge's CPU")
  for (const way of Object.keys(ways).filter(each => each !== 'open')) {
    const ratios = of => median(rates[way].map((figures, round) => of(figures) / of(rates.open[round])))
    report(
      `${name}, gated by ${way}`,
      ratios(({ rate }) => rate),
      'of the open rate',
    )
    report(
      `${name}, gated by ${way}`,
      ratios(({ byCpu }) => byCpu),
      'of the open hits for a second of CPU',
    )
  }
}

for (const { name, signer } of KEYS) {
  reconnect()
  const url = `${site}/members/film/${OBJECTS.playlist}`
  const fresh = Array.from({ length: NEVER_SEEN }, (_, at) =>
    Object.entries(signCookies(signer, { resource, expires: soon(7200 + at) }))
      .map(([cookieName, value]) => `${cookieName}=${value}`)
      .join('; '),
  )
  const first = []
  const second = []
  for (const cookies of fresh) {
    first.push((await get(url, cookies)).us)
    second.push((await get(url, cookies)).us)
  }
  report(`never-seen policy, ${name}, p50`, median(first) - median(second), 'µs more than a seen one')
  report(
    `never-seen policy, ${name}, p90`,
    quantile(first, 0.9) - quantile(second, 0.9),
    'µs more than a seen one',
  )
}

agent.destroy()
await down(sluice)
