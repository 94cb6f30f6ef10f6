import type { ChangedEncryption, EncryptionInfo } from '../client/index.ts'
import type { EncryptionInput } from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, type CommandSpec, type Context } from './command.ts'
import { readInputFile } from './input-file.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'

const listCommand: CommandSpec = {
  words: 'encryption list',
  summary: 'list the field-level encryptions that behaviours may name',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.encryptions()
    const rows = found.map(({ id, name, profiles, comment }) => [
      ...[id, name, profiles.map(each => each.name).join(' '), comment],
    ])
    context.output.result(found, table(['ID', 'NAME', 'PROFILES', 'COMMENT'], rows))
  },
}

const showCommand: CommandSpec = {
  words: 'encryption show',
  takes: '<id>',
  summary: 'show an encryption, by name or id; with --json as a file that update takes',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    const found = await connect(context).client.encryption(id)
    context.output.result(found, context.output.json ? '' : describe(found))
  },
}

const createCommand: CommandSpec = {
  words: 'encryption create',
  takes: '<file>',
  summary: 'make an encryption of a file, .yaml or .json; docs/FIELD-ENCRYPTION.md has one',
  options: SERVER_OPTIONS,
  run: async (context, [file = '']) => {
    const wanted = definitionOf(context, file)
    const { encryption } = await connect(context).client.createEncryption(wanted)
    context.output.result(encryption, encryption.id)
  },
}

const updateCommand: CommandSpec = {
  words: 'encryption update',
  takes: '<id> <file>',
  summary: 'replace an encryption by a file; behaviours that name it follow',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [id = '', file = '']) => {
    const wanted = definitionOf(context, file)
    const server = connect(context)
    const changed = await server.client.replaceEncryption(id, wanted)
    await tell(context, server, changed)
    context.output.result(changed.encryption, `updated ${changed.encryption.name}`)
  },
}

const deleteCommand: CommandSpec = {
  words: 'encryption delete',
  takes: '<id>',
  summary: 'delete an encryption that no behaviour names any more',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    await connect(context).client.deleteEncryption(id)
    context.output.result({ id }, `deleted ${id}`)
  },
}

export const encryptionCommands: CommandSpec[] = [
  listCommand,
  showCommand,
  createCommand,
  updateCommand,
  deleteCommand,
]

function definitionOf(context: Context, file: string): EncryptionInput {
  return readInputFile(context, file) as unknown as EncryptionInput // control checks it
}

async function tell(context: Context, server: Server, made: ChangedEncryption): Promise<void> {
  await awaitNodes(context, server, made.snapshotVersion)
}

/** For people: which requests are encrypted by which profile, and what those encrypt for whom. */
function describe({ id, name, comment, profiles, byQuery, byContentType }: EncryptionInfo): string {
  const requests = [
    ...byQuery.profiles.map(({ argument, profile }) => [`fle-profile=${argument}`, profile]),
    ['fle-profile=…', WORDS[byQuery.unknown]],
    ...byContentType.profiles.map(({ contentType, profile }) => [contentType, profile ?? WORDS.forward]),
    ['other content types', WORDS[byContentType.unknown]],
  ]
  const rows = profiles.map(each => [each.name, each.key, each.provider, each.patterns.join(' ')])
  const head = `${id} ${name}${comment === '' ? '' : `\n${comment}`}`
  return `${head}\n\n${table(['REQUEST', 'PROFILE'], requests)}\n\n${table(['PROFILE', 'KEY', 'PROVIDER', 'FIELDS'], rows)}`
}

const WORDS = { forward: '(sent on as it is)', reject: '(refused)' } as const
