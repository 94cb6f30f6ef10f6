import { SCOPES, type Scope } from '../client/index.ts'
import { type DistributionId } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec } from './command.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'

const invalidateCommand: CommandSpec = {
  words: 'invalidate',
  takes: '<paths...>',
  summary: 'forget what the caches hold of paths; a * at the end means all below',
  options: [
    { flags: '--distribution <id>', description: 'only in this distribution (all)' },
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, paths) => {
    const wrong = paths.find(path => !path.startsWith('/'))
    if (wrong !== undefined) throw usage('bad-path', `"${wrong}" is no path: begin it with "/".`)
    const server = connect(context)
    const id = text(context.options, 'distribution') as DistributionId | undefined // control checks it
    const asked = await server.client.invalidate({
      paths,
      ...(id === undefined ? {} : { distributionId: id }),
    })
    const result = await awaitNodes(context, server, asked.snapshotVersion)
    const status = result && result.missing.length === 0 ? 'Completed' : 'InProgress'
    const nodes = result?.acknowledged ?? []
    const slowest = Math.max(0, ...nodes.map(node => node.ms))
    context.output.result(
      { id: asked.id, status, nodes },
      `${asked.id} ${status}${result ? `, ${nodes.length} nodes, ${slowest} ms` : ''}`,
    )
  },
}

const tokensCreateCommand: CommandSpec = {
  words: 'tokens create',
  takes: '<name>',
  summary: 'make a token for the control API, and an access key for that of CloudFront; shown once',
  options: [
    {
      flags: '--scope <scope>',
      description: `what it may do: ${SCOPES.join(', ')} or all (read); may be repeated`,
      repeat: 'many',
    },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const given = context.options['scope']
    const scopes = scopesOf(Array.isArray(given) ? given : ['read'])
    const made = await connect(context).client.createToken({ name, scopes })
    context.output.say(
      `${made.id} may ${made.scopes.join(', ')}. Its access key, whose secret is shown only now:`,
    )
    context.output.say(`  AWS_ACCESS_KEY_ID=${made.accessKeyId}`)
    context.output.say(`  AWS_SECRET_ACCESS_KEY=${made.secretAccessKey}`)
    context.output.say('The token, shown only now:')
    context.output.result(made, made.token)
  },
}

const tokensListCommand: CommandSpec = {
  words: 'tokens list',
  summary: 'list the tokens',
  options: SERVER_OPTIONS,
  run: async context => {
    const tokens = await connect(context).client.tokens()
    const rows = tokens.map(({ id, name, scopes, accessKeyId, createdAt }) => [
      ...[id, name, scopes.join(', '), accessKeyId ?? '', createdAt],
    ])
    context.output.result(tokens, table(['ID', 'NAME', 'MAY', 'ACCESS KEY', 'SINCE'], rows))
  },
}

const tokensDeleteCommand: CommandSpec = {
  words: 'tokens delete',
  takes: '<id>',
  summary: 'make a token useless',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    await connect(context).client.deleteToken(id)
    context.output.result({ id }, `deleted ${id}`)
  },
}

/** Invalidations and tokens. */
export const administrationCommands: CommandSpec[] = [
  invalidateCommand,
  tokensCreateCommand,
  tokensListCommand,
  tokensDeleteCommand,
]

function scopesOf(given: string[]): Scope[] {
  return given
    .flatMap(each => each.split(','))
    .map(word => {
      const scope = word === 'all' ? 'admin' : SCOPES.find(each => each === word)
      if (scope === undefined)
        throw usage('bad-scope', `--scope ${word} is unknown: use ${SCOPES.join(', ')} or all.`)
      return scope
    })
}
