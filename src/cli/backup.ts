import { resolve } from 'node:path'
import {
  copyCommand,
  readDatabaseUrl,
  resolveConfiguration,
  restoreBackup,
  writeBackup,
  type BackupContents,
  type Restored,
} from '../app/index.ts'
import { formatBytes } from '../core/index.ts'
import { SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { connect } from './server.ts'
import { SETTING_OPTIONS, settingFlags } from './setting-options.ts'
import { isoTime } from './sign.ts'

const backupCommand: CommandSpec = {
  words: 'backup',
  takes: '<file>',
  summary:
    'write database, keys and certificates into one file, while all runs on; it tells how to copy media',
  options: SERVER_OPTIONS,
  run: async (context, [name = '']) => {
    const server = connect(context)
    const file = resolve(context.terminal.cwd, name)
    const contents = await writeBackup({ told: server.client.backup(), data: server.home, file })
    const { output } = context
    if (!contents.files.some(each => each.startsWith('keys/')))
      output.warn('it holds no signing keys, which lie in the data folder of "sluice up": run it there too.')
    const { place, objects, bytes, unlisted } = contents.media
    const command = copyCommand(place, undefined)
    if (unlisted !== null) output.warn(`media could not be listed: ${unlisted}.`)
    output.say(`Media is not in it: ${objects} objects, ${formatBytes(bytes)}. Copy them with`)
    output.say(`  ${command}`)
    output.result({ file, ...toldOf(contents), media: { objects, bytes, command } }, file)
  },
}

const restoreCommand: CommandSpec = {
  words: 'restore',
  takes: '<file>',
  summary: 'restore a backup into a data folder, or a PostgreSQL database, that holds none yet',
  options: SETTING_OPTIONS,
  run: async (context, [name = '']) => {
    const { env, cwd } = context.terminal
    const given = text(context.options, 'config')
    const { configuration } = resolveConfiguration({
      ...{ env, cwd, flags: settingFlags(context.options) },
      ...(given === undefined ? {} : { file: given }),
    })
    const databaseUrl = readDatabaseUrl(env)
    tell(context, await restoreBackup({ file: resolve(cwd, name), configuration, databaseUrl }))
  },
}

function tell({ output }: Context, { data, contents, left, media, missing }: Restored): void {
  const { objects, bytes } = contents.media
  const command = copyCommand(undefined, media)
  for (const name of left) output.warn(`${name} was there already with other contents, and stays.`)
  if (objects > 0 && missing !== 0) {
    output.say(
      `Of ${objects} objects of media (${formatBytes(bytes)}) ${missing ?? 'all'} are to be copied yet:`,
    )
    output.say(`  ${command}`)
  }
  output.say('What was removed or revoked after the backup was made is back: look at keys, tokens and nodes.')
  const value = { data, ...toldOf(contents), left, media: { objects, bytes, missing, command } }
  output.result(value, `restored into ${data} what was there at ${isoTime(contents.madeAt)}`)
}

function toldOf({ madeAt, rows, files }: BackupContents): { madeAt: string; rows: number; files: number } {
  return { madeAt: new Date(madeAt).toISOString(), rows, files: files.length }
}

/** What is there after a machine is gone. */
export const backupCommands: CommandSpec[] = [backupCommand, restoreCommand]
