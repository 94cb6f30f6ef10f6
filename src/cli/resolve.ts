import { resolveConfiguration, type ReadFile, type ResolvedConfiguration } from '../app/index.ts'
import { text, type Context } from './command.ts'
import { settingFlags } from './setting-options.ts'

/** The configuration of a command that takes every setting; reads the file each time. */
export function resolve(context: Context): ResolvedConfiguration {
  const { env, cwd } = context.terminal
  const file = text(context.options, 'config')
  return resolveConfiguration({
    ...{ env, cwd, flags: settingFlags(context.options) },
    ...(file === undefined ? {} : { file }),
  })
}

/** The configuration file of a command as it is now, for its distributions; undefined when there is none. */
export function readFile(context: Context): ReadFile | undefined {
  const { file, distributions } = resolve(context)
  return file === undefined ? undefined : { name: file, distributions }
}
