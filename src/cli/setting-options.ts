import { SETTING_NAMES, SETTINGS, type SettingName } from '../app/index.ts'
import type { OptionSpec, Options } from './command.ts'

/** The settings of `up` as options, from the one table that also reads the file and the environment. */
export const SETTING_OPTIONS: OptionSpec[] = [
  ...SETTING_NAMES.map((name): OptionSpec => {
    const { flag, env, description, schema } = SETTINGS[name]
    const many = schema === SETTINGS.allowOrigins.schema || schema === SETTINGS.certificates.schema
    return {
      flags: `${flag} <value>`,
      description: `${description} (${env})`,
      ...(many ? { repeat: 'many' as const } : {}),
    }
  }),
  {
    flags: '--config <file>',
    description: 'the configuration file, sluice.yaml when there is one (SLUICE_CONFIG)',
  },
]

/** What was given of them, by setting. */
export function settingFlags(options: Options): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {}
  for (const name of SETTING_NAMES) {
    const { flag } = SETTINGS[name]
    const value = options[camelCase(flag)]
    if (typeof value === 'string') flags[name] = value
    if (Array.isArray(value)) flags[name] = value.join(',')
  }
  return flags
}

/** `--allow-origin` → `allowOrigin`, as the parser names it. */
function camelCase(flag: string): string {
  return flag.replace(/^--/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
