import { readSecret } from '../app/index.ts'
import type { OriginAccessInfo } from '../client/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'

const TYPES = ['control', 'identity'] as const
const SIGNING = ['always', 'never', 'no-override'] as const

const SIGNING_OPTION = {
  flags: '--signing <when>',
  description: 'always, never, or no-override: unless the viewer did (always)',
}

const createCommand: CommandSpec = {
  words: 'origin-access create',
  takes: '<name>',
  summary:
    'make an access to buckets; its key is read from SLUICE_ACCESS_KEY_ID and SLUICE_SECRET_ACCESS_KEY',
  options: [
    { flags: '--type <type>', description: 'control or identity (control)' },
    SIGNING_OPTION,
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const kind = wordOf(context, 'type', TYPES) ?? 'control'
    const signing = wordOf(context, 'signing', SIGNING) ?? 'always'
    const credentials = credentialsOf(context)
    if (credentials === undefined && signing !== 'never') throw noCredentials()
    const server = connect(context)
    const made = await server.client.createOriginAccess({
      ...{ name, kind, signing },
      ...(credentials === undefined ? {} : { credentials }),
    })
    await awaitNodes(context, server, made.snapshotVersion)
    context.output.say(`origins use it that name it: "access": "${name}"`)
    context.output.result(made.originAccess, made.originAccess.id)
  },
}

const listCommand: CommandSpec = {
  words: 'origin-access list',
  summary: 'list the accesses to buckets; secrets are told to nobody',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.originAccess()
    context.output.result(found, table(['ID', 'NAME', 'TYPE', 'SIGNING', 'ACCESS KEY'], found.map(row)))
  },
}

const rotateCommand: CommandSpec = {
  words: 'origin-access rotate',
  takes: '<id>',
  summary: 'give an access a new key from SLUICE_ACCESS_KEY_ID and SLUICE_SECRET_ACCESS_KEY',
  options: [SIGNING_OPTION, NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '']) => {
    const credentials = credentialsOf(context)
    const signing = wordOf(context, 'signing', SIGNING)
    if (credentials === undefined && signing === undefined) throw noCredentials()
    const server = connect(context)
    const changed = await server.client.changeOriginAccess(id, {
      ...(credentials === undefined ? {} : { credentials }),
      ...(signing === undefined ? {} : { signing }),
    })
    await awaitNodes(context, server, changed.snapshotVersion)
    const { accessKeyId, name } = changed.originAccess
    context.output.result(
      changed.originAccess,
      `${name} uses ${accessKeyId ?? 'no key'}; the old key may be deleted`,
    )
  },
}

const deleteCommand: CommandSpec = {
  words: 'origin-access delete',
  takes: '<id>',
  summary: 'forget an access that no origin uses any more',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '']) => {
    const server = connect(context)
    const { snapshotVersion } = await server.client.deleteOriginAccess(id)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ id }, `deleted ${id}`)
  },
}

export const originAccessCommands: CommandSpec[] = [createCommand, listCommand, rotateCommand, deleteCommand]

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** From the environment or files that it names: a command line is seen by everybody on the machine. */
function credentialsOf({ terminal: { env } }: Context): Credentials | undefined {
  const accessKeyId = readSecret(env, 'SLUICE_ACCESS_KEY_ID')
  const secretAccessKey = readSecret(env, 'SLUICE_SECRET_ACCESS_KEY')
  const sessionToken = readSecret(env, 'SLUICE_SESSION_TOKEN')
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined)
    return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined) throw noCredentials()
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function noCredentials(): Error {
  return usage(
    'no-credentials',
    'Set SLUICE_ACCESS_KEY_ID and SLUICE_SECRET_ACCESS_KEY, or the same with _FILE: secrets never stand on the command line.',
  )
}

function wordOf<T extends string>({ options }: Context, name: string, known: readonly T[]): T | undefined {
  const given = text(options, name)
  if (given === undefined) return undefined
  const word = known.find(each => each === given)
  if (word !== undefined) return word
  throw usage(`bad-${name}`, `--${name} ${given} is unknown: use ${known.join(', ')}.`)
}

function row({ id, name, kind, signing, accessKeyId }: OriginAccessInfo): string[] {
  return [id, name, kind, signing, accessKeyId ?? '']
}
