import type { ChangedPolicy, PolicyInfo } from '../client/index.ts'
import type { PolicyInput } from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { readInputFile } from './input-file.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'
import { usage } from './usage.ts'

const FILE = {
  flags: '--file <file>',
  description: 'a definition as .yaml or .json; docs/DISTRIBUTIONS.md has one',
}

const listCommand: CommandSpec = {
  words: 'policy list',
  summary: 'list the policies that behaviours may name, the managed ones first',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.policies()
    const rows = found.map(({ id, name, says, comment }) => [id, says.kind, name, comment])
    context.output.result(found, table(['ID', 'KIND', 'NAME', 'COMMENT'], rows))
  },
}

const showCommand: CommandSpec = {
  words: 'policy show',
  takes: '<id>',
  summary: 'show a policy, by id or by a name that it alone has; with --json as a file that update takes',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    const found = await connect(context).client.policy(id)
    context.output.result(found, context.output.json ? '' : describe(found))
  },
}

const createCommand: CommandSpec = {
  words: 'policy create',
  summary: 'make a policy of a file',
  options: [FILE, ...SERVER_OPTIONS],
  run: async context => {
    const wanted = definitionOf(context)
    const { policy } = await connect(context).client.createPolicy(wanted)
    context.output.result(policy, policy.id)
  },
}

const updateCommand: CommandSpec = {
  words: 'policy update',
  takes: '<id>',
  summary: 'replace a policy by a file; every behaviour that names it follows',
  options: [FILE, NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '']) => {
    const wanted = definitionOf(context)
    const server = connect(context)
    const changed = await server.client.replacePolicy(id, wanted)
    await tell(context, server, changed)
    context.output.result(changed.policy, `updated ${changed.policy.name}`)
  },
}

const deleteCommand: CommandSpec = {
  words: 'policy delete',
  takes: '<id>',
  summary: 'delete a policy that no behaviour names any more',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    await connect(context).client.deletePolicy(id)
    context.output.result({ id }, `deleted ${id}`)
  },
}

export const policyCommands: CommandSpec[] = [
  listCommand,
  showCommand,
  createCommand,
  updateCommand,
  deleteCommand,
]

function definitionOf(context: Context): PolicyInput {
  const file = text(context.options, 'file')
  if (file === undefined) throw usage('no-file', 'Name the file that says it: --file FILE.')
  return readInputFile(context, file) as unknown as PolicyInput // control checks it
}

async function tell(context: Context, server: Server, made: ChangedPolicy): Promise<void> {
  for (const warning of made.warnings) context.output.warn(`${warning}.`)
  await awaitNodes(context, server, made.snapshotVersion)
}

/** For people: what it says, a line each. */
function describe({ id, name, comment, says, managed }: PolicyInfo): string {
  const { kind, ...words } = says
  const lines = Object.entries(words).map(([word, said]) => [word, JSON.stringify(said)])
  const head = `${id} ${name}, ${kind}${managed ? ', managed' : ''}`
  return `${comment === '' ? head : `${head}\n${comment}`}\n\n${table(['WORD', 'SAYS'], lines)}`
}
