import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataFolder } from '../../src/app/data-folder.ts'
import { freshFolder } from './folder.ts'

test('a data folder is made with those above it, for this user alone, and opened again', () => {
  const path = join(freshFolder(), 'a', 'b')
  const data = openDataFolder(path)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  for (const folder of [data.control, data.originStorage, data.keys, data.logs]) {
    expect(existsSync(folder), folder).toBe(true)
  }
  expect(openDataFolder(path)).toEqual(data)
})

test.each([
  ['a file', 'file', 'is a file: move it away'],
  ['below a file', 'file/inside', 'or a folder above it is a file: move that away'],
])('a data folder that is %s is refused with a sentence', (_, name, why) => {
  const folder = freshFolder()
  writeFileSync(join(folder, 'file'), '')
  const path = join(folder, name)
  expect(() => openDataFolder(path)).toThrow(`The data folder ${path} ${why}, or choose another with --data.`)
})

test.runIf(process.platform === 'linux')('a data folder where none can be made is refused at once', () => {
  expect(() => openDataFolder('/proc/sluice/data')).toThrow(
    'The data folder /proc/sluice/data cannot be made, the folder above it takes none: mend that, or choose another with --data.',
  )
})
