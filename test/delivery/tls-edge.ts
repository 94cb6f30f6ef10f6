import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { EdgeBench, type OriginHandler } from './edge-bench.ts'

/** An edge that speaks TLS, for a whole file of tests. */
export interface TlsEdge {
  bench: EdgeBench
  close: () => Promise<void>
}

export async function startTlsEdge(
  origin: OriginHandler,
  options: Omit<NonNullable<Parameters<typeof EdgeBench.start>[1]>, 'tls'> = {},
): Promise<TlsEdge> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-tls-edge-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const { certificate, key } = certificateFiles(folder)
  const bench = await EdgeBench.start(origin, {
    ...options,
    tls: { certificateFile: certificate, keyFile: key },
  })
  return {
    bench,
    close: async () => {
      await bench.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
