import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice, TOKEN, workFolder } from './stub-control.ts'

const CONTROL = 'http://127.0.0.1:9000'
const KEY = {
  accessKeyId: 'SLCEABCDEFGHIJKLMNOP',
  secretAccessKey: 'a-secret-of-the-tests_0123456789abcdefgh',
}
const VARIABLES = {
  AWS_ENDPOINT_URL: CONTROL,
  AWS_ACCESS_KEY_ID: KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
}

/** A folder whose `client.json` says this; nothing needs to run. */
function folderWith(file: object): string {
  const cwd = workFolder()
  mkdirSync(join(cwd, '.sluice'), { recursive: true })
  writeFileSync(join(cwd, '.sluice', 'client.json'), JSON.stringify({ url: CONTROL, token: TOKEN, ...file }))
  return cwd
}

test('a shell that evaluates it has what AWS tools need', async () => {
  const { code, stdout } = await sluice(folderWith(KEY), ['env'])
  expect([code, stdout]).toEqual([
    0,
    Object.entries(VARIABLES)
      .map(([name, value]) => `export ${name}=${value}\n`)
      .join(''),
  ])
  const seen = execFileSync('sh', ['-c', `eval "$1"; env | grep ^AWS_ | sort`, 'sh', stdout], {
    env: { PATH: process.env['PATH'] ?? '' },
    encoding: 'utf8',
  })
  const wanted = Object.entries(VARIABLES).map(([name, value]) => `${name}=${value}\n`)
  expect(seen).toBe(wanted.sort().join(''))
})

test('it is one value with --json', async () => {
  expect(await sluice(folderWith(KEY), ['env', '--json'])).toMatchObject({ code: 0, json: VARIABLES })
})

test('an address with a quote stays one word of the shell', async () => {
  const { stdout } = await sluice(folderWith({ ...KEY, url: "http://127.0.0.1/a'b;c" }), ['env'])
  const line = stdout.split('\n')[0] ?? ''
  expect(execFileSync('sh', ['-c', `${line}; printf %s "$AWS_ENDPOINT_URL"`], { encoding: 'utf8' })).toBe(
    "http://127.0.0.1/a'b;c",
  )
})

test.each([
  ['another server', { ...KEY }, ['--control', 'http://192.0.2.1:9000']],
  ['a folder of the version before', {}, []],
])('for %s there is none', async (_, file, more) => {
  const env = { SLUICE_TOKEN: 'a-token-of-another-server' }
  const { code, json } = await sluice(folderWith(file), ['env', ...more, '--json'], { env })
  const url = more[1] ?? CONTROL
  expect([code, json]).toEqual([
    3,
    {
      error: {
        code: 'no-access-key',
        message: `There is no access key for ${url} in this data folder: "sluice tokens create NAME --scope all" makes one and shows it.`,
      },
    },
  ])
})
