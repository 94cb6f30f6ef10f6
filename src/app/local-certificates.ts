import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Instant } from '../core/index.ts'
import { LEAF_LIFE, newAuthority, newLeaf } from '../inbound/index.ts'
import { authorityKeyFile, certificateFiles } from './certificates.ts'

/** Makes the leaf for `names`, and before it the authority unless that is to be kept; then its files must be good. */
export async function makeCertificates(
  folder: string,
  names: string[],
  { now, authority }: { now: Instant; authority: 'keep' | 'make' },
): Promise<void> {
  const files = certificateFiles(folder)
  const authorityKey = authorityKeyFile(folder)
  const issuer =
    authority === 'keep'
      ? { certificate: readFileSync(files.authority, 'utf8'), key: readFileSync(authorityKey, 'utf8') }
      : await newAuthority('Sluice local authority', now)
  const terms = { subject: 'Sluice on this machine', usages: ['server'], life: LEAF_LIFE } as const
  const leaf = await newLeaf(issuer, { ...terms, names, now })
  if (authority === 'make') {
    write(authorityKey, issuer.key, 0o600)
    write(files.authority, issuer.certificate, 0o644)
  }
  write(files.key, leaf.key, 0o600)
  write(files.certificate, leaf.certificate, 0o644)
}

function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}
