import { execFile } from 'node:child_process'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import type { CertificatePair } from '../../src/inbound/index.ts'

export async function pairFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-pairs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A certificate that signs itself, good for `names`; put in place of the one of that file name at once, whole. */
export async function makePair(
  folder: string,
  name: string,
  names: readonly string[],
  options: { days?: number; common?: string } = {},
): Promise<CertificatePair> {
  const pair = {
    certificateFile: path.join(folder, `${name}.pem`),
    keyFile: path.join(folder, `${name}.key`),
  }
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', String(options.days ?? 2), '-subj', `/CN=${options.common ?? name}`],
    ...['-addext', `subjectAltName=${names.map(each => `DNS:${each}`).join(',')}`],
    ...['-keyout', `${pair.keyFile}.new`, '-out', `${pair.certificateFile}.new`],
  ])
  await rename(`${pair.keyFile}.new`, pair.keyFile)
  await rename(`${pair.certificateFile}.new`, pair.certificateFile)
  return pair
}
