import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { sluice, stubControl, workFolder } from './stub-control.ts'

const usage = (message: string, code = 'usage') => ({ error: { code, message } })

test.each([
  [['pulish', 'a', '/b'], "Unknown command 'pulish': did you mean publish?"],
  [['keys', 'creat', 'a'], "Unknown command 'creat': did you mean create?"],
  [['publish', 'a'], 'Missing required argument \'path\'; see "sluice --help".'],
  [
    ['publish', 'a', '/b', 'c'],
    'Too many arguments for \'publish\'. Expected 2 arguments but got 3; see "sluice --help".',
  ],
  [['assets', '--jsno'], "Unknown option '--jsno': did you mean --json?"],
  [['open', '/a', '--data'], 'Option \'--data <folder>\' argument missing; see "sluice --help".'],
  [['keys'], '"sluice keys" needs a further word; "sluice keys --help" lists them.'],
  [[], 'Name a command; "sluice --help" lists them.'],
] as const)('%j is a usage error with a hint', async (argv, message) => {
  const { code, json, stderr } = await sluice(workFolder(), [...argv, '--json'])
  expect([code, json]).toEqual([2, usage(message)])
  expect(stderr).toBe(`error: ${message}\n`)
})

test.each([
  ['usage', 'usage'],
  ['assets verify /a', 'assets verify'],
  ['help usage', 'usage'],
])('"sluice %s" has not landed: one sentence and 2', async (line, name) => {
  const { code, json } = await sluice(workFolder(), [...line.split(' '), '--json'])
  const message = `"sluice ${name}" is not in this version of Sluice.`
  expect([code, json]).toEqual([2, usage(message, 'not-in-this-version')])
})

test('what has not landed is absent from the help, what has is in it', async () => {
  const { code, stdout, stderr } = await sluice(workFolder(), ['--help'])
  expect([code, stderr]).toEqual([0, ''])
  const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(match => match[1])
  expect(listed).toEqual([...new Set(COMMANDS.map(command => command.words.split(' ')[0])), 'help'])
  expect(await sluice(workFolder(), ['help'])).toMatchObject({ code: 0, stdout })
  expect(listed).not.toContain('usage')
})

test.each([
  ['up', ['--http', '--rtmp', '--rtmps', '--trusted-proxies', '--allow-origin', '--regional'], []],
  ['config check', ['--http', '--rtmp', '--regional'], []],
  ['publish', ['--no-wait'], ['--ladder']],
  ['live create', ['--reconnect', '--group', '--no-wait'], ['--dvr', '--record', '--ladder']],
  ['distribution create', ['--origin', '--file', '--alias', '--comment', '--no-wait'], []],
  ['origin-access create', ['--type', '--signing'], ['--secret', '--key']],
  ['live sign', ['--ttl', '--host', '--key', '--key-file'], ['--ip']],
])('the help of "%s" has the flags that have landed and no other', async (words, there, absent) => {
  const { code, stdout } = await sluice(workFolder(), [...words.split(' '), '--help'])
  expect(code).toBe(0)
  for (const flag of there) expect(stdout).toContain(flag)
  for (const flag of absent) expect(stdout).not.toContain(flag)
})

test.each([
  ['--dvr', ['--dvr', '2h']],
  ['--record', ['--record']],
  ['--ladder', ['--ladder', 'auto']],
])('live create %s has not landed: one sentence and 2', async (flag, given) => {
  const stub = await stubControl({})
  const { code, json } = await sluice(workFolder(stub), ['live', 'create', '/live/x', ...given, '--json'])
  expect([code, json]).toEqual([
    2,
    usage(`"${flag}" is not in this version of Sluice.`, 'not-in-this-version'),
  ])
  expect(stub.asked).toEqual([])
})

test('the flags of live ingest are settings', async () => {
  const argv = ['config', 'check', '--rtmp', '127.0.0.1:0', '--rtmps', '0', '--json']
  expect(await sluice(workFolder(), argv)).toMatchObject({ code: 0, json: { valid: true } })
})

test('help for a word that is no command is a usage error', async () => {
  const { code, json } = await sluice(workFolder(), ['help', 'banana', '--json'])
  expect([code, json]).toEqual([2, usage('There is no such command; "sluice --help" lists them.')])
})

test('the version is that of the package', async () => {
  expect(await sluice(workFolder(), ['--version'])).toMatchObject({ code: 0, stdout: '0.7.0\n' })
})

test('without a server there is one sentence, also as JSON', async () => {
  const cwd = workFolder()
  const { code, json } = await sluice(cwd, ['assets', '--json'])
  expect(code).toBe(1)
  expect(json).toEqual(
    usage(
      `There is no Sluice in ${join(cwd, '.sluice')}: start it with "sluice up", name its folder with --data, or set SLUICE_CONTROL and SLUICE_TOKEN.`,
      'no-server',
    ),
  )
})

test('the token of the client file goes to its own server only', async () => {
  const stub = await stubControl({ 'GET /v1/nodes': { body: { nodes: [] } } })
  const stranger = await stubControl({ 'GET /v1/nodes': { body: { nodes: [] } } })
  const cwd = workFolder(stub)
  expect(await sluice(cwd, ['nodes', '--json'])).toMatchObject({ code: 0, json: [] })
  expect((await sluice(cwd, ['nodes', '--control', `${stub.url}/`])).code).toBe(0)
  const refused = await sluice(cwd, ['nodes', '--json', '--control', stranger.url])
  expect(refused).toMatchObject({ code: 5, json: { error: { code: 'no-token' } } })
  expect(stranger.asked).toEqual([])
})

test('SLUICE_CONTROL with SLUICE_TOKEN, or its file, needs no data folder', async () => {
  const stub = await stubControl({ 'GET /v1/nodes': { body: { nodes: [] } } })
  const cwd = workFolder()
  const file = join(cwd, 'token')
  writeFileSync(file, 'a-token-of-the-tests\n')
  const env = { SLUICE_CONTROL: stub.url, SLUICE_TOKEN_FILE: file }
  expect((await sluice(cwd, ['nodes'], { env })).code).toBe(0)
  const wrong = await sluice(cwd, ['nodes', '--json'], {
    env: { SLUICE_CONTROL: stub.url, SLUICE_TOKEN: 'wrong' },
  })
  expect(wrong).toMatchObject({
    code: 5,
    json: { error: { code: 'unauthorised', message: 'This token is not known.' } },
  })
})

test.each([
  [400, 2],
  [401, 5],
  [404, 3],
  [409, 4],
  [500, 1],
  [503, 1],
])('a server that answers %i makes the command end with %i', async (status, code) => {
  const stub = await stubControl({
    'GET /v1/keys': { status, body: { error: { code: 'x', message: 'A sentence.' } } },
  })
  const ran = await sluice(workFolder(stub), ['keys', 'list', '--json'])
  expect(ran).toMatchObject({
    code,
    json: { error: { code: 'x', message: 'A sentence.' } },
    stderr: 'error: A sentence.\n',
  })
})

test('colours are for terminals, and NO_COLOR is obeyed', async () => {
  let said = ''
  const stderr = { isTTY: true, write: (text: string) => (said += text) }
  await sluice(workFolder(), ['nodes'], { stderr })
  expect(said).toContain('\u001b[31merror:\u001b[0m')
  said = ''
  await sluice(workFolder(), ['nodes'], { stderr, env: { NO_COLOR: '1' } })
  expect(said).toMatch(/^error: /)
})
