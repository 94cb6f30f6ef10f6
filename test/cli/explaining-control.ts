import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ExplainRequest } from '../../src/client/index.ts'
import { explain } from '../../src/control/explain.ts'
import { instant, SluiceError, type Instant } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import type { Stub } from './stub-control.ts'

/** A control that explains by its own function, over the configuration that the edge of the test has. */
export async function explainingControl(snapshot: () => Snapshot, now?: Instant): Promise<Stub> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as ExplainRequest // the client's own
      const told = await explain(asked, snapshot(), now ?? instant(Date.now())).catch(problemOf)
      const status = 'error' in told ? 400 : 200
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
    })()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // listening on TCP
  return { url: `http://127.0.0.1:${port}`, asked: [] }
}

function problemOf(error: unknown): { error: { code: string; message: string } } {
  if (!(error instanceof SluiceError)) throw error
  return { error: { code: error.code, message: error.message } }
}
