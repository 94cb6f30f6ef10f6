import { existsSync } from 'node:fs'
import {
  certificateFiles,
  emptyDataFolder,
  layout,
  lockPath,
  lockState,
  madeBySluice,
  printConfiguration,
  printReference,
  takeLock,
  type DataFolder,
} from '../app/index.ts'
import { SluiceError } from '../core/index.ts'
import type { CommandSpec, Context, OptionSpec } from './command.ts'
import { resolve } from './resolve.ts'
import { dataFolder, dataPath } from './server.ts'
import { SETTING_OPTIONS } from './setting-options.ts'
import { trustSteps } from './trust-steps.ts'

const DATA: OptionSpec[] = [
  { flags: '--data <folder>', description: 'the data folder (SLUICE_DATA)' },
  { flags: '--config <file>', description: 'the configuration file (SLUICE_CONFIG)' },
]

const trustCommand: CommandSpec = {
  words: 'trust',
  summary: 'print how to make browsers trust the local certificate; installs nothing',
  options: DATA,
  run: context => {
    const { authority } = certificateFiles(layout(dataPath(context)).certificates)
    if (!existsSync(authority)) {
      throw new SluiceError('no-certificate', `There is no ${authority} yet: "sluice up" makes it.`, {
        kind: 'not-found',
      })
    }
    const steps = trustSteps(authority)
    const lines = steps.map(({ where, how }) => `${where}\n  ${how}`)
    context.output.result({ certificate: authority, steps }, lines.join('\n\n'))
    return Promise.resolve()
  },
}

const resetCommand: CommandSpec = {
  words: 'reset',
  summary: 'delete everything that Sluice made in the data folder',
  options: [{ flags: '--yes', description: 'do not ask' }, ...DATA],
  run: async context => {
    const data = dataFolder(context)
    const made = data ? madeBySluice(data) : []
    if (!data || made.length === 0) {
      context.output.say(`there is nothing of Sluice in ${dataPath(context)}`)
      context.output.result({ deleted: [] }, '')
      return
    }
    await refuseWhileRunning(data)
    await confirm(context, data)
    const outcome = await takeLock(lockPath(data.root))
    if (outcome.kind === 'held') throw inUse(data, outcome.pid)
    try {
      emptyDataFolder(data)
    } finally {
      await outcome.lock.release()
    }
    context.output.result({ deleted: made }, `deleted ${made.length} things in ${data.root}`)
  },
}

const configCheckCommand: CommandSpec = {
  words: 'config check',
  summary: 'check the configuration, distributions of its file included, and change nothing',
  options: SETTING_OPTIONS,
  run: context => {
    const resolved = resolve(context)
    const where = resolved.file ?? 'flags, environment and defaults (there is no sluice.yaml)'
    const distributions = Object.keys(resolved.distributions ?? {})
    const told = distributions.length === 0 ? '' : `, with the distributions ${distributions.join(', ')}`
    context.output.result(
      { valid: true, file: resolved.file ?? null, distributions },
      `${where}: good${told}`,
    )
    return Promise.resolve()
  },
}

const configPrintCommand: CommandSpec = {
  words: 'config print',
  summary: 'print every setting, its value and where that comes from, as a sluice.yaml',
  options: [
    {
      flags: '--reference',
      description: 'instead, every setting and every word of a distribution, with what each means',
    },
    ...SETTING_OPTIONS,
  ],
  run: context => {
    if (context.options['reference'] === true) {
      const reference = printReference()
      context.output.result({ reference }, reference.trimEnd())
      return Promise.resolve()
    }
    const resolved = resolve(context)
    context.output.result(
      { file: resolved.file ?? null, settings: resolved.origins, configuration: resolved.configuration },
      printConfiguration(resolved).trimEnd(),
    )
    return Promise.resolve()
  },
}

/** What concerns this machine and asks no server. */
export const housekeepingCommands: CommandSpec[] = [
  trustCommand,
  resetCommand,
  configCheckCommand,
  configPrintCommand,
]

async function refuseWhileRunning(data: DataFolder): Promise<void> {
  const state = await lockState(lockPath(data.root))
  if (state.kind === 'held') throw inUse(data, state.pid)
}

function inUse(data: DataFolder, pid: number | undefined): SluiceError {
  const holder = pid === undefined ? 'a running Sluice' : `a running Sluice (process ${pid})`
  return new SluiceError(
    'data-folder-in-use',
    `The data folder ${data.root} is in use by ${holder}: end that one first.`,
    {
      side: 'operator',
      kind: 'conflict',
    },
  )
}

async function confirm(context: Context, data: DataFolder): Promise<void> {
  if (context.options['yes'] === true) return
  const answer = await context.terminal.ask(
    `Delete all films, keys, settings and logs in ${data.root}? There is no way back. [y/N] `,
  )
  if (answer === undefined) {
    throw new SluiceError('not-confirmed', 'Nobody can be asked here: say --yes to delete.', {
      kind: 'usage',
      side: 'operator',
    })
  }
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new SluiceError('not-confirmed', 'Nothing was deleted.', { side: 'operator' })
}
