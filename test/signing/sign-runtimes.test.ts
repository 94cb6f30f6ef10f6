import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser } from '../e2e/browser.ts'
import { ROOT } from '../house/tree.ts'
import { arriving, NOW, P256_ID, RSA_ID, vectorFile, verdictOf, word } from './edge.ts'

const BUILT = path.join(ROOT, 'dist/signing')
const FILM = 'https://m.example.com/members/talk/index.m3u8'

/** What each runtime is asked to make, with both keys and both hashes. */
const ORDERS = [
  { keyPairId: P256_ID, privateKey: vectorFile('p256.pem') },
  { keyPairId: RSA_ID, privateKey: vectorFile('rsa2048.pem') },
].flatMap(key => (['sha256', 'sha1'] as const).map(hash => ({ ...key, hash })))

interface Made {
  canned: string
  custom: string
  token: string
  publish: string
  cookies: Record<string, string>
  lines: string[]
}

/** Source for a runtime of its own: it sees nothing of this file but the module and the orders. */
const WORK = `async (sign, orders, film, expires) => {
  const made = []
  for (const order of orders) {
    const key = await sign.importKey(order)
    const cookies = await sign.signCookies(key, { resource: '*://*/members/talk/*', expires })
    made.push({
      canned: await sign.signUrl(key, film + '?a=1', { expires }),
      custom: await sign.signUrl(key, film, { expires, ip: '192.0.2.0/24', notBefore: expires - 7200 }),
      token: await sign.signPathUrl(key, film, { expires, resource: '*://*/members/talk/*' }),
      publish: (await sign.signPublish(key, 'h:1935', '/live/stage', { expires })).url,
      cookies,
      lines: sign.setCookieLines(cookies, { domain: 'example.com' }),
    })
  }
  return made
}`

const ARGUMENTS = `${JSON.stringify(ORDERS)}, ${JSON.stringify(FILM)}, ${NOW / 1000 + 3600}`

function expectAllowed(made: Made[]): void {
  expect(made).toHaveLength(ORDERS.length)
  for (const [at, { canned, custom, token, publish, cookies, lines }] of made.entries()) {
    const header = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
    const requests = [
      arriving(canned),
      arriving(custom),
      arriving(token),
      arriving(FILM, { cookies: header.join('; ') }),
      arriving(publish, { action: 'publish' }),
    ]
    expect(requests.map(request => word(verdictOf(request)))).toEqual(requests.map(() => 'allowed'))
    expect(lines).toEqual(
      header.map(pair => `${pair}; Domain=example.com; Path=/; Secure; HttpOnly; SameSite=Lax`),
    )
    expect(header).toHaveLength(ORDERS[at]?.hash === 'sha1' ? 3 : 4)
  }
}

beforeAll(() => {
  if (!existsSync(path.join(BUILT, 'sign.js')))
    throw new Error('There is no dist/: run "npm run build" first.')
})

test('in plain Node, by the name of the package', () => {
  const script = `import * as sign from 'sluice/sign'\nconsole.log(JSON.stringify(await (${WORK})(sign, ${ARGUMENTS})))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expectAllowed(JSON.parse(said) as Made[]) // what WORK returns
})

describe('in a browser', () => {
  let server: Server
  let home: string
  beforeAll(async () => {
    server = createServer((request, response) => {
      const name = /^\/([\w-]+\.js)$/.exec(request.url ?? '')?.[1]
      response.setHeader('Content-Type', name === undefined ? 'text/html' : 'text/javascript')
      response.end(name === undefined ? '<!doctype html>' : readFileSync(path.join(BUILT, name)))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    home = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // it listens on TCP
  })
  afterAll(() => new Promise(resolve => server.close(resolve)))

  test('by its own Web Crypto', { timeout: 60_000 }, async () => {
    const browser = await openBrowser()
    try {
      const page = await browser.page()
      await page.goto(home)
      const script = `(async () => (${WORK})(await import('/sign.js'), ${ARGUMENTS}))()`
      expectAllowed(await page.evaluate<Made[]>(script))
    } finally {
      await browser.close()
    }
  })
})

describe('its types', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-types-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  // A start that trusts the types builds none; "npm test" builds them.
  test.skipIf(!existsSync(path.join(BUILT, 'sign.d.ts')))(
    'need no types of Node',
    { timeout: 60_000 },
    () => {
      const main = path.join(folder, 'main.ts')
      const from = path.join(BUILT, 'sign.js')
      writeFileSync(
        main,
        `import { importKey, setCookieLines, signCookies, type SigningKey } from ${JSON.stringify(from)}
export async function logIn(pem: string | CryptoKey, headers: Headers): Promise<void> {
  const key: SigningKey = await importKey({ keyPairId: 'K', privateKey: pem })
  const cookies = await signCookies(key, { resource: 'https://m.example.com/*', expires: new Date(), ip: '192.0.2.7' })
  for (const line of setCookieLines(cookies, { domain: 'example.com', partitioned: true })) headers.append('Set-Cookie', line)
  // @ts-expect-error a resource is needed
  await signCookies(key, { expires: 1 })
}
`,
      )
      const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc')
      const flags = [
        '--noEmit',
        '--strict',
        '--target',
        'es2022',
        '--module',
        'nodenext',
        '--lib',
        'es2022,dom',
      ]
      const run = (): string =>
        execFileSync(process.execPath, [tsc, ...flags, main], {
          cwd: folder,
          encoding: 'utf8',
          stdio: 'pipe',
        })
      let said = ''
      try {
        said = run()
      } catch (error) {
        said = (error as { stdout: string }).stdout // execFileSync's own error
      }
      expect(said).toBe('')
    },
  )
})
