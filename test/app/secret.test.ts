import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSecret } from '../../src/app/secret.ts'
import { freshFolder } from './folder.ts'

test('a secret comes from the environment, or from the file that the environment names', () => {
  const file = join(freshFolder(), 'token')
  writeFileSync(file, 'from-file\n')
  expect(readSecret({}, 'SLUICE_TOKEN')).toBeUndefined()
  expect(readSecret({ SLUICE_TOKEN: 'plain' }, 'SLUICE_TOKEN')).toBe('plain')
  expect(readSecret({ SLUICE_TOKEN_FILE: file }, 'SLUICE_TOKEN')).toBe('from-file')
})

test('both at once, a missing and an empty file are refused', () => {
  const file = join(freshFolder(), 'token')
  expect(() => readSecret({ SLUICE_TOKEN: 'a', SLUICE_TOKEN_FILE: file }, 'SLUICE_TOKEN')).toThrow(
    'unset one of them',
  )
  expect(() => readSecret({ SLUICE_TOKEN_FILE: file }, 'SLUICE_TOKEN')).toThrow('cannot be read (ENOENT)')
  writeFileSync(file, '\n')
  expect(() => readSecret({ SLUICE_TOKEN_FILE: file }, 'SLUICE_TOKEN')).toThrow('which is empty')
})
