import type { ChangedDistribution, DistributionInfo } from '../client/index.ts'
import type { DistributionId } from '../core/index.ts'
import type { DistributionInput } from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context, type Options } from './command.ts'
import { exportCommand } from './export.ts'
import { readInputFile } from './input-file.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'
import {
  CHANGED_SITE_OPTIONS,
  changedSite,
  SITE_OPTIONS,
  siteAt,
  siteChange,
  type SiteChange,
} from './site-options.ts'
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
    ...SITE_OPTIONS,
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
    const change = changeBeside(file, options)
    const wanted: DistributionInput = {
      ...(file === undefined ? siteAt(origin ?? '', change ?? {}) : readInputFile(context, file)),
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

/** What a file says is not said twice. */
function changeBeside(file: string | undefined, options: Options): SiteChange | undefined {
  const change = siteChange(options)
  if (file === undefined || change === undefined) return change
  if (change.ttl !== undefined)
    throw usage('ttl-and-file', 'Lifetimes go without --file: those of a file stand in its behaviours.')
  throw usage('flags-and-file', 'A fallback and pages go without --file: those of a file stand in it.')
}

const updateCommand: CommandSpec = {
  words: 'distribution update',
  takes: '<id>',
  summary: 'replace a distribution by a file, change a part of it, or switch it on or off',
  options: [
    FILE,
    ...CHANGED_SITE_OPTIONS,
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
    const change = changeBeside(file, options)
    if (file === undefined && change === undefined && !on && !off)
      throw usage('no-change', 'Say what changes: --file FILE, --enable, --disable, or a part of it.')
    const given = file === undefined ? undefined : readInputFile(context, file)
    const server = connect(context)
    const definition: DistributionInput =
      given ?? changedSite(await server.client.distribution(id as DistributionId), change ?? {}) // control checks both
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
  exportCommand,
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
  const file = found.file === undefined ? '' : `, "${found.file}" in the configuration file`
  const standing = `${state}${found.fallback ? ', fallback' : ''}${file}`
  const head = [found.id, found.domain, ...found.aliases, standing]
  const origins = [
    ...found.origins.map(origin => [origin.id, origin.kind, placeOf(origin)]),
    ...(found.originGroups ?? []).map(({ id, members, statuses }) => [
      ...[id, 'group', `${members.join(', then ')} (${statuses.join(', ')})`],
    ]),
  ]
  const pages = found.errors.flatMap(({ status, page, respondWith = status }) =>
    page === undefined ? [] : [[String(status), page, String(respondWith)]],
  )
  return [
    `${head.join(' ')}${found.comment === '' ? '' : `\n${found.comment}`}`,
    table(['ORIGIN', 'KIND', 'PLACE'], origins),
    table(['PATHS', 'ORIGIN', 'ACCESS', 'LIFETIME MIN / DEFAULT / MAX'], rows),
    ...(pages.length === 0 ? [] : [table(['ERROR', 'PAGE', 'SENT AS'], pages)]),
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
