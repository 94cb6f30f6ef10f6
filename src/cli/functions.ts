import type { FunctionChange, FunctionInfo, FunctionStageInfo, FunctionTested } from '../client/index.ts'
import { formatBytes, MiB } from '../core/index.ts'
import { FUNCTION_RUNTIMES, type FunctionRuntime } from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context, type OptionSpec } from './command.ts'
import { readInputFile, readTextFile } from './input-file.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'

const LARGEST_CODE = 8 * MiB

const RUNTIME: OptionSpec = { flags: '--runtime <name>', description: FUNCTION_RUNTIMES.join(', ') }
const WRITTEN: OptionSpec[] = [
  { flags: '--store <name>', description: 'the key value store that it reads; "none" takes it away' },
  { flags: '--hosts <names>', description: 'where fetch may go at origin events: api.example,*.example.com' },
  { flags: '--comment <text>', description: 'what it is for' },
]
const STAGE: OptionSpec = {
  flags: '--stage <stage>',
  description: 'development (the default), live, or the number of a version',
}

const listCommand: CommandSpec = {
  words: 'functions list',
  summary: 'list the functions that behaviours may name',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.functions()
    const rows = found.map(each => [
      ...[each.name, each.development.runtime, publishedOf(each), String(each.usedBy.length)],
      each.development.comment,
    ])
    context.output.result(found, table(['NAME', 'RUNTIME', 'PUBLISHED', 'USED', 'COMMENT'], rows))
  },
}

const showCommand: CommandSpec = {
  words: 'functions show',
  takes: '<name>',
  summary: 'show a function, its stages and who runs it; with --code the code of a stage',
  options: [{ flags: '--code', description: 'print its code' }, STAGE, ...SERVER_OPTIONS],
  run: async (context, [name = '']) => {
    const { client } = connect(context)
    if (context.options['code'] === true) {
      const code = await client.functionCode(name, text(context.options, 'stage'))
      return context.output.result({ code }, code.trimEnd())
    }
    const found = await client.function(name)
    context.output.result(found, describe(found))
  },
}

const createCommand: CommandSpec = {
  words: 'functions create',
  takes: '<name> <file>',
  summary: 'make a function of a file of JavaScript; it runs once it is published and a behaviour names it',
  options: [RUNTIME, ...WRITTEN, ...SERVER_OPTIONS],
  run: async (context, [name = '', file = '']) => {
    const runtime = runtimeOf(context)
    if (runtime === undefined)
      throw usage('no-runtime', `Say how it is written: --runtime ${FUNCTION_RUNTIMES.join(', ')}.`)
    const code = readTextFile(context, file, LARGEST_CODE)
    const made = await connect(context).client.createFunction({ name, runtime, code, ...written(context) })
    context.output.result(made, `made ${name}; sluice functions publish ${name} lets behaviours run it`)
  },
}

const updateCommand: CommandSpec = {
  words: 'functions update',
  takes: '<name> [file]',
  summary: 'change a function as it is written on; what runs changes with "functions publish" alone',
  options: [RUNTIME, ...WRITTEN, ...SERVER_OPTIONS],
  run: async (context, [name = '', file]) => {
    const runtime = runtimeOf(context)
    const change: FunctionChange = {
      ...(file !== undefined && { code: readTextFile(context, file, LARGEST_CODE) }),
      ...(runtime && { runtime }),
      ...written(context),
    }
    if (Object.keys(change).length === 0)
      throw usage(
        'nothing-to-do',
        'Name the file of its code, or what else is to change: --comment, --store.',
      )
    const changed = await connect(context).client.updateFunction(name, change)
    context.output.result(changed, `updated ${name}; sluice functions publish ${name} lets it run`)
  },
}

const publishCommand: CommandSpec = {
  words: 'functions publish',
  takes: '<name>',
  summary: 'let a function run as it is written now; of Lambda@Edge that is another version',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [name = '']) => {
    const server = connect(context)
    const changed = await server.client.publishFunction(name)
    await awaitNodes(context, server, changed.snapshotVersion)
    const { version } = changed
    const { function: info, ...rest } = changed
    const what = version === undefined ? name : `${name}:${version}`
    context.output.result({ ...info, ...rest }, `published ${what}; behaviours name it in "functions"`)
  },
}

