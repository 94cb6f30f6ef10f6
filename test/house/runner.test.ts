import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { missingProgram, which } from '../tools.mjs'
import { ROOT, readTree, textOf } from './tree.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-runner-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the test runner as `npm test` does, on a machine that has only what the folder holds. */
function runner(env: Record<string, string>): { code: number | null; said: string } {
  const options = { cwd: ROOT, env: { PATH: folder, ...env }, encoding: 'utf8' as const, timeout: 60_000 }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['test/run.mjs'], options)
  return { code: status, said: stdout + stderr }
}

function program(name: string, script: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

describe('npm test', () => {
  test('names what is missing where it may install nothing, and ends with 2', () => {
    const { code, said } = runner({})
    expect(said).toContain('The tests need ffmpeg and ffprobe: install them')
    expect(code).toBe(2)
  })

  test('names a browser of CHROME_PATH that does not start', () => {
    for (const name of ['ffmpeg', 'ffprobe']) program(name, 'exit 0')
    const { code, said } = runner({ CHROME_PATH: program('chrome', 'exit 1') })
    expect(said).toContain('does not start: let it name a Chrome, Chromium or Edge')
    expect(code).toBe(2)
  })

  // A macOS keeps browsers outside PATH, where an empty one does not hide them.
  test.skipIf(process.platform === 'darwin')('takes no browser for one that only asks for another', () => {
    program('chromium-browser', 'echo "install the snap" >&2; exit 1')
    const { code, said } = runner({})
    expect(said).toContain('The tests need a browser: install Chrome, Chromium or Edge')
    expect(code).toBe(2)
  })
})

test('a long suite names the programs that it needs', () => {
  const there = program('gst-launch-1.0', 'exit 0')
  expect(which('gst-launch-1.0', folder)).toBe(there)
  expect(missingProgram('// needs: gst-launch-1.0 [gstreamer1.0-tools]\n', folder)).toBeUndefined()
  const suite = '// needs: gst-launch-1.0 [gstreamer1.0-tools]\n// needs: aws [awscli]\n// needs: psql\n'
  expect(missingProgram(suite, folder)).toEqual({ program: 'aws', debian: 'awscli' })
  expect(missingProgram('// needs: psql\n', folder)).toEqual({ program: 'psql', debian: 'psql' })
  expect(missingProgram('const text = "// needs: psql"\n', folder)).toBeUndefined()
})

test('the continuous integration calls npm test and nothing else', () => {
  const lines = textOf(readTree(), '.ci/run').split('\n')
  const commands = lines.filter(line => line !== '' && !line.startsWith('#'))
  expect(commands).toEqual(['set -euo pipefail', 'cd "$(dirname "$0")/.."', 'npm test'])
})
