import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { openAccessLog, type AccessLog } from '../../src/telemetry/index.ts'

const clock = { now: () => instant(Date.UTC(2026, 10, 22, 12)) }

let folder: string
let log: AccessLog | undefined
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'sluice-access-'))))
afterEach(async () => {
  await log?.close()
  log = undefined
  await rm(folder, { recursive: true, force: true })
})

const file = (): string => path.join(folder, 'access-2026-11-22.log')

describe('the access log', () => {
  test('is one line of JSON for each request', async () => {
    log = await openAccessLog({ folder, clock })
    log.append('{"path":"/a","status":200}\n')
    await log.close()
    expect(await readFile(file(), 'utf8')).toBe('{"path":"/a","status":200}\n')
  })

  test('does not grow past its size of a day, across restarts too, and counts what it leaves out', async () => {
    const line = '{"path":"/a"}\n' // 14 bytes
    for (const dropped of [0, 0, 1]) {
      log = await openAccessLog({ folder, clock, mostADay: 30 })
      log.append(line)
      await log.close()
      expect(log.dropped).toBe(dropped)
    }
    expect((await readFile(file(), 'utf8')).length).toBe(28)
  })

  test('goes on when the file that could not be written can be again', async () => {
    await mkdir(file())
    log = await openAccessLog({ folder, clock })
    log.append('{"path":"/lost"}\n')
    await expect.poll(() => log?.dropped).toBe(1)
    await rm(file(), { recursive: true })
    await expect
      .poll(async () => {
        log?.append('{"path":"/kept"}\n')
        return readFile(file(), 'utf8').catch(() => '')
      })
      .toContain('/kept')
  })
})
