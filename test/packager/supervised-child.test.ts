import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processBegan, reapLeftovers, recordChild } from '../../src/packager/leftovers.ts'
import { superviseChild } from '../../src/packager/supervised-child.ts'
import { findProgram } from '../../src/packager/tools.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-child-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const node = (script: string) => ({ program: process.execPath, args: ['-e', script] })

describe('a supervised program', () => {
  it('tells how it ended, with the last lines it wrote', async () => {
    const script = 'for (let i = 0; i < 500; i++) console.error("line " + i); process.exitCode = 3'
    const outcome = await superviseChild(node(script))
    expect(outcome).toMatchObject({ kind: 'exited', code: 3 })
    const lines = outcome.kind === 'exited' ? outcome.stderr : []
    expect(lines).toHaveLength(60)
    expect(lines.at(-1)).toBe('line 499')
  })

  it('keeps little of a line without end', async () => {
    const outcome = await superviseChild(node('process.stderr.write("x".repeat(5_000_000))'))
    expect(outcome).toMatchObject({ kind: 'exited', stderr: ['x'.repeat(400)] })
  })

  it('reports on a pipe of its own', async () => {
    let report = ''
    const script = 'require("fs").writeSync(3, "out_time_us=1000000\\n")'
    await superviseChild({ ...node(script), onReport: chunk => (report += chunk.toString()) })
    expect(report).toBe('out_time_us=1000000\n')
  })

  it('that is not there is told as such', async () => {
    expect(await superviseChild({ program: join(folder, 'none'), args: [] })).toEqual({ kind: 'not-found' })
  })

  it.each(['with', 'without'])(
    'is asked to stop when aborted, and killed when it does not, %s setpriv',
    async which => {
      const setpriv = which === 'with' ? await findProgram('setpriv') : undefined
      const stop = new AbortController()
      let pid = 0
      const stubborn =
        'process.on("SIGTERM", () => {}); process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)'
      const running = superviseChild({
        ...node(stubborn),
        ...{ signal: stop.signal, patience: 50, setpriv },
        onStdout: chunk => {
          pid = Number(chunk)
          stop.abort(new Error('enough'))
        },
      })
      await expect(running).rejects.toThrow('enough')
      expect(await processBegan(pid)).toBeUndefined()
    },
  )

  it('is stopped at its time limit', async () => {
    expect(await superviseChild({ ...node('setInterval(() => {}, 1000)'), timeLimit: 50 })).toMatchObject({
      kind: 'timed-out',
    })
  })

  it.runIf(process.platform === 'linux')(
    'dies with the process that started it, however that dies',
    async () => {
      for (const name of ['supervised-child', 'leftovers']) {
        const source = await readFile(new URL(`../../src/packager/${name}.ts`, import.meta.url), 'utf8')
        const { outputText } = transpileModule(source, {
          compilerOptions: {
            module: ModuleKind.ESNext,
            target: ScriptTarget.ES2023,
            rewriteRelativeImportExtensions: true,
          },
        })
        await writeFile(join(folder, `${name}.js`), outputText)
      }
      await writeFile(join(folder, 'package.json'), '{"type":"module"}')
      await writeFile(
        join(folder, 'parent.js'),
        `import { superviseChild } from './supervised-child.js'
       const child = "process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)"
       await superviseChild({ program: process.execPath, args: ['-e', child], setpriv: 'setpriv', onStdout: pid => process.stdout.write(pid) })`,
      )
      const parent = spawn(process.execPath, [join(folder, 'parent.js')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [chunk] = (await once(parent.stdout, 'data')) as [Buffer] // the only argument of `data`
      const pid = Number(chunk.toString())
      expect(await processBegan(pid)).toBeDefined()
      parent.kill('SIGKILL')
      await expect
        .poll(() => processBegan(pid).then(async began => began === undefined || (await isZombie(pid))), {
          timeout: 5000,
        })
        .toBe(true)
    },
  )
})

async function isZombie(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')
  return status.slice(status.lastIndexOf(')') + 2).startsWith('Z')
}

describe('what a killed predecessor left running', () => {
  it('is ended at the next start, and nothing else is', async () => {
    const left = spawn('sleep', ['60'])
    const stranger = spawn('sleep', ['60'])
    try {
      await recordChild(folder, left.pid)
      await writeFile(
        join(folder, `${stranger.pid}.json`),
        JSON.stringify({ pid: stranger.pid, began: 'long ago' }),
      )
      await writeFile(join(folder, 'broken.json'), '{')
      await writeFile(join(folder, 'group.json'), JSON.stringify({ pid: -1, began: '' }))
      const gone = once(left, 'exit')
      expect(await reapLeftovers(folder)).toEqual([left.pid])
      expect(await gone).toEqual([null, 'SIGKILL'])
      expect(stranger.exitCode).toBeNull()
      expect(await readdir(folder)).toEqual([])
    } finally {
      left.kill('SIGKILL')
      stranger.kill('SIGKILL')
    }
  })

  it('is written down only while it runs', async () => {
    const running = superviseChild({ program: 'sleep', args: ['0.3'], records: folder })
    await expect.poll(() => readdir(folder)).toHaveLength(1)
    await running
    expect(await readdir(folder)).toEqual([])
  })

  it('needs no folder to be there', async () => {
    expect(await reapLeftovers(join(folder, 'none'))).toEqual([])
  })
})
