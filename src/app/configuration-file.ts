import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument, stringify } from 'yaml'
import { codeOf, messageOf, reader, SluiceError, Type, type TSchema } from '../core/index.ts'
import { closest } from './closest.ts'
import { readDistributions, type FileDistributions } from './file-distributions.ts'
import { SETTINGS, type SettingName } from './settings.ts'

export const DEFAULT_FILE = 'sluice.yaml'

/** The settings that a file holds, as texts; `name` is how sentences call the file, `folder` where it lies. */
export interface ConfigurationFile {
  name: string
  folder: string
  values: Map<SettingName, string>
  /** By their names there; undefined where it says nothing of distributions. */
  distributions: FileDistributions | undefined
}

const NAMES = Object.keys(SETTINGS) as SettingName[] // a record's keys are its names

const SCHEMA = Type.Object(groupByKey(), { additionalProperties: false })

/**
 * Reads the named file, or `sluice.yaml` of `cwd` when there is one; undefined when there is none and nobody asked for
 * one. Throws one sentence naming the key that is wrong.
 */
export function readConfigurationFile(asked: string | undefined, cwd: string): ConfigurationFile | undefined {
  const path = resolve(cwd, asked ?? DEFAULT_FILE)
  if (asked === undefined && !existsSync(path)) return undefined
  const name = asked ?? DEFAULT_FILE
  const { distributions, ...document } = parseYaml(name, readText(path, name))
  for (const key of leafKeys(document)) checkKey(key, name)
  const checked = reader(SCHEMA, name)(document)
  const values = new Map<SettingName, string>()
  for (const setting of NAMES) {
    const value = valueAt(checked, SETTINGS[setting].key)
    if (value !== undefined) values.set(setting, textOf(value))
  }
  return {
    ...{ name, folder: dirname(path), values },
    distributions: distributions === undefined ? undefined : readDistributions(name, distributions),
  }
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why =
      codeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${codeOf(error) ?? messageOf(error)})`
    throw usage('no-configuration', `The configuration file ${name} ${why}: give another with --config.`)
  }
}

/** A YAML or JSON document of keys and values; throws one sentence that names the line. */
export function parseYaml(name: string, text: string): Record<string, unknown> {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const first = document.errors[0]
  if (first) {
    const where = first.linePos ? ` at line ${first.linePos[0].line}` : ''
    const what = first.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'it cannot be read'
    throw usage('bad-configuration', `${name} is not YAML${where}: ${what}.`)
  }
  // An alias can stand for a thousand others; a file of settings needs very few.
  const value: unknown = document.toJS({ maxAliasCount: 10 })
  if (value === null || value === undefined) return {}
  if (!isRecord(value)) throw usage('bad-configuration', `${name} must be a list of "key: value" lines.`)
  return value
}

/** As `parseYaml` reads it again. */
export function renderYaml(value: object): string {
  // Without anchors, which a reader of settings has few of, and without folded lines.
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 })
}

function checkKey(key: string, name: string): void {
  const known = NAMES.map(setting => SETTINGS[setting].key)
  if (known.includes(key)) return
  const inside = known.find(each => each.startsWith(`${key}.`))
  if (inside !== undefined) {
    throw usage(
      'bad-configuration',
      `"${key}" in ${name} holds further keys, such as "${inside}": write them below it.`,
    )
  }
  const meant = closest(key, known)
  const hint =
    meant === undefined ? '"sluice config print" lists those that there are' : `did you mean "${meant}"?`
  throw usage('unknown-key', `${name} has an unknown key "${key}": ${hint}${meant === undefined ? '.' : ''}`)
}

/** `origins: {allow: […]}` is the key `origins.allow`. Lists and plain values are leaves. */
function leafKeys(record: Record<string, unknown>, before = ''): string[] {
  return Object.entries(record).flatMap(([key, value]) =>
    isRecord(value) && Object.keys(value).length > 0
      ? leafKeys(value, `${before}${key}.`)
      : [`${before}${key}`],
  )
}

function groupByKey(): Record<string, TSchema> {
  const groups = new Map<string, Record<string, TSchema>>()
  const properties: Record<string, TSchema> = {}
  for (const name of NAMES) {
    const [first = '', second] = SETTINGS[name].key.split('.')
    if (second === undefined) properties[first] = Type.Optional(SETTINGS[name].schema)
    else groups.set(first, { ...groups.get(first), [second]: Type.Optional(SETTINGS[name].schema) })
  }
  for (const [group, members] of groups) {
    properties[group] = Type.Optional(Type.Object(members, { additionalProperties: false }))
  }
  return properties
}

function valueAt(record: unknown, key: string): unknown {
  return key.split('.').reduce((value, part) => (isRecord(value) ? value[part] : undefined), record)
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOfOne).join(',') : String(value)
}

/** A pair of files is written as on the command line; everything else in a list is plain. */
function textOfOne(value: unknown): string {
  if (!isRecord(value)) return String(value)
  const named = typeof value['name'] === 'string' ? `${value['name']}=` : ''
  return `${named}${String(value['certificate'])}:${String(value['key'])}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function usage(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind: 'usage' })
}
