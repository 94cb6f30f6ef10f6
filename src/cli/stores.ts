import type { StoreChange } from '../client/index.ts'
import { formatBytes, MiB, SluiceError } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { readInputFile } from './input-file.ts'
import { table } from './output.ts'
import { connect } from './server.ts'

/** A store as JSON, with what escapes take. */
const LARGEST = 16 * MiB

const listCommand: CommandSpec = {
  words: 'stores list',
  summary: 'list the key value stores that functions may read',
  options: SERVER_OPTIONS,
  run: async context => {
    const found = await connect(context).client.stores()
    const rows = found.map(({ name, items, bytes, usedBy, comment }) => [
      ...[name, String(items), formatBytes(bytes), usedBy.join(' ') || '-', comment],
    ])
    context.output.result(found, table(['NAME', 'KEYS', 'SIZE', 'READ BY', 'COMMENT'], rows))
  },
}

const showCommand: CommandSpec = {
  words: 'stores show',
  takes: '<name>',
  summary: 'show a key value store, and who reads it',
  options: SERVER_OPTIONS,
  run: async (context, [name = '']) => {
    const found = await connect(context).client.store(name)
    const { id, items, bytes, usedBy, comment, modifiedAt } = found
    const facts = [`${found.name} ${id}`, `${items} keys, ${formatBytes(bytes)}, changed ${modifiedAt}`]
    const told = [...facts, `read by ${usedBy.join(', ') || 'no function'}`, ...(comment ? [comment] : [])]
    context.output.result(found, told.join('\n'))
  },
}

const createCommand: CommandSpec = {
  words: 'stores create',
  takes: '<name>',
  summary: 'make a key value store, empty or with what a file has',
  options: [
    { flags: '--file <file>', description: 'keys and values that are texts, .json or .yaml' },
    { flags: '--comment <text>', description: 'what it is for' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const file = text(context.options, 'file')
    const comment = text(context.options, 'comment')
    // Control checks that they are texts.
    const items = file === undefined ? {} : (readInputFile(context, file, LARGEST) as Record<string, string>)
    const made = await connect(context).client.createStore({ name, items, ...(comment && { comment }) })
    context.output.result(made, `made ${name}, ${made.items} keys`)
  },
}

const getCommand: CommandSpec = {
  words: 'stores get',
  takes: '<name> [key]',
  summary: 'print the value of a key, or all of them',
  options: SERVER_OPTIONS,
  run: async (context, [name = '', key]) => {
    const items = await connect(context).client.storeItems(name)
    if (key === undefined) {
      const rows = Object.entries(items).map(([each, value]) => [each, value])
      return context.output.result(items, table(['KEY', 'VALUE'], rows))
    }
    const value = Object.hasOwn(items, key) ? items[key] : undefined
    if (value === undefined)
      throw new SluiceError(
        'no-key',
        `The store "${name}" has no key "${key}": sluice stores get ${name} lists them.`,
        {
          ...{ side: 'operator', kind: 'not-found' },
        },
      )
    context.output.result({ key, value }, value)
  },
}

const putCommand: CommandSpec = {
  words: 'stores put',
  takes: '<name> <key> <value>',
  summary: 'put a key into a store; functions read it when the command returns',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: (context, [name = '', key = '', value = '']) =>
    change(context, name, { put: Object.fromEntries([[key, value]]) }, `put ${key}`),
}

const removeCommand: CommandSpec = {
  words: 'stores remove',
  takes: '<name> <key>',
  summary: 'take a key out of a store',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: (context, [name = '', key = '']) => change(context, name, { remove: [key] }, `removed ${key}`),
}

const deleteCommand: CommandSpec = {
  words: 'stores delete',
  takes: '<name>',
  summary: 'delete a key value store that no function reads',
  options: SERVER_OPTIONS,
  run: async (context, [name = '']) => {
    await connect(context).client.deleteStore(name)
    context.output.result({ name }, `deleted ${name}`)
  },
}

export const storeCommands: CommandSpec[] = [
  listCommand,
  showCommand,
  createCommand,
  getCommand,
  putCommand,
  removeCommand,
  deleteCommand,
]

async function change(context: Context, name: string, wanted: StoreChange, done: string): Promise<void> {
  const server = connect(context)
  const { store, snapshotVersion } = await server.client.changeStore(name, wanted)
  await awaitNodes(context, server, snapshotVersion)
  context.output.result(store, done)
}
