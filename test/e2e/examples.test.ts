import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../house/tree.ts'
import { which } from '../tools.mjs'
import { cleanEnvironment, startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'
import { ask, createVisitor } from './visitor.ts'

const EXAMPLES = path.join(ROOT, 'examples')
const PASSWORD = 'four words are enough'
const AREA = '/members/talk/'

/** The example of Next.js without Next.js: its route handlers are Request → Response, and this serves them. */
const HANDLERS = `
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
const page = '<form method="post" action="/log$"></form><a href="/download">Download</a>'
const server = createServer(async (request, response) => {
  const url = 'http://' + request.headers.host + request.url
  const body = request.method === 'POST' ? { body: Readable.toWeb(request), duplex: 'half' } : {}
  const route = request.url === '/' ? undefined : await import(process.cwd() + '/app' + request.url + '/route.js')
  const way = (request.headers.cookie ?? '').includes('session=') ? 'out' : 'in'
  const answer = route === undefined
    ? new Response(page.replace('$', way))
    : await route[request.method](new Request(url, { method: request.method, headers: request.headers, ...body }))
  response.writeHead(answer.status, [...answer.headers].flat())
  response.end(Buffer.from(await answer.arrayBuffer()))
})
server.listen(0, '127.0.0.1', () => console.log('at http://127.0.0.1:' + server.address().port + '/'))
`

interface Site {
  name: string
  /** What runs it, or a sentence on what this machine lacks. */
  command(): { program: string; args: string[]; cwd?: string } | { lacks: string }
  /** Whether it has a signed URL for members. */
  download: boolean
}

const python = (module: string): string | undefined =>
  ['python3', '/usr/bin/python3'].find(
    name => spawnSync(name, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0,
  )

let scratch: string

const SITES: Site[] = [
  {
    name: 'members-site (Express)',
    command: () => ({ program: process.execPath, args: [path.join(EXAMPLES, 'members-site/server.js')] }),
    download: false,
  },
  {
    name: 'nextjs',
    command: () => ({
      program: process.execPath,
      args: ['--input-type=module', '-e', HANDLERS],
      cwd: path.join(scratch, 'nextjs'),
    }),
    download: true,
  },
  {
    name: 'php',
    command: () => {
      if (which('php') === undefined) return { lacks: 'php is not installed (apt-get install php-cli)' }
      return { program: 'php', args: ['-S', '127.0.0.1:0', '-t', path.join(EXAMPLES, 'php')] }
    },
    download: true,
  },
  {
    name: 'django',
    command: () => {
      const program = python('django, cryptography')
      if (program !== undefined) return { program, args: ['-B', path.join(EXAMPLES, 'django/members.py')] }
      return {
        lacks: 'Python has no django and cryptography (apt-get install python3-django python3-cryptography)',
      }
    },
    download: true,
  },
]

interface Key {
  id: string
  privateKeyFile: string
}

let sluice: Sluice
let media: string
const keys: Record<string, Key> = {}

beforeAll(async () => {
  scratch = temporaryFolder('examples')
  cpSync(path.join(EXAMPLES, 'nextjs'), path.join(scratch, 'nextjs'), { recursive: true })
  mkdirSync(path.join(scratch, 'nextjs/node_modules'), { recursive: true })
  // As npm installs a dependency of "file:".
  symlinkSync(ROOT, path.join(scratch, 'nextjs/node_modules/sluice'))
  sluice = await startSluice()
  media = `http://${sluice.ready.distribution.domain}:${new URL(sluice.ready.http).port}`
  const published = await sluice.cli('publish', 'media/sample.mp4', '/members/talk')
  expect(published).toMatchObject({ code: 0, json: { state: 'ready', path: '/members/talk' } })
  const created = await sluice.cli<Key>('keys', 'create', 'website')
  expect(created.code).toBe(0)
  keys['P-256'] = created.json
  const [pem, publicPem] = ['rsa.pem', 'rsa.pub.pem'].map(name => path.join(scratch, name)) as [
    string,
    string,
  ] // two names
  execFileSync('openssl', ['genrsa', '-traditional', '-out', pem, '2048'], { stdio: 'ignore' })
  execFileSync('openssl', ['rsa', '-in', pem, '-pubout', '-out', publicPem], { stdio: 'ignore' })
  const imported = await sluice.cli<{ id: string }>('keys', 'import', 'old-website', publicPem)
  expect(imported.code).toBe(0)
  keys.RSA = { id: imported.json.id, privateKeyFile: pem }
}, 120_000)

afterAll(async () => {
  expect(await sluice.close()).toBe(0)
  rmSync(scratch, { recursive: true, force: true })
}, 60_000)

function environment(type: string): NodeJS.ProcessEnv {
  const key = keys[type]
  if (key === undefined) throw new Error('made above')
  return cleanEnvironment({
    MEDIA_URL: media,
    MEDIA_AREA: AREA,
    MEDIA_KEY_ID: key.id,
    MEDIA_KEY_FILE: key.privateKeyFile,
    DEMO_PASSWORD: PASSWORD,
    PORT: '0',
  })
}

/** Starts a site; resolves with its address under the name that its cookies reach. */
async function start(site: Site, type: string): Promise<{ home: string; child: ChildProcess } | string> {
  const command = site.command()
  if ('lacks' in command) return command.lacks
  const child = spawn(command.program, command.args, {
    cwd: command.cwd ?? ROOT,
    env: environment(type),
    stdio: 'pipe',
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const port = await until(
    () => `the site says where it is\n${said}`,
    () => Promise.resolve(/http:\/\/[\w.]+:(\d+)/.exec(said)?.[1]),
  )
  return { home: `http://www.cdn.localhost:${port}/`, child }
}

/** A skip that says why, in every reporter. */
function skip(context: { skip: (note: string) => void }, name: string, why: string): void {
  console.log(`skipped: examples/${name}: ${why}`)
  context.skip(why)
}

const film = (): string => `${media}/members/talk/index.m3u8`
const neighbour = (): string => `${media}/members/tale/index.m3u8`

describe.each(['P-256', 'RSA'])('with a key of the type %s', type => {
  test.for(SITES.map(site => [site.name, site] as const))(
    '%s lets members in to their area and nowhere else, and out again',
    { timeout: 60_000 },
    async ([name, site], context) => {
      const started = await start(site, type)
      if (typeof started === 'string') return skip(context, name, started)
      const { home, child } = started
      try {
        const visitor = createVisitor()
        const given = (): unknown[] =>
          visitor
            .cookies()
            .filter(each => each.name.startsWith('CloudFront-'))
            .map(each => [each.name, each.domain, each.path, each.secure, each.httpOnly, each.sameSite])
        const door = await visitor.get(home)
        expect(door.status).toBe(200)
        const wrong = await visitor.submit(door, home, { user: 'demo', password: 'not this one' })
        expect([wrong.status, given()]).toEqual([401, []])
        expect((await visitor.get(film())).headers['x-sluice-reason']).toBe('missing')

        const right = await visitor.submit(await visitor.get(home), home, {
          user: 'demo',
          password: PASSWORD,
        })
        expect([right.status, right.headers.location], right.body).toEqual([
          right.status === 302 ? 302 : 303,
          '/',
        ])
        expect(given()).toEqual(
          ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(each => [
            ...[`CloudFront-${each}`, '.cdn.localhost', AREA, true, true, 'Lax'],
          ]),
        )
        const playlist = await visitor.get(film())
        expect([playlist.status, playlist.body.slice(0, 7)]).toEqual([200, '#EXTM3U'])
        const sent = visitor.cookies().map(each => `${each.name}=${each.value}`)
        expect(await reasonOf(neighbour(), sent)).toEqual([403, 'wrong-resource'])

        if (site.download) {
          const link =
            (await visitor.get(new URL(downloadOf((await visitor.get(home)).body), home).href)).headers
              .location ?? ''
          expect(link).toMatch(/\?Policy=[\w~-]+&Signature=[\w~-]+&Key-Pair-Id=\w+&Hash-Algorithm=SHA256$/)
          expect(await reasonOf(link)).toEqual([200, undefined])
          expect(await reasonOf(link.replace('index.m3u8', 'other.m3u8'))).toEqual([403, 'wrong-resource'])
        }
        await visitor.submit(await visitor.get(home), home, {})
        expect(given()).toEqual([])
        expect((await visitor.get(film())).headers['x-sluice-reason']).toBe('missing')
      } finally {
        await end(child)
      }
    },
  )

  test('shell signs cookies and URLs for curl', async context => {
    const missing = ['openssl', 'curl'].find(name => which(name) === undefined)
    if (missing !== undefined) return skip(context, 'shell', `${missing} is not installed`)
    const run = (script: string, ...args: string[]): string =>
      execFileSync('sh', [path.join(EXAMPLES, 'shell', script), ...args], {
        env: environment(type),
        encoding: 'utf8',
      }).trim()
    const header = run('sign-cookies.sh', `${media}${AREA}*`, '600')
    const args = [
      '-sf',
      '--noproxy',
      '*',
      '-H',
      header,
      `http://127.0.0.1:${new URL(media).port}/members/talk/index.m3u8`,
    ]
    expect(
      execFileSync('curl', [...args, '-H', `Host: ${new URL(media).host}`], { encoding: 'utf8' }),
    ).toMatch(/^#EXTM3U/)
    const cookies = header.replace(/^Cookie: /, '').split('; ')
    expect(await reasonOf(film(), cookies)).toEqual([200, undefined])
    expect(await reasonOf(neighbour(), cookies)).toEqual([403, 'wrong-resource'])
    const link = run('sign-url.sh', `${film()}?a=1&b=?`, '600')
    expect(await reasonOf(link)).toEqual([200, undefined])
    expect(await reasonOf(link.replace('talk', 'tale'))).toEqual([403, 'wrong-resource'])
    expect(await reasonOf(link.replace('a=1', 'a=2'))).toEqual([403, 'wrong-resource'])

    const lines = run('sign-cookies.sh', `${media}${AREA}*`, '600', 'cdn.localhost', AREA).split('\n')
    const names = ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm']
    const tail = `; Domain=cdn.localhost; Path=${AREA}; Secure; HttpOnly; SameSite=Lax`
    expect(lines.map(line => line.replace(/=[^;]+/, ''))).toEqual(
      names.map(each => `Set-Cookie: CloudFront-${each}${tail}`),
    )
    const values = lines.map(line => line.slice('Set-Cookie: '.length, line.indexOf(';')))
    expect(await reasonOf(film(), values)).toEqual([200, undefined])
    expect(run('sign-cookies.sh', '--clear', 'cdn.localhost', AREA).split('\n')).toEqual(
      names.map(each => `Set-Cookie: CloudFront-${each}=${tail}; Max-Age=0`),
    )
  })

  test("the signing part of django's example needs cryptography alone", async context => {
    const program = python('cryptography')
    if (program === undefined)
      return skip(context, 'django', 'Python has no cryptography (apt-get install python3-cryptography)')
    const script = `
import json, os, sys
sys.path.insert(0, ${JSON.stringify(path.join(EXAMPLES, 'django'))})
sys.modules['django'] = None
from media_grants import MediaSigner
signer = MediaSigner(os.environ['MEDIA_KEY_ID'], open(os.environ['MEDIA_KEY_FILE'], 'rb').read())
media = os.environ['MEDIA_URL']
print(json.dumps([signer.cookies(media + '${AREA}*', 600), signer.url(${JSON.stringify(`${film()}?a=1`)}, 600)]))
`
    const said = execFileSync(program, ['-B', '-c', script], { env: environment(type), encoding: 'utf8' })
    const [cookies, link] = JSON.parse(said) as [Record<string, string>, string] // printed above
    const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
    expect(await reasonOf(film(), pairs)).toEqual([200, undefined])
    expect(await reasonOf(neighbour(), pairs)).toEqual([403, 'wrong-resource'])
    expect(await reasonOf(link)).toEqual([200, undefined])
    expect(await reasonOf(link.replace('a=1', 'a=2'))).toEqual([403, 'wrong-resource'])
  })
})

test.each([
  ['a path for a resource', 'sign-cookies.sh', ['/members/*', '600'], 'Write the resource whole'],
  ['a quote', 'sign-cookies.sh', ['https://h/"', '600'], 'Percent-encode'],
  ['a space', 'sign-url.sh', ['https://h/a b', '600'], 'Percent-encode'],
  ['a wildcard in a URL', 'sign-url.sh', ['https://h/*', '600'], 'A signed URL is one file'],
  ['a date for seconds', 'sign-url.sh', ['https://h/a', 'tomorrow'], 'Say for how many seconds'],
] as const)('shell refuses %s', (_name, script, args, words) => {
  const options = { env: environment('P-256'), encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync('sh', [path.join(EXAMPLES, 'shell', script), ...args], options)
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
})

/** What the edge says to somebody with these very cookies. */
async function reasonOf(url: string, cookies: string[] = []): Promise<[number, string | undefined]> {
  const { status, headers } = await ask(url, cookies)
  return [status, headers['x-sluice-reason']]
}

function downloadOf(page: string): string {
  return /<a href="([^"]*download[^"]*)"/.exec(page)?.[1] ?? 'no link'
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill()
  await ended
}
