import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

/** Makes a certificate that signs itself, in a folder that the caller removes. */
export async function makeCertificate(folder: string): Promise<{ certificateFile: string; keyFile: string }> {
  const files = { certificateFile: path.join(folder, 'cert.pem'), keyFile: path.join(folder, 'key.pem') }
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-keyout', files.keyFile, '-out', files.certificateFile],
  ])
  return files
}
