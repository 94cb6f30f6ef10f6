import { rmSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { until } from './e2e/sluice.ts'
import { readTree, textOf } from './house/tree.ts'
import { blocksOf, withPorts, type Block } from './readme/blocks.ts'
import { checkoutOfLinks, startShell, type Shell } from './readme/shell.ts'

const blocks = blocksOf(textOf(readTree(), 'README.md'))
const folder = checkoutOfLinks()
const staying: Shell[] = []
const cut: Shell[] = []

/** Default port → the free one that the output of a block names. */
const ports = new Map<string, string>()
const PORT_NAMES: [port: string, said: RegExp][] = [
  ['8080', /\.cdn\.localhost:(\d+)\/\.sluice\/player/],
  ['1935', /encoders +rtmp:\/\/[\d.]+:(\d+)/],
  ['9000', /control +http:\/\/[\d.]+:(\d+)/],
  ['3000', /www\.cdn\.localhost:(\d+)\//],
]

const BLOCK_MS = 120_000

function learnPorts(output: string): void {
  for (const [port, said] of PORT_NAMES) {
    const actual = said.exec(output)?.[1]
    if (actual !== undefined) ports.set(port, actual)
  }
}

async function run(block: Block): Promise<void> {
  const shell = startShell(withPorts(block.text, ports), folder)
  if (block.mode.kind === 'stays' || block.mode.kind === 'is-cut') {
    if (block.mode.kind === 'stays') staying.push(shell)
    else cut.push(shell)
    const wanted = block.mode.until
    await until(
      () => `the block at line ${block.line} prints "${wanted}"\n${shell.output()}`,
      () => settled(shell, wanted),
      BLOCK_MS,
    )
    expect(shell.output()).toContain(wanted)
    learnPorts(shell.output())
  } else {
    const timer = setTimeout(() => shell.kill(), BLOCK_MS)
    expect(await shell.ended, shell.output()).toBe(0)
    clearTimeout(timer)
  }
  for (const text of block.prints) expect(shell.output()).toContain(withPorts(text, ports))
}

function settled(shell: Shell, wanted: string): Promise<true | undefined> {
  return Promise.resolve(shell.output().includes(wanted) || !shell.running() || undefined)
}

const titleOf = (block: Block): string => {
  const first = block.text.split('\n').find(line => line !== '' && !line.startsWith('#')) ?? ''
  return `line ${block.line}: ${first.slice(0, 70)}`
}

afterAll(async () => {
  for (const shell of [...staying, ...cut]) shell.kill()
  await Promise.all([...staying, ...cut].map(shell => shell.ended))
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

describe('the README', { timeout: BLOCK_MS + 10_000 }, () => {
  const now = blocks.filter(({ mode }) => ['runs', 'stays', 'is-cut'].includes(mode.kind))
  test.each(now.map(block => [titleOf(block), block] as const))('%s', (_, block) => run(block))

  test('what is to be cut has ended', async () => {
    await until(
      () => `what is to be cut ends\n${cut.map(shell => shell.output()).join('\n')}`,
      () => Promise.resolve(cut.every(shell => !shell.running()) || undefined),
      BLOCK_MS,
    )
  })

  test('what stays ends by Ctrl-C', async () => {
    for (const shell of staying.toReversed()) {
      expect(shell.running(), shell.output()).toBe(true)
      shell.interrupt()
      expect([0, 130, null]).toContain(await shell.ended)
    }
  })

  const later = blocks.filter(({ mode }) => mode.kind === 'after-stopping')
  test.each(later.map(block => [titleOf(block), block] as const))('%s', (_, block) => run(block))

  test('leaves out only blocks that say why', () => {
    const reasons = blocks.flatMap(({ mode }) => (mode.kind === 'not-run' ? [mode.reason] : []))
    expect(reasons.every(reason => reason.length > 20)).toBe(true)
    expect(reasons.length).toBeLessThan(blocks.length / 2)
  })
})

describe('the reader of the README', () => {
  const page = (comment: string): string =>
    `# A\n\n${comment}\n\`\`\`sh\nls :8080  # → one\ncat x\n\`\`\`\n\n\`\`\`json\n{}\n\`\`\`\n`

  test.each([
    ['', { kind: 'runs' }],
    ['<!-- stays: ready at -->', { kind: 'stays', until: 'ready at' }],
    ['<!-- stays, then is cut: frame= -->', { kind: 'is-cut', until: 'frame=' }],
    ['<!-- after stopping -->', { kind: 'after-stopping' }],
    ['<!-- not run: there is no engine here -->', { kind: 'not-run', reason: 'there is no engine here' }],
  ])('understands %j before a block', (comment, mode) => {
    expect(blocksOf(page(comment))).toEqual([
      { line: 4, text: 'ls :8080  # → one\ncat x\n', prints: ['one'], mode },
    ])
  })

  test('refuses a comment that it does not know', () => {
    expect(() => blocksOf(page('<!-- skip -->'))).toThrow('line 4')
  })

  test('changes default ports and nothing else', () => {
    const known = new Map([['8080', '41234']])
    expect(withPorts('curl http://a:8080/x:8081 # at 8080', known)).toBe(
      'curl http://a:41234/x:8081 # at 8080',
    )
  })
})
