import { JOINING_ROLES, type JoiningRole } from '../client/index.ts'
import { parseDuration } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec } from './command.ts'
import { connect } from './server.ts'
import { nodeTable, nodeWarnings } from './node-list.ts'
import { usage } from './usage.ts'

const listCommand: CommandSpec = {
  words: 'nodes',
  summary: 'list the nodes, what they have of the configuration, and how they do',
  options: SERVER_OPTIONS,
  run: async context => {
    const nodes = await connect(context).client.nodes()
    for (const sentence of nodeWarnings(nodes)) context.output.warn(sentence)
    context.output.result(nodes, nodeTable(nodes))
  },
}

const tokenCommand: CommandSpec = {
  words: 'nodes token',
  summary: 'make a token that lets one machine join, once; it is shown once',
  options: [
    { flags: '--role <role>', description: `what it is to be: ${JOINING_ROLES.join(', ')}` },
    { flags: '--pop <name>', description: 'the name of its place, in X-Sluice-Pop and in lists (local)' },
    { flags: '--ttl <duration>', description: 'how long it can be used: from 1m to 7d (1h)' },
    {
      flags: '--url <url>',
      description: 'where that machine reaches control, where control cannot know that',
    },
    ...SERVER_OPTIONS,
  ],
  run: async context => {
    const url = text(context.options, 'url')
    const made = await connect(context).client.createJoinToken({
      role: roleOf(text(context.options, 'role')),
      pop: text(context.options, 'pop') ?? 'local',
      ttlSeconds: secondsOf(text(context.options, 'ttl') ?? '1h'),
      ...(url !== undefined && { url }),
    })
    context.output.say(`Until ${made.expires}, on the other machine: sluice ${made.role} --join TOKEN`)
    context.output.result(made, made.token)
  },
}

const removeCommand: CommandSpec = {
  words: 'nodes remove',
  takes: '<id>',
  summary: 'remove a node that joined, or whose Sluice is gone: nobody believes it any more',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    await connect(context).client.removeNode(id)
    context.output.result({ id }, `removed ${id}`)
  },
}

const authorityCommand: CommandSpec = {
  words: 'nodes authority',
  summary: 'print the certificate that control is known by on other machines, for NODE_EXTRA_CA_CERTS',
  options: SERVER_OPTIONS,
  run: async context => {
    const authority = await connect(context).client.authority()
    context.output.result({ authority }, authority.trimEnd())
  },
}

function drainCommand(word: 'drain' | 'undrain', summary: string): CommandSpec {
  return {
    words: `nodes ${word}`,
    takes: '<id>',
    summary,
    options: [NO_WAIT, ...SERVER_OPTIONS],
    run: async (context, [id = '']) => {
      const server = connect(context)
      const { snapshotVersion } = await server.client.drainNode(id, word)
      await awaitNodes(context, server, snapshotVersion)
      context.output.result(
        { id, snapshotVersion },
        `${word === 'drain' ? 'draining' : 'serving again:'} ${id}`,
      )
    },
  }
}

export const nodeCommands: CommandSpec[] = [
  listCommand,
  tokenCommand,
  drainCommand('drain', 'send nothing new to a node, so that it can be ended; it ends what it has begun'),
  drainCommand('undrain', 'send a node what is new again'),
  removeCommand,
  authorityCommand,
]

function roleOf(given: string | undefined): JoiningRole {
  const role = JOINING_ROLES.find(each => each === given)
  if (role !== undefined) return role
  const what = given === undefined ? '--role is missing' : `--role ${given} is unknown`
  throw usage('bad-role', `${what}: use ${JOINING_ROLES.join(', ')}.`)
}

function secondsOf(given: string): number {
  const span = parseDuration(given)
  if (span === undefined || span % 1000 !== 0)
    throw usage('bad-duration', `--ttl ${given} is no duration: write 30m, 12h or 7d.`)
  return span / 1000
}
