import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../house/tree.ts'
import { filmMoves, look, openBrowser, type Browser } from './browser.ts'
import { cleanEnvironment, startSluice, until, type Sluice } from './sluice.ts'

const PASSWORD = 'four words are enough'

let sluice: Sluice
let browser: Browser
let site: ChildProcess
let home: string

beforeAll(async () => {
  const [up, open] = await Promise.all([startSluice(), openBrowser()])
  sluice = up
  browser = open
  const published = await sluice.cli('publish', 'media/sample.mp4', '/members/talk')
  expect(published).toMatchObject({ code: 0, json: { state: 'ready', path: '/members/talk' } })
  const key = await sluice.cli<{ id: string; privateKeyFile: string }>('keys', 'create', 'website')
  expect(key.code).toBe(0)
  const media = `http://${sluice.ready.distribution.domain}:${new URL(sluice.ready.http).port}`
  const env = { MEDIA_URL: media, MEDIA_KEY_ID: key.json.id, MEDIA_KEY_FILE: key.json.privateKeyFile }
  site = spawn(process.execPath, [path.join(ROOT, 'examples/members-site/server.js')], {
    cwd: ROOT,
    env: cleanEnvironment({ ...env, DEMO_PASSWORD: PASSWORD, PORT: '0' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  site.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  home = await until('the site says where it is', () => Promise.resolve(/http:\S+/.exec(said)?.[0]))
}, 120_000)

afterAll(async () => {
  site.kill()
  await browser.close()
  expect(await sluice.close()).toBe(0)
}, 60_000)

const stateOf = (page: Page): Promise<string> => page.locator('#state').innerText()

/** Waits for what the page says of the film. */
async function says(page: Page, words: RegExp): Promise<string> {
  return until(
    () => `the page says ${words}\n${browser.trouble()}`,
    async () => {
      const state = await stateOf(page)
      return words.test(state) ? state : undefined
    },
  )
}

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('User').fill('demo')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

test(
  'a member logs in and the film plays; after logging out the media server refuses it',
  { timeout: 90_000 },
  async () => {
    const page = await browser.page()
    expect(new URL(home).hostname).toBe('www.cdn.localhost')

    await page.goto(home)
    expect(await says(page, /refused/)).toBe(
      'The media server refused the film (403, missing): log in to watch.',
    )

    await logIn(page, 'not this one')
    expect(await page.getByRole('alert').innerText()).toBe('User or password is not right.')
    await says(page, /refused .*missing/)

    await logIn(page, PASSWORD)
    await says(page, /Playing/)
    await filmMoves(browser, page)

    const given = (await browser.context.cookies()).filter(cookie => cookie.name.startsWith('CloudFront-'))
    expect(
      given.map(each => [each.name, each.domain, each.path, each.httpOnly, each.secure, each.sameSite]),
    ).toEqual(
      ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(name => [
        ...[`CloudFront-${name}`, '.cdn.localhost', '/members/'],
        ...[true, true, 'Lax'],
      ]),
    )

    await page.getByRole('button', { name: 'Log out' }).click()
    await says(page, /refused/)
    expect(await browser.context.cookies()).toEqual([])
    await page.reload()
    expect(await says(page, /refused/)).toBe(
      'The media server refused the film (403, missing): log in to watch.',
    )
    expect((await look(page)).seconds).toBe(0)
  },
)

test('forms of another site neither log in nor out', async () => {
  const ask = (origin: string, path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${new URL(home).port}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ user: 'demo', password: PASSWORD }).toString(),
    })
  const own = `http://127.0.0.1:${new URL(home).port}`
  expect((await ask('http://evil.example', '/login')).status).toBe(403)
  expect((await ask('null', '/logout')).status).toBe(403)
  expect((await ask(own, '/login')).status).toBe(303)
  expect((await ask(own, '/renew')).status).toBe(401)
})
