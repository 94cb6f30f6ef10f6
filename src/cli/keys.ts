import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { makeSigningKey } from '../app/index.ts'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
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

export const keyCommands: CommandSpec[] = [
  keysCreateCommand,
  keysImportCommand,
  keysListCommand,
  keysDeleteCommand,
]

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
