import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { EncryptorThread, LONGEST_FIELD } from '../../src/fields/index.ts'
import { temporaryFolder } from '../e2e/sluice.ts'
import { Recipient } from '../fields/recipient.ts'

/** Python that has a module; undefined where none has. */
function pythonWith(module: string): string | undefined {
  return ['/usr/bin/python3', 'python3'].find(program => {
    try {
      execFileSync(program, ['-c', `import ${module}`], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

const sdk = pythonWith('aws_encryption_sdk')
const cryptography = pythonWith('cryptography')
if (sdk === undefined)
  console.log(
    'skipped          the SDK of test/full/field-encryption.test.ts: there is no aws_encryption_sdk (pip install aws-encryption-sdk)',
  )
if (cryptography === undefined)
  console.log(
    'skipped          the rest of test/full/field-encryption.test.ts: there is no cryptography (apt-get install python3-cryptography)',
  )

const recipient = new Recipient()
const encryptor = new EncryptorThread()
afterAll(() => encryptor.close())

const file = path.join(temporaryFolder('field-encryption'), 'private.pem')
writeFileSync(file, recipient.privatePem, { mode: 0o600 })
const script = fileURLToPath(new URL('read-field.py', import.meta.url))

const VALUES = [
  '',
  '4111 1111 1111 1111',
  'Ærøskøbing ☃',
  'x'.repeat(4096),
  'y'.repeat(4097),
  'z'.repeat(LONGEST_FIELD),
].map(text => Buffer.from(text))

describe.each([
  ['AWS’s SDK for Python', 'sdk', sdk],
  ['its documented format, by hand in Python', 'by-hand', cryptography],
])('a field is read by %s', (_, how, python) => {
  test.skipIf(python === undefined)('whatever is in it', async () => {
    const messages = await Promise.all(VALUES.map(value => encryptor.encrypt(value, recipient)))
    const input = messages.map(each => `${decodeURIComponent(each)}\n`).join('')
    const args = [script, how, recipient.provider, recipient.keyName, file]
    const read = execFileSync(python ?? '', args, { input })
      .toString()
      .trimEnd()
      .split('\n')
    expect(read).toEqual(VALUES.map(value => value.toString('base64')))
  })
})
