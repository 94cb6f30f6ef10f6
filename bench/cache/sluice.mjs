// Ours: a real `sluice up` whose first distribution stands before the bench's origin, its edge alone on the server's
// core. `/members/*` is gated by signed cookies, everything else is open.
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { SETTINGS } from '../../dist/app/settings.js'
import { createSigner, signCookies } from '../../dist/signing/index.js'
import { roles } from '../processes.mjs'
import { cli, down, temporaryFolder, up } from '../running.mjs'
import { CLIENT, pin, SERVER } from './cores.mjs'

/** The flag of a setting, where this version has it. */
export function flagOf(key) {
  return Object.values(SETTINGS).find(setting => setting.key === key)?.flag
}

function flags(settings) {
  return Object.entries(settings).flatMap(([key, value]) => {
    const flag = flagOf(key)
    return flag === undefined ? [] : [flag, String(value)]
  })
}

/** `settings` by their keys in sluice.yaml; one that this version lacks is left out. With `data` it starts again on it. */
export async function startSluice(origin, settings = {}, data = undefined) {
  const folder = data ?? path.join(temporaryFolder(), 'data')
  const all = { 'origins.allow': '127.0.0.0/8', logLevel: 'error', ...settings }
  const running = await up(folder, '--no-sample', ...flags(all))
  const cookie = data === undefined ? distribute(folder, origin, running.ready) : undefined
  const { edge, ...others } = roles(running.ready.pid)
  for (const pid of [running.ready.pid, ...Object.values(others)]) pin(pid, CLIENT)
  pin(edge, SERVER)
  const { http, https } = running.ready
  return {
    ...{ name: 'sluice', http, https, cookie, data: folder, startedIn: running.ms },
    ...{ pids: [edge], certificates: path.join(folder, 'certificates') },
    close: () => down(running),
  }
}

/** Gives the Cookie header that opens /members/. */
function distribute(data, origin, { distribution }) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = path.join(data, 'bench-key.pem')
  writeFileSync(key, pair.publicKey.export({ type: 'spki', format: 'pem' }))
  const { id } = cli(data, 'keys', 'import', 'bench', key)
  const definition = path.join(data, 'bench.json')
  const behaviours = [{ pattern: '/members/*', gate: { keyGroups: ['default'] } }, { pattern: '*' }]
  writeFileSync(definition, JSON.stringify({ origin: origin.url, behaviours }))
  cli(data, 'distribution', 'update', distribution.id, '--file', definition)
  const signer = createSigner(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), id, {
    hash: 'sha256',
  })
  const resource = '*://*/members/*'
  const expires = (Math.floor(Date.now() / 1000) + 86_400) * 1000
  return Object.entries(signCookies(signer, { resource, expires }))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}
