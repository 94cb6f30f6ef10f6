import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../house/tree.ts'
import { filmMoves, openBrowser, type Browser } from './browser.ts'
import { askBytes } from './origin-visitor.ts'
import { cleanEnvironment, startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'

const EXAMPLE = path.join(ROOT, 'examples/subscribers-area')
const SITE = path.join(EXAMPLE, 'site')
const PASSWORD = 'four words are enough'
const SECRET = randomBytes(32).toString('hex')
const INSTALLER = '/downloads/installer.bin'

const made = temporaryFolder('area')
let sluice: Sluice
let browser: Browser
let server: ChildProcess
let said = ''
/** As browsers ask for the area, gated and through another distribution that gates nothing. */
let area: string
let open: string
let origin: string
let door: string
let page: Page

const distribution = (text: string): string => {
  const file = path.join(made, 'distribution.json')
  writeFileSync(file, text)
  return file
}

beforeAll(async () => {
  const making = [path.join(EXAMPLE, 'make-media.js'), path.join(ROOT, 'media/sample.mp4'), made]
  execFileSync(process.execPath, making)
  const [up, opened] = await Promise.all([
    startSluice({ args: ['--allow-origin', '127.0.0.0/8'] }),
    openBrowser(),
  ])
  sluice = up
  browser = opened
  const key = await sluice.cli<{ id: string; privateKeyFile: string }>('keys', 'create', 'website')
  expect(key.code, key.stderr).toBe(0)
  const { port } = new URL(sluice.ready.http)
  area = `http://www.area.localhost:${port}`
  open = `http://open.area.localhost:${port}`
  server = spawn(process.execPath, [path.join(EXAMPLE, 'server.js')], {
    cwd: ROOT,
    env: cleanEnvironment({
      ...{ MEDIA_URL: area, MEDIA_KEY_ID: key.json.id, MEDIA_KEY_FILE: key.json.privateKeyFile },
      ...{ ORIGIN_SECRET: SECRET, DEMO_PASSWORD: PASSWORD, MADE: made, PORT: '0', ORIGIN_PORT: '0' },
    }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  server.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const place = (words: RegExp): Promise<string> =>
    until('the server says where it is', () => Promise.resolve(words.exec(said)?.[1]))
  origin = await place(/(http:\/\/127\S+)/)
  door = await place(/door is at (\S+)\//)

  const text = readFileSync(path.join(EXAMPLE, 'distribution.json'), 'utf8')
    .replace('http://127.0.0.1:3001', origin)
    .replace('ORIGIN_SECRET', SECRET)
  const created = await sluice.cli('distribution', 'create', '--file', distribution(text))
  expect(created, created.stderr).toMatchObject({ code: 0, json: { aliases: ['www.area.localhost'] } })
  const ungated = {
    ...(JSON.parse(text) as object), // the example's own
    ...{ aliases: ['open.area.localhost'], behaviours: [{ pattern: '*', originId: 'site' }] },
  }
  const second = await sluice.cli('distribution', 'create', '--file', distribution(JSON.stringify(ungated)))
  expect(second.code, second.stderr).toBe(0)
  page = await browser.page()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  server?.kill()
  expect(await sluice?.close()).toBe(0)
  rmSync(made, { recursive: true, force: true })
}, 60_000)

/** How often the origin was asked for this path and answered so. */
function asked(where: string, status = 200): number {
  return said.split('\n').filter(line => line === `GET ${where} ${status}`).length
}

/** The cookies of the area as the browser holds them. */
async function cookies(): Promise<string> {
  const kept = await browser.context.cookies(`${area}/members/`)
  return kept
    .filter(({ name }) => name.startsWith('CloudFront-'))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
}

async function reasonOf(url: string, cookie = ''): Promise<[number, string | undefined]> {
  const { status, headers } = await askBytes(url, cookie === '' ? {} : { cookie })
  return [status, headers['x-sluice-reason']]
}

const DIRECTLY = { 'x-origin-secret': SECRET }

/** All that the area holds: the paths below it. */
function files(): string[] {
  return [SITE, made].flatMap(folder =>
    readdirSync(path.join(folder, 'members'), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => `/${path.relative(folder, path.join(entry.parentPath, entry.name))}`),
  )
}

describe('before anybody has logged in', () => {
  test('the first page is open, and everything of the area is refused with a reason', async () => {
    await page.goto(`${area}/`)
    expect(await page.getByRole('heading').innerText()).toBe('The society')
    const answer = await page.goto(`${area}/members/index.html`)
    expect([answer?.status(), answer?.headers()['x-sluice-reason']]).toEqual([403, 'missing'])
    for (const each of files())
      expect([each, await reasonOf(`${area}${each}`)]).toEqual([each, [403, 'missing']])
    expect(await reasonOf(`${area}${INSTALLER}`)).toEqual([403, 'missing'])
    expect(asked('/members/index.html')).toBe(0)
  })

  test('the origin answers nobody who does not know its secret', async () => {
    for (const each of ['/', '/members/index.html', '/members/film/film.key', INSTALLER]) {
      expect((await askBytes(`${origin}${each}`)).status).toBe(403)
      expect((await askBytes(`${origin}${each}`, { 'x-origin-secret': 'guessed' })).status).toBe(403)
    }
    // Nor does it help a viewer of the CDN to say something under that name.
    const { status } = await askBytes(`${area}/`, { 'x-origin-secret': 'guessed' })
    expect(status).toBe(200)
  })

  test('a wrong password opens nothing', async () => {
    await page.goto(`${area}/`)
    await page.getByRole('link', { name: 'Log in' }).click()
    expect(new URL(page.url()).origin).toBe(door)
    await logIn('not this one')
    expect(await page.getByRole('alert').innerText()).toBe('User or password is not right.')
    expect(await cookies()).toBe('')
    await page.goto(`${door}/download`)
    expect(await page.getByLabel('User').count()).toBe(1)
  })
})

async function logIn(password: string): Promise<void> {
  await page.getByLabel('User').fill('demo')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

describe('by the one set of cookies', () => {
  test('pages, picture and PDF are shown', async () => {
    await page.goto(`${area}/door`)
    await logIn(PASSWORD)
    await page.waitForURL(`${area}/members/index.html`)
    expect(await page.getByRole('heading').innerText()).toBe('For subscribers')
    const given = (await browser.context.cookies()).filter(each => each.name.startsWith('CloudFront-'))
    expect(given.map(each => [each.name, each.domain, each.path, each.httpOnly, each.secure])).toEqual(
      ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(name => [
        ...[`CloudFront-${name}`, '.area.localhost', '/members/', true, true],
      ]),
    )
    const width = (): Promise<number> => page.evaluate(() => document.querySelector('img')?.naturalWidth ?? 0)
    await until('the picture', async () => ((await width()) > 0 ? true : undefined))
    const handbook = await page.evaluate(async () => {
      const link = document.querySelector<HTMLAnchorElement>('a[href$=".pdf"]')
      const answer = await fetch(link?.href ?? '')
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
    })
    expect(handbook).toMatchObject({ status: 200, type: 'application/pdf' })
    expect(handbook.text).toMatch(/^%PDF-1\.4[\s\S]*%%EOF\s$/)
  })

  test('the film plays with its key, sound and words', { timeout: 60_000 }, async () => {
    await page.getByRole('link', { name: 'Watch the film' }).click()
    await filmMoves(browser, page, { seconds: 1.5, difference: 0.5 })
    const words = (): Promise<string[]> =>
      page.evaluate(() =>
        [...(document.querySelector('video')?.textTracks ?? [])].flatMap(({ cues }) =>
          [...(cues ?? [])].map(cue => (cue as VTTCue).text),
        ),
      )
    expect(await until('the words', async () => ((await words()).length > 0 ? words() : undefined))).toEqual([
      'These words are for subscribers.',
      'So is everything else of this film.',
    ])
    if (process.env.AREA_SHOT !== undefined) await page.screenshot({ path: process.env.AREA_SHOT })
    const fetched = said.matchAll(/^GET (\/members\/film\/\S+) 200$/gm)
    const kinds = new Set([...fetched].map(([, where = '']) => where.replace(/\d+(?=\.m4s)/, 'N')))
    for (const each of [
      'film.key',
      'picture/init.mp4',
      'picture/N.m4s',
      'sound/init.mp4',
      'sound/N.m4s',
      'words/en.vtt',
    ])
      expect(kinds).toContain(`/members/film/${each}`)
    await page.goto('about:blank')
  })

  test('a neighbour of the area is refused, and so is what only a signed URL opens', async () => {
    const cookie = await cookies()
    expect(await reasonOf(`${area}/members/index.html`, cookie)).toEqual([200, undefined])
    // Gated as well and beside the area: the policy names /members/ alone.
    expect(await reasonOf(`${area}${INSTALLER}`, cookie)).toEqual([403, 'wrong-resource'])
    expect(await reasonOf(`${area}/downloads/%2e%2e/members/index.html`, cookie)).toEqual([400, 'bad-path'])
  })

  test("every file has the origin's own bytes and type, gated and ungated, and URLs are the same", async () => {
    const cookie = await cookies()
    for (const each of files()) {
      const own = await askBytes(`${origin}${each}`, DIRECTLY)
      const gated = await askBytes(`${area}${each}`, { cookie })
      const ungated = await askBytes(`${open}${each}`)
      expect([each, own.status, gated.status, ungated.status]).toEqual([each, 200, 200, 200])
      expect(gated.body.equals(own.body) && ungated.body.equals(own.body), each).toBe(true)
      for (const name of ['content-type', 'etag', 'last-modified'])
        expect([each, name, gated.headers[name], ungated.headers[name]]).toEqual([
          ...[each, name, own.headers[name], own.headers[name]],
        ])
      expect(gated.headers['cache-control']).toMatch(/private/)
      expect(JSON.stringify(gated.headers)).not.toContain(SECRET)
    }
  })

  test('twenty subscribers share one object of the origin', async () => {
    await sluice.cli('invalidate', '/*', '--distribution', await idOf(area))
    const cookie = await cookies()
    const wanted = [
      '/members/index.html',
      '/members/film/index.m3u8',
      '/members/film/film.key',
      '/members/film/picture/0.m4s',
    ]
    const before = wanted.map(each => asked(each))
    const all = await Promise.all(
      Array.from({ length: 20 }, () => wanted.map(each => askBytes(`${area}${each}`, { cookie }))).flat(),
    )
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
    const times = (): number[] => wanted.map((each, at) => asked(each) + asked(each, 304) - (before[at] ?? 0))
    await until('the origin tells', () => Promise.resolve(Math.min(...times()) > 0 ? true : undefined))
    expect(times()).toEqual(wanted.map(() => 1))
  })

  test("the origin's own pages of errors and redirects go through, and its folders are its own affair", async () => {
    const cookie = await cookies()
    const missing = await askBytes(`${area}/members/nothing.html`, { cookie })
    expect([missing.status, missing.body.toString()]).toEqual([
      404,
      '<!doctype html><title>404</title><p>There is no /members/nothing.html here.</p>\n',
    ])
    const folder = await askBytes(`${area}/members/`, { cookie })
    expect(folder.body.toString()).toContain('For subscribers')
    const away = await askBytes(`${area}/door`)
    expect([away.status, away.headers.location]).toEqual([302, `${door}/`])
  })
})

describe('the installer', () => {
  let link: string

  test('comes by a signed URL, whole and in pieces', async () => {
    const own = readFileSync(path.join(made, INSTALLER))
    await page.goto(`${door}/`)
    await page.getByRole('link', { name: 'To the area' }).click()
    const coming = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download the installer' }).click()
    const download = await coming
    link = download.url()
    expect(readFileSync(await download.path()).equals(own)).toBe(true)
    expect(link.replace(/=[^&]+/g, '=')).toBe(
      `${area}${INSTALLER}?Expires=&Signature=&Key-Pair-Id=&Hash-Algorithm=`,
    )
    const begun = await askBytes(link, { range: 'bytes=0-3999999' })
    expect([begun.status, begun.headers['content-range']]).toEqual([206, `bytes 0-3999999/${own.length}`])
    const rest = await askBytes(link, { range: 'bytes=4000000-', 'if-range': begun.headers['etag'] ?? '' })
    expect(rest.status).toBe(206)
    expect(Buffer.concat([begun.body, rest.body]).equals(own)).toBe(true)
    expect((await askBytes(link)).body.equals(own)).toBe(true)
    expect(asked(INSTALLER)).toBe(1)
  })

  test('does not come by any other URL', async () => {
    const short = await sluice.cli<{ url: string }>('sign', 'url', `${area}${INSTALLER}`, '--ttl', '1s')
    expect(short.code, short.stderr).toBe(0)
    // The policy of a canned grant is its URL, so another URL is another policy, which this signature is not of.
    for (const other of [
      `${link}&version=2`,
      link.replace('installer', 'other'),
      link.replace(INSTALLER, '/members/index.html'),
      link.replace(/Expires=\d+/, 'Expires=4102444800'),
    ])
      expect(await reasonOf(other)).toEqual([403, 'bad-signature'])
    await until('the link runs out', async () => {
      const [status, reason] = await reasonOf(short.json.url)
      return status === 403 && reason === 'expired' ? true : undefined
    })
  })
})

test('logging out closes all of it', async () => {
  await page.goto(`${door}/`)
  await page.getByRole('button', { name: 'Log out' }).click()
  await until('the form', async () => ((await page.getByLabel('User').count()) === 1 ? true : undefined))
  expect(await browser.context.cookies()).toEqual([])
  const answer = await page.goto(`${area}/members/film/index.html`)
  expect([answer?.status(), answer?.headers()['x-sluice-reason']]).toEqual([403, 'missing'])
  expect((await page.goto(`${door}/download`))?.status()).toBe(403)
})

test('no command tells the secret, and with the origin away what is in store is served', async () => {
  const shown = await sluice.cli('distribution', 'show', await idOf(area))
  expect(shown).toMatchObject({
    json: { origins: [{ headers: [{ name: 'X-Origin-Secret', value: null }] }] },
  })
  expect(shown.stdout + sluice.output()).not.toContain(SECRET)

  const ended = new Promise(resolve => server.once('exit', resolve))
  server.kill()
  await ended
  expect((await askBytes(`${open}/members/index.html`)).status).toBe(200)
  expect((await askBytes(`${open}/never-asked.html`)).status).toBe(502)

  const copy = createServer(({ url }, response) =>
    url === '/copy.html' ? response.end('the copy') : response.writeHead(404).end(),
  ).listen(0, '127.0.0.1')
  await once(copy, 'listening')
  const { port } = copy.address() as AddressInfo // listening on TCP
  const update = ['distribution', 'update', await idOf(open), '--error-page', '404=/copy.html:200']
  const changed = await sluice.cli(...update, '--fallback-origin', `http://127.0.0.1:${port}`)
  expect(changed.code, changed.stderr).toBe(0)
  const answers = [await askBytes(`${open}/copy.html`), await askBytes(`${open}/nowhere.html`)]
  expect(answers.map(({ status, body }) => [status, body.toString()])).toEqual([
    [200, 'the copy'],
    [200, 'the copy'],
  ])
  copy.close()
  copy.closeAllConnections()
})

async function idOf(url: string): Promise<string> {
  const { json } = await sluice.cli<{ id: string; aliases: string[] }[]>('distribution', 'list')
  return json.find(({ aliases }) => aliases.includes(new URL(url).hostname))?.id ?? 'none'
}
