import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { createSigner, signCookies } from '../../src/signing/index.ts'
import { KEY_ID, keys, snapshotOf } from '../delivery/edge-bench.ts'
import { explainingControl } from './explaining-control.ts'
import { NOW, sluice, workFolder } from './stub-control.ts'

const URL_OF = 'http://127.0.0.1:8080/members/talk/index.m3u8'
const HOUR = 3_600_000
let folder: string

beforeEach(async () => {
  folder = workFolder(await explainingControl(snapshotOf, instant(NOW)))
})

function cookie(resource = 'http://127.0.0.1:8080/members/talk/*', life = HOUR): string {
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const terms = { resource, expires: instant(NOW + life) }
  return Object.entries(signCookies(createSigner(key, KEY_ID), terms))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

test('people read the verdict first, then what led to it', async () => {
  const { code, stdout } = await sluice(folder, ['explain', URL_OF, '--cookie', cookie(undefined, -HOUR)])
  expect(code).toBe(1)
  expect(stdout).toMatchInlineSnapshot(`
    "refused, expired: expires 2026-11-21T23:00:00Z, 60 min ago

    asked         to read http://127.0.0.1:8080/members/talk/index.m3u8
    clock         2026-11-22T00:00:00.000Z (control's)
    distribution  ETESTDISTRIBUT etestdistribut.cdn.localhost (the fallback: no other has this name)
    path          /members/talk/index.m3u8
    behaviours    /members/*  signed requests  <- the first that matches
                  /live/*     open
                  *           open             matches too, but comes later
    gate          key group default: KTESTKEY000001
    carrier       cookies, custom policy, SHA-256
    key           KTESTKEY000001, "test" of default
    policy        {
                    "Statement": [
                      {
                        "Resource": "http://127.0.0.1:8080/members/talk/*",
                        "Condition": {
                          "DateLessThan": {
                            "AWS:EpochTime": 1795302000  <- 2026-11-21T23:00:00Z
                          }
                        }
                      }
                    ]
                  }
    checks        ok      grant: a custom policy comes in cookies and names the key KTESTKEY000001
                  ok      form: the policy can be read and has 125 bytes
                  ok      key: KTESTKEY000001 is one of the keys that count here
                  ok      digest: the key group accepts SHA-1 and SHA-256
                  ok      signature: KTESTKEY000001 signed this custom policy with SHA-256
                  ok      resource: Resource http://127.0.0.1:8080/members/talk/* covers http://127.0.0.1:8080/members/talk/index.m3u8
                  ok      action: the policy allows viewing; this request is for viewing
                  FAILS   end (expired): expires 2026-11-21T23:00:00Z, 60 min ago
                  ok      begin: no DateGreaterThan: valid from any time
                  ok      address: no IpAddress: valid from any address
    cache key     ETESTDISTRIBUT, /members/talk/index.m3u8, no query: all viewers of these share one object
    "
  `)
})

test('what is open is told in a few lines', async () => {
  const { code, stdout } = await sluice(folder, ['explain', 'http://h/open.html?x=1'])
  expect(code).toBe(0)
  expect(stdout).toMatchInlineSnapshot(`
    "allowed: no gate stands before this path: everybody may read it

    asked         to read http://h/open.html?x=1
    clock         2026-11-22T00:00:00.000Z (control's)
    distribution  ETESTDISTRIBUT etestdistribut.cdn.localhost (the fallback: no other has this name)
    path          /open.html
    behaviours    /members/*  signed requests
                  /live/*     open
                  *           open             <- the first that matches
    cache key     ETESTDISTRIBUT, /open.html, no query: all viewers of these share one object
    "
  `)
})

test.each([
  ['a good cookie', () => ['--cookie', cookie()], 0, { verdict: 'allowed', reason: null }],
  ['none', () => [], 1, { verdict: 'refused', reason: 'missing' }],
  [
    'another resource',
    () => ['--cookie', cookie('http://h/*')],
    1,
    { verdict: 'refused', reason: 'wrong-resource' },
  ],
])('with %s the exit code and the JSON say so', async (_, args, code, told) => {
  const ran = await sluice(folder, ['explain', URL_OF, ...args(), '--json'])
  expect(ran).toMatchObject({ code, json: told })
  expect(ran.stdout.trim().split('\n')).toHaveLength(1)
})

test('cookies may come from a file', async () => {
  writeFileSync(join(folder, 'cookies'), cookie())
  expect((await sluice(folder, ['explain', URL_OF, '--cookie-file', 'cookies'])).code).toBe(0)
})

test('nothing that lets in is printed', async () => {
  const given = cookie()
  for (const form of [[], ['--json']]) {
    const { stdout, stderr } = await sluice(folder, ['explain', URL_OF, '--cookie', given, ...form])
    for (const [, secret = ''] of given.matchAll(/=([A-Za-z0-9_~-]{40,})/g)) {
      expect(stdout + stderr).not.toContain(secret.slice(0, 30))
    }
  }
})

test.each([
  [['explain', 'members/talk'], 2, 'bad-url'],
  [['explain'], 2, 'usage'],
  [['explain', URL_OF, '--cookie-file', 'none'], 2, 'unreadable'],
])('%j ends with %i', async (argv, code, reason) => {
  expect(await sluice(folder, [...argv, '--json'])).toMatchObject({ code, json: { error: { code: reason } } })
})
