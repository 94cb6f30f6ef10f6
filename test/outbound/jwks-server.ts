import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TokenKey } from '../signing/tokens.ts'

/** A real issuer's key server, which counts what it is asked. */
export interface JwksServer {
  readonly url: string
  asked: number
  /** What it answers from now on. */
  publish(...keys: TokenKey[]): void
  answer(how: (response: ServerResponse) => void): void
  /** Resolves when it has been asked so often. */
  askedTimes(count: number): Promise<void>
  close(): Promise<void>
}

export async function startJwksServer(...keys: TokenKey[]): Promise<JwksServer> {
  let how: (response: ServerResponse) => void = () => {}
  const waiting: { count: number; go: () => void }[] = []
  const server = createServer((_request, response) => {
    self.asked++
    how(response)
    for (const { count, go } of waiting) if (self.asked >= count) go()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP
  const self: JwksServer = {
    url: `http://127.0.0.1:${port}/jwks.json`,
    asked: 0,
    publish: (...published) => {
      const text = JSON.stringify({ keys: published.map(({ jwk }) => jwk) })
      how = response => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(text)
    },
    answer: given => void (how = given),
    askedTimes: count =>
      self.asked >= count ? Promise.resolve() : new Promise(go => waiting.push({ count, go })),
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  self.publish(...keys)
  return self
}