const testCommand: CommandSpec = {
  words: 'functions test',
  takes: '<name>',
  summary: 'run a function in control on an event of your own; it fails where the function does',
  options: [
    { flags: '--event <file>', description: "the handler's argument, as CloudFront writes it, .json" },
    STAGE,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const file = text(context.options, 'event')
    if (file === undefined) throw usage('no-event', 'Name the file with the event: --event FILE.')
    const stage = text(context.options, 'stage')
    const event = readInputFile(context, file)
    const tested = await connect(context).client.testFunction(name, { event, ...(stage && { stage }) })
    context.output.result(tested, report(tested))
    return tested.error === null ? 0 : 1
  },
}

const deleteCommand: CommandSpec = {
  words: 'functions delete',
  takes: '<name>',
  summary: 'delete a function that no behaviour names, or with NAME:3 that version alone',
  options: SERVER_OPTIONS,
  run: async (context, [asked = '']) => {
    const [name = '', version] = asked.split(':')
    if (version !== undefined && !/^\d{1,9}$/.test(version))
      throw usage('bad-version', `"${version}" is no version: write a number, ${name}:3.`)
    await connect(context).client.deleteFunction(name, version === undefined ? undefined : Number(version))
    context.output.result({ name: asked }, `deleted ${asked}`)
  },
}

export const functionCommands: CommandSpec[] = [
  listCommand,
  showCommand,
  createCommand,
  updateCommand,
  publishCommand,
  testCommand,
  deleteCommand,
]

function runtimeOf({ options }: Context): FunctionRuntime | undefined {
  const asked = text(options, 'runtime')
  if (asked === undefined) return undefined
  const found = FUNCTION_RUNTIMES.find(each => each === asked)
  if (found) return found
  throw usage('bad-runtime', `"${asked}" is no runtime: --runtime ${FUNCTION_RUNTIMES.join(', ')}.`)
}

function written({ options }: Context): Pick<FunctionChange, 'store' | 'hosts' | 'comment'> {
  const [store, hosts, comment] = [text(options, 'store'), text(options, 'hosts'), text(options, 'comment')]
  return {
    ...(store !== undefined && { store: store === 'none' ? null : store }),
    ...(hosts !== undefined && { hosts: hosts.split(',').filter(each => each !== '') }),
    ...(comment !== undefined && { comment }),
  }
}

function publishedOf({ live, versions, changed }: FunctionInfo): string {
  const newest = versions.at(-1)
  if (live === null && newest === undefined) return 'no'
  const what = newest === undefined ? 'yes' : `version ${newest.version}`
  return changed ? `${what}, changed since` : what
}

function describe(info: FunctionInfo): string {
  const { name, development, live, versions, usedBy } = info
  const row = (stage: string, said: FunctionStageInfo): string[] => [
    ...[stage, said.runtime, formatBytes(said.bytes), said.store ?? '-', said.hosts.join(' ') || '-'],
    ...[said.modifiedAt, said.comment],
  ]
  const stages = [
    row('development', development),
    ...(live ? [row('live', live)] : []),
    ...versions.map(({ version, ...said }) => row(String(version), said)),
  ]
  const head = ['STAGE', 'RUNTIME', 'CODE', 'STORE', 'HOSTS', 'CHANGED', 'COMMENT']
  const users = usedBy.map(each => [each.distribution, each.pattern, each.event, each.function])
  return [
    `${name}, published: ${publishedOf(info)}`,
    table(head, stages),
    ...(users.length > 0 ? [table(['DISTRIBUTION', 'BEHAVIOUR', 'EVENT', 'FUNCTION'], users)] : []),
  ].join('\n\n')
}

function report({ result, error, logs, used }: FunctionTested): string {
  return [
    ...logs.map(line => `log: ${line}`),
    `took ${used} % of its time`,
    error === null ? JSON.stringify(result, null, 2) : `failed, ${error.reason}: ${error.message}`,
  ].join('\n')
}
