import type { ChangedDistribution, DistributionInfo } from '../client/index.ts'
import type { DistributionId } from '../core/index.ts'
import type { DistributionInput, Lifetimes } from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context, type Options } from './command.ts'
import { readInputFile } from './input-file.ts'
import { lifetimeOf } from './lifetime.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'
import { usage } from './usage.ts'

const FILE = {
  flags: '--file <file>',
  description: 'a definition as .yaml or .json; docs/DISTRIBUTIONS.md has one',
}

const listCommand: CommandSpec = {
  words: 'distribution list',
  summary: 'list the distributions',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.distributions()
    const rows = found.map(each => [
      each.id,
      each.domain,
      each.enabled ? 'enabled' : 'disabled',
      each.origins.map(({ id }) => id).join(', '),
      [...each.aliases, ...(each.fallback ? ["every name that is no other's"] : [])].join(', '),
    ])
    context.output.result(found, table(['ID', 'DOMAIN', 'STATE', 'ORIGINS', 'ALIASES'], rows))
  },
}

const showCommand: CommandSpec = {
  words: 'distribution show',
  takes: '<id>',
  summary: 'show a distribution; with --json as a file that update takes',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    const server = connect(context)
    const found = await server.client.distribution(id as DistributionId) // control checks it
    context.output.result(found, context.output.json ? '' : await describe(server, found))
  },
}

const createCommand: CommandSpec = {
  words: 'distribution create',
  summary: 'make a distribution, of one HTTP origin or of a file',
  options: [
    { flags: '--origin <url>', description: 'the HTTP server that it shows' },
    FILE,
    { flags: '--alias <name>', description: 'a further host name; may be repeated', repeat: 'many' },
    { flags: '--comment <text>', description: 'what it is for' },
    { flags: '--default-ttl <lifetime>', description: 'kept so long when the server says nothing (24h)' },
    { flags: '--min-ttl <lifetime>', description: 'kept so long at least, whatever the server says (0)' },
    { flags: '--max-ttl <lifetime>', description: 'and so long at most (1y); seconds, or 10m, 30d, 100y' },
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async context => {
    const { options } = context
    const origin = text(options, 'origin')
    const file = text(options, 'file')
    if ((origin === undefined) === (file === undefined))
      throw usage('no-origin', 'Say what it shows: either --origin URL or --file FILE.')
    const aliases = Array.isArray(options['alias']) ? { aliases: options['alias'] } : {}
    const comment = text(options, 'comment')
    const ttl = lifetimesOf(options)
    if (file !== undefined && ttl !== undefined)
      throw usage('ttl-and-file', 'Lifetimes go with --origin: those of a file stand in its behaviours.')
    const wanted: DistributionInput = {
      ...(file === undefined ? { origin } : readInputFile(context, file)),
      ...(ttl === undefined ? {} : { behaviours: [{ pattern: '*', ttl }] }),
      ...aliases,
      ...(comment === undefined ? {} : { comment }),
    }
    const server = connect(context)
    const made = await server.client.createDistribution(wanted)
    await tell(context, server, made)
    const { id, domain } = made.distribution
    context.output.result(made.distribution, `${id}  ${domain}`)
  },
}

/** Those that are given; undefined when none is. */
function lifetimesOf(options: Options): Partial<Lifetimes> | undefined {
  const ttl: Partial<Lifetimes> = {}
  for (const [word, flag, option] of LIFETIMES) {
    const given = text(options, option)
    if (given !== undefined) ttl[word] = lifetimeOf(flag, given)
  }
  return Object.keys(ttl).length === 0 ? undefined : ttl
}

const LIFETIMES: readonly [word: keyof Lifetimes, flag: string, option: string][] = [
  ['minimum', '--min-ttl', 'minTtl'],
  ['default', '--default-ttl', 'defaultTtl'],
  ['maximum', '--max-ttl', 'maxTtl'],
]

const updateCommand: CommandSpec = {
  words: 'distribution update',
  takes: '<id>',
  summary: 'replace a distribution by a file, or switch it on or off',
  options: [
    FILE,
    { flags: '--enable', description: 'serve it' },
    { flags: '--disable', description: 'serve it no more; it keeps its names' },
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [id = '']) => {
    const { options } = context
    const file = text(options, 'file')
    const [on, off] = [options['enable'] === true, options['disable'] === true]
    if (on && off) throw usage('both-ways', 'Say either --enable or --disable.')
    if (file === undefined && !on && !off)
      throw usage('no-change', 'Say what changes: --file FILE, --enable or --disable.')
    const given = file === undefined ? undefined : readInputFile(context, file)
    const server = connect(context)
    const definition: DistributionInput = given ?? (await server.client.distribution(id as DistributionId)) // control checks both
    const enabled = on || off ? { enabled: on } : {}
    const made = await server.client.replaceDistribution(id, { ...definition, ...enabled })
    await tell(context, server, made)
    const state = made.distribution.enabled ? 'enabled' : 'disabled'
    context.output.result(made.distribution, `updated ${id}, which is ${state}`)
  },
}

const deleteCommand: CommandSpec = {
  words: 'distribution delete',
  takes: '<id>',
  summary: 'delete a distribution that is disabled',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '']) => {
    const server = connect(context)
    const { snapshotVersion } = await server.client.deleteDistribution(id)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ id }, `deleted ${id}`)
  },
}

export const distributionCommands: CommandSpec[] = [
  listCommand,
  showCommand,
  createCommand,
  updateCommand,
  deleteCommand,
]

async function tell(context: Context, server: Server, made: ChangedDistribution): Promise<void> {
  for (const warning of made.warnings) context.output.warn(`${warning}.`)
  await awaitNodes(context, server, made.snapshotVersion)
}

/** For people: whom a gate trusts by name. */
async function describe(server: Server, found: DistributionInfo): Promise<string> {
  const gated = found.behaviours.some(each => each.gate)
  const groups = gated ? await server.client.keyGroups() : []
  const issuers = found.behaviours.some(each => each.gate?.issuers.length)
    ? await server.client.issuers()
    : []
  const names = new Map<string, string>([...groups, ...issuers].map(({ id, name }) => [id, name]))
  const rows = found.behaviours.map(({ pattern, originId, gate, ttl }) => [
    pattern,
    originId,
    gate
      ? `signed: ${[...gate.keyGroups, ...gate.issuers].map(id => names.get(id) ?? id).join(', ')}`
      : 'open',
    `${ttl.minimum} / ${ttl.default} / ${ttl.maximum} s`,
  ])
  const state = found.enabled ? 'enabled' : 'disabled'
  const head = [found.id, found.domain, ...found.aliases, `${state}${found.fallback ? ', fallback' : ''}`]
  const origins = found.origins.map(origin => [origin.id, origin.kind, placeOf(origin)])
  return [
    `${head.join(' ')}${found.comment === '' ? '' : `\n${found.comment}`}`,
    table(['ORIGIN', 'KIND', 'PLACE'], origins),
    table(['PATHS', 'ORIGIN', 'ACCESS', 'LIFETIME MIN / DEFAULT / MAX'], rows),
  ].join('\n\n')
}

function placeOf(origin: DistributionInfo['origins'][number]): string {
  switch (origin.kind) {
    case 'built-in':
      return 'assets and channels'
    case 'http':
      return origin.headers.length === 0
        ? origin.url
        : `${origin.url} with ${origin.headers.map(header => header.name).join(', ')}`
    case 's3':
      return `${origin.bucket} at ${origin.endpoint}`
  }
}
