import { SluiceError } from '../core/index.ts'
import { readConfigurationFile } from './configuration-file.ts'
import type { FileDistributions } from './file-distributions.ts'
import { SETTINGS, type Configuration, type Setting, type SettingName } from './settings.ts'

export type Source = 'flag' | 'environment' | 'file' | 'default'

/** The configuration and, for each setting, who decided it and how it was written. */
export interface ResolvedConfiguration {
  configuration: Configuration
  origins: Record<SettingName, { source: Source; text: string }>
  /** The file that was read; undefined when there was none. */
  file: string | undefined
  /** Of that file; undefined where it says nothing of them. */
  distributions: FileDistributions | undefined
}

export interface ConfigurationInputs {
  /** What flags said, by setting. */
  flags?: Partial<Record<SettingName, string>>
  /** `--config`. */
  file?: string
  env: Record<string, string | undefined>
  cwd: string
}

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[] // a record's keys are its names

/** Flag, environment, file, default, in this order (INTERFACE.md). Throws one sentence naming the key and its mend. */
export function resolveConfiguration(inputs: ConfigurationInputs): ResolvedConfiguration {
  const file = readConfigurationFile(inputs.file ?? nonEmpty(inputs.env['SLUICE_CONFIG']), inputs.cwd)
  const values: Record<string, unknown> = {}
  const origins: Partial<ResolvedConfiguration['origins']> = {}
  for (const name of SETTING_NAMES) {
    const setting: Setting<unknown> = SETTINGS[name]
    const found = find(name, setting, inputs, file?.values)
    const reading = setting.read(found.text, found.source === 'file' && file ? file.folder : inputs.cwd)
    if (reading.kind === 'bad') {
      const named = {
        flag: setting.flag,
        environment: setting.env,
        file: `"${setting.key}" in ${file?.name}`,
        default: setting.key,
      }
      throw new SluiceError(
        'bad-setting',
        `${named[found.source]} is ${reading.hidden === true ? 'something' : `"${found.text}"`}, which is not valid: ${reading.why}.`,
        {
          side: 'operator',
          kind: 'usage',
        },
      )
    }
    values[name] = reading.value
    origins[name] = found
  }
  return {
    configuration: values as Configuration, // every setting has been read into its own name above
    origins: origins as ResolvedConfiguration['origins'], // filled in by the same loop
    file: file?.name,
    distributions: file?.distributions,
  }
}

function find(
  name: SettingName,
  setting: Setting<unknown>,
  inputs: ConfigurationInputs,
  file: Map<SettingName, string> | undefined,
): { source: Source; text: string } {
  const flag = inputs.flags?.[name]
  if (flag !== undefined) return { source: 'flag', text: flag }
  const env = nonEmpty(inputs.env[setting.env])
  if (env !== undefined) return { source: 'environment', text: env }
  const inFile = file?.get(name)
  if (inFile !== undefined) return { source: 'file', text: inFile }
  return { source: 'default', text: setting.default }
}

/** Compose files pass variables on that are empty when nobody set them; empty is unset. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}

/** The effective configuration as a commented sluice.yaml. */
export function printConfiguration({ origins }: ResolvedConfiguration): string {
  return settingLines(name => {
    const { source, text } = origins[name]
    return { text, from: `; from: ${source}` }
  })
}

/** Every setting with its default, as `printConfiguration` writes them. */
export function printDefaults(): string {
  return settingLines(name => ({ text: SETTINGS[name].default, from: '' }))
}

function settingLines(valueOf: (name: SettingName) => { text: string; from: string }): string {
  const lines: string[] = []
  let group = ''
  for (const name of SETTING_NAMES) {
    const setting: Setting<unknown> = SETTINGS[name]
    const { text, from } = valueOf(name)
    const [first = '', second] = setting.key.split('.')
    const indent = second === undefined ? '' : '  '
    if (second !== undefined && group !== first) lines.push(`${first}:`)
    group = second === undefined ? '' : first
    lines.push(`${indent}# ${setting.description}`)
    lines.push(`${indent}# ${setting.flag}, ${setting.env}${from}`)
    lines.push(`${indent}${second ?? first}: ${yamlOf(setting, text)}`)
  }
  return `${lines.join('\n')}\n`
}

const LISTS: readonly unknown[] = [SETTINGS.allowOrigins.schema, SETTINGS.certificates.schema]

function yamlOf(setting: Setting<unknown>, text: string): string {
  if (LISTS.includes(setting.schema)) {
    return JSON.stringify(text.split(',').filter(part => part.trim() !== ''))
  }
  return /^\d+$/.test(text) ? text : JSON.stringify(text)
}
