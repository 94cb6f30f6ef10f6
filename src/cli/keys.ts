import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { makeSigningKey } from '../app/index.ts'
import type { ImportedKey, KeyGroupChange, KeyGroupInfo } from '../client/index.ts'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'
import { usage } from './usage.ts'

const GROUP = { flags: '--group <name>', description: 'the key group that will trust it (default)' }

const keysCreateCommand: CommandSpec = {
  words: 'keys create',
  takes: '<name>',
  summary: 'make a signing key; the private half stays here, in a file',
  options: [
    { flags: '--type <type>', description: 'p256 or rsa2048 (p256)' },
    GROUP,
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const type = typeOf(context)
    const server = connect(context)
    const folder = server.data?.keys ?? context.terminal.cwd
    const wanted = { name, group: groupOf(context), type }
    const { key, privateKeyFile } = await makeSigningKey(server.client, folder, wanted)
    sayGroup(context, key)
    await awaitNodes(context, server, key.snapshotVersion)
    context.output.say(`the private key is ${privateKeyFile}; nobody else has it`)
    context.output.result({ id: key.id, name: key.name, group: key.group, privateKeyFile }, key.id)
  },
}

const keysImportCommand: CommandSpec = {
  words: 'keys import',
  takes: '<name> <public.pem>',
  summary: 'trust a public key; its private half stays with whoever signs',
  options: [GROUP, NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [name = '', file = '']) => {
    const pem = readPublicPem(resolve(context.terminal.cwd, file), file)
    const server = connect(context)
    const key = await server.client.importKey({ name, pem, group: groupOf(context) })
    sayGroup(context, key)
    await awaitNodes(context, server, key.snapshotVersion)
    context.output.result({ id: key.id, name: key.name, group: key.group }, key.id)
  },
}

const keysListCommand: CommandSpec = {
  words: 'keys list',
  summary: 'list the keys that are trusted',
  options: SERVER_OPTIONS,
  run: async context => {
    const keys = await connect(context).client.keys()
    const rows = keys.map(key => [key.id, key.name, key.groups.join(', '), key.type, key.createdAt])
    context.output.result(keys, table(['ID', 'NAME', 'GROUPS', 'TYPE', 'SINCE'], rows))
  },
}

const keysDeleteCommand: CommandSpec = {
  words: 'keys delete',
  takes: '<id>',
  summary: 'stop trusting a key: everything signed with it is refused',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '']) => {
    const server = connect(context)
    const { snapshotVersion } = await server.client.deleteKey(id)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ id }, `deleted ${id}`)
  },
}

const keysGroupsCommand: CommandSpec = {
  words: 'keys groups',
  summary: 'list the key groups and what each accepts',
  options: SERVER_OPTIONS,
  run: async context => {
    const groups = await connect(context).client.keyGroups()
    const rows = groups.map(each => [
      each.id,
      each.name,
      String(each.keys.length),
      each.sha1,
      each.withoutResource,
    ])
    context.output.result(groups, table(['ID', 'NAME', 'KEYS', 'SHA-1', 'WITHOUT RESOURCE'], rows))
  },
}

const keysGroupCommand: CommandSpec = {
  words: 'keys group',
  takes: '<name>',
  summary: 'show a key group, or say what it accepts',
  options: [
    { flags: '--sha1 <word>', description: 'signatures over SHA-1: accept or refuse' },
    {
      flags: '--without-resource <word>',
      description: 'policies that name no resource and open all: accept or refuse',
    },
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const sha1 = acceptance(context, 'sha1', '--sha1')
    const withoutResource = acceptance(context, 'withoutResource', '--without-resource')
    const server = connect(context)
    const group =
      sha1 === undefined && withoutResource === undefined
        ? await groupOfName(server, name)
        : await changeGroup(context, server, name, {
            ...(sha1 === undefined ? {} : { sha1 }),
            ...(withoutResource === undefined ? {} : { withoutResource }),
          })
    const keys = group.keys.length === 0 ? 'no key' : group.keys.join(', ')
    context.output.result(
      group,
      `${group.name}: ${keys}; SHA-1: ${group.sha1}; without resource: ${group.withoutResource}`,
    )
  },
}

export const keyCommands: CommandSpec[] = [
  keysCreateCommand,
  keysImportCommand,
  keysListCommand,
  keysDeleteCommand,
  keysGroupsCommand,
  keysGroupCommand,
]

async function changeGroup(
  context: Context,
  server: Server,
  name: string,
  change: KeyGroupChange,
): Promise<KeyGroupInfo> {
  const { snapshotVersion, ...group } = await server.client.changeKeyGroup(name, change)
  await awaitNodes(context, server, snapshotVersion)
  return group
}

async function groupOfName({ client }: Server, name: string): Promise<KeyGroupInfo> {
  const groups = await client.keyGroups()
  const found = groups.find(each => each.id === name) ?? groups.find(each => each.name === name)
  if (found) return found
  throw new SluiceError('not-found', `There is no key group "${name}": "sluice keys groups" lists them.`, {
    side: 'operator',
    kind: 'not-found',
  })
}

function acceptance({ options }: Context, name: string, flag: string): 'accept' | 'refuse' | undefined {
  const given = text(options, name)
  if (given === undefined || given === 'accept' || given === 'refuse') return given
  throw usage('bad-word', `${flag} ${given} is unknown: use accept or refuse.`)
}

/** A name with a slip makes a group that nothing trusts. */
function sayGroup({ output }: Context, key: ImportedKey): void {
  if (key.groupMade) output.say(`made the key group ${key.group}; behaviours trust it that name it`)
}

function typeOf({ options }: Context): 'p256' | 'rsa2048' {
  const asked = text(options, 'type') ?? 'p256'
  if (asked === 'p256' || asked === 'rsa2048') return asked
  throw usage('bad-type', `--type ${asked} is unknown: use p256 or rsa2048.`)
}

function groupOf({ options }: Context): string {
  return text(options, 'group') ?? 'default'
}

/** A private key that was named by mistake must not leave this machine. */
function readPublicPem(path: string, asGiven: string): string {
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw new SluiceError('no-file', `${asGiven} does not exist.`, { side: 'operator', kind: 'not-found' })
    }
    throw usage(
      'unreadable',
      `${asGiven} cannot be read (${codeOf(error) ?? messageOf(error)}): mend its rights.`,
    )
  }
  if (/PRIVATE KEY-----/.test(pem)) {
    throw usage(
      'private-key',
      `${asGiven} is a private key, which stays with you: give its public half, as "openssl pkey -in ${asGiven} -pubout" prints it.`,
    )
  }
  if (!/-----BEGIN /.test(pem)) {
    throw usage(
      'no-public-key',
      `${asGiven} holds no public key in PEM, which begins with -----BEGIN PUBLIC KEY-----: "openssl pkey -in KEY -pubout" prints one.`,
    )
  }
  return pem
}
