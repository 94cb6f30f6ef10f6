// `npm run bench [-- NAME…] [--save] [--only PART,…] [--quick]`: runs bench/*.bench.mjs, one after the other, each in a
// process of its own. With --save the figures go to bench/results/<date>.md with the machine's description, and the
// cache's to <date>-cache.json as well; --only and --quick are for the cache's (bench/cache.bench.mjs).
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from '../src/build.mjs'
import { orRefuse, prepare } from '../src/prepare.mjs'

await orRefuse(() => {
  prepare()
  build()
})
const { machine } = await import('./running.mjs')

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    save: { type: 'boolean', default: false },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const date = new Date().toISOString().slice(0, 10)
const results = path.join(folder, 'results')
const benches = readdirSync(folder)
  .filter(name => name.endsWith('.bench.mjs'))
  .filter(name => names.length === 0 || names.some(wanted => name.startsWith(wanted)))
  .sort()

/** What its bench alone understands. */
function ofCache() {
  const { only, quick, save } = options
  return [
    ...(only === undefined ? [] : ['--only', only]),
    ...(quick ? ['--quick'] : []),
    ...(save ? ['--json', path.join(results, `${date}-cache.json`)] : []),
  ]
}

/** Runs one and shows what it prints as it comes; gives its lines, or undefined when it failed. */
function run(name) {
  const args = name === 'cache.bench.mjs' ? ofCache() : []
  const child = spawn(process.execPath, [path.join(folder, name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', data => {
    text += data
    process.stdout.write(data)
  })
  return new Promise(resolve =>
    child.once('close', code => resolve(code === 0 ? text.trimEnd().split('\n') : undefined)),
  )
}

if (options.save) mkdirSync(results, { recursive: true })
const sections = []
let failed = 0
for (const name of benches) {
  process.stderr.write(`${name}\n`)
  const lines = await run(name)
  if (!lines) failed++
  else sections.push([name, lines.filter(line => line.includes('\t'))])
}

if (options.save && failed === 0) {
  const tables = sections.map(([name, lines]) => {
    const rows = lines.map(line => `| ${line.split('\t').join(' | ')} |`)
    return [`## ${name}`, '', '| what | figure | unit |', '|---|---|---|', ...rows].join('\n')
  })
  const file = path.join(results, `${date}.md`)
  writeFileSync(file, `# ${date}\n\n${machine()}.\n\n${tables.join('\n\n')}\n`)
  process.stderr.write(`written to ${path.relative(process.cwd(), file)}\n`)
}
process.exit(failed === 0 ? 0 : 1)
