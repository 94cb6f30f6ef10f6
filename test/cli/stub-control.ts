import { createServer, type IncomingMessage } from 'node:http'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Terminal } from '../../src/cli/command.ts'
import { run } from '../../src/cli/run.ts'
import { instant } from '../../src/core/index.ts'

export const TOKEN = 'a-token-of-the-tests'
export const NOW = Date.UTC(2026, 10, 22)

/** An answer of the control API, or a function that makes one of the request's body. */
export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> }
export type Routes = Record<
  string,
  Answer | ((request: { body: Buffer; url: URL; headers: IncomingMessage['headers'] }) => Answer)
>

export interface Stub {
  url: string
  /** `METHOD /path` of every request with a good token. */
  asked: string[]
}

/** A control server of canned answers; `GET /v1/keys` and the like. Everything needs the token. */
export async function stubControl(routes: Routes): Promise<Stub> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const url = new URL(request.url ?? '/', 'http://stub')
      const name = `${request.method} ${url.pathname}`
      const known = request.headers.authorization === `Bearer ${TOKEN}`
      if (known) asked.push(name)
      const route = routes[name] ?? {
        status: 404,
        body: { error: { code: 'not-found', message: `There is no ${name}.` } },
      }
      const refusal = {
        status: 401,
        body: { error: { code: 'unauthorised', message: 'This token is not known.' } },
      }
      const answer: Answer = !known
        ? refusal
        : typeof route === 'function'
          ? route({ body: Buffer.concat(chunks), url, headers: request.headers })
          : route
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
      response.end(
        answer.body === undefined || request.method === 'HEAD' ? undefined : JSON.stringify(answer.body),
      )
    })()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, asked }
}

/** A fresh folder to work in, with a data folder `.sluice` that knows the server. */
export function workFolder(stub?: Stub, urls: Record<string, string | undefined> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  if (stub) {
    mkdirSync(join(folder, '.sluice', 'keys'), { recursive: true })
    const file = {
      url: stub.url,
      token: TOKEN,
      http: 'http://127.0.0.1:8080',
      https: 'https://127.0.0.1:8443',
      rtmp: 'rtmp://127.0.0.1:1935',
      rtmps: 'rtmps://127.0.0.1:1936',
      ...urls,
    }
    writeFileSync(join(folder, '.sluice', 'client.json'), JSON.stringify(file))
  }
  return folder
}

export interface Ran {
  code: number
  stdout: string
  stderr: string
  /** The last line of stdout as JSON. */
  json: unknown
}

/** Runs one command line in a folder. */
export async function sluice(cwd: string, argv: string[], rest: Partial<Terminal> = {}): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const terminal: Terminal = {
    env: {},
    cwd,
    stdout: { write: text => (stdout += text) },
    stderr: { write: text => (stderr += text) },
    ask: () => Promise.resolve(undefined),
    now: () => instant(NOW),
    ...rest,
  }
  const code = await run(argv, terminal)
  let json: unknown
  try {
    json = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  } catch {
    json = undefined
  }
  return { code, stdout, stderr, json }
}
