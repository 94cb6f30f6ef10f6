import {
  NODE_ROLES,
  readSecret,
  startControlAlone,
  startNode,
  type NodeRole,
  type StartOptions,
} from '../app/index.ts'
import { text, type CommandSpec, type Context, type OptionSpec } from './command.ts'
import { readFile, resolve } from './resolve.ts'
import { SETTING_OPTIONS } from './setting-options.ts'

const SUMMARIES: Record<NodeRole, string> = {
  edge: 'an edge on a machine of its own, in the foreground',
  regional: 'a regional cache on a machine of its own, in the foreground; edges ask it before origins',
  origin: 'an origin on a machine of its own, in the foreground; it shares storage with control',
  gateway: 'an RTMP gateway on a machine of its own, in the foreground',
  router: 'a router on a machine of its own, in the foreground; it sends viewers to the nearest edge',
}

const JOIN: OptionSpec = {
  flags: '--join <token>',
  description:
    'what "sluice nodes token" printed where control is; needed on the first start alone (SLUICE_JOIN, SLUICE_JOIN_FILE)',
}

const controlCommand: CommandSpec = {
  words: 'control',
  summary: 'control without nodes, in the foreground; they join from other machines',
  options: SETTING_OPTIONS,
  run: async context => {
    await startControlAlone({
      ...startOptions(context),
      readFile: () => readFile(context),
      onReady(ready) {
        if (context.output.json) return context.output.result(ready, '')
        context.output.say('Control is ready.')
        context.output.say(`  for this machine   ${ready.control}`)
        if (ready.reach !== null) context.output.say(`  for others         ${ready.reach}`)
        context.output.say('  let a machine in   npx --no sluice nodes token --role edge --pop NAME')
        context.output.say('Ctrl-C ends it.')
      },
    })
    context.output.say('Control has ended.')
  },
}

function nodeCommand(role: NodeRole): CommandSpec {
  return {
    words: role,
    summary: SUMMARIES[role],
    options: [JOIN, ...SETTING_OPTIONS],
    run: async context => {
      await startNode({
        ...startOptions(context),
        role,
        joinToken: text(context.options, 'join') ?? readSecret(context.terminal.env, 'SLUICE_JOIN'),
        onReady(ready) {
          if (context.output.json) return context.output.result(ready, '')
          context.output.say(`${ready.id} at ${ready.pop} is ready.`)
          const { http, https, rtmp, rtmps, dns } = ready
          for (const url of [dns, http, https, rtmp, rtmps, ready.url])
            if (url) context.output.say(`  ${url}`)
          context.output.say(`  control            ${ready.control}`)
          context.output.say('Ctrl-C ends it.')
        },
      })
      context.output.say(`The ${role} has ended.`)
    },
  }
}

function startOptions(context: Context): StartOptions {
  const { env } = context.terminal
  const { configuration } = resolve(context)
  return {
    ...{ configuration, env, signals: process },
    hangUp: [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY) ? 'end' : 'look',
    show: line => context.output.say(line),
    exit: code => process.exit(code),
  }
}

/** One role on a machine of its own. */
export const roleCommands: CommandSpec[] = [controlCommand, ...NODE_ROLES.map(nodeCommand)]
