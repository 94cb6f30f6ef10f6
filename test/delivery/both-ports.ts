import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { EdgeBench, type OriginHandler } from './edge-bench.ts'

/** Two edges that are told the same: one over HTTP/1.1, and one over TLS with a session of HTTP/2. */
export class BothPorts {
  readonly plain: EdgeBench
  readonly secure: EdgeBench
  readonly session: ClientHttp2Session
  readonly #folder: string

  private constructor(plain: EdgeBench, secure: EdgeBench, session: ClientHttp2Session, folder: string) {
    this.plain = plain
    this.secure = secure
    this.session = session
    this.#folder = folder
  }

  /** `origin` is the built-in one of each. */
  static async start(
    origin: OriginHandler,
    options: Parameters<typeof EdgeBench.start>[1],
  ): Promise<BothPorts> {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-both-'))
    await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
    const { certificate, key } = certificateFiles(folder)
    const plain = await EdgeBench.start(origin, options)
    const tls = { certificateFile: certificate, keyFile: key }
    const secure = await EdgeBench.start(origin, { ...options, tls })
    const session = connectHttp2(secure.url, { rejectUnauthorized: false })
    await once(session, 'connect')
    return new BothPorts(plain, secure, session, folder)
  }

  async close(): Promise<void> {
    this.session.close()
    await this.plain.close()
    await this.secure.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
