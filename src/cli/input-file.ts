import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseYaml } from '../app/index.ts'
import { codeOf, messageOf, MiB, SluiceError, type Bytes } from '../core/index.ts'
import type { Context } from './command.ts'
import { usage } from './usage.ts'

/** What control takes of most things. */
const LARGEST: Bytes = 1 * MiB

/** What a file of keys and values holds, JSON by its name or YAML; control says whether it is right. */
export function readInputFile(
  context: Context,
  file: string,
  largest: Bytes = LARGEST,
): Record<string, unknown> {
  const text = readTextFile(context, file, largest)
  if (!file.toLowerCase().endsWith('.json')) return parseYaml(file, text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own words repeat a piece of the text, and secrets may stand in it.
    throw usage('bad-file', `${file} is not JSON: mend it, or name it .yaml when it is YAML.`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw usage('bad-file', `${file} must hold one JSON object.`)
}

/** A file as it is. */
export function readTextFile({ terminal }: Context, asGiven: string, largest: Bytes): string {
  const path = resolve(terminal.cwd, asGiven)
  try {
    if (statSync(path).size > largest)
      throw usage('bad-file', `${asGiven} is larger than ${largest / MiB} MiB: is it the right file?`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof SluiceError) throw error
    if (codeOf(error) === 'ENOENT') {
      throw new SluiceError('no-file', `${asGiven} does not exist.`, { side: 'operator', kind: 'not-found' })
    }
    throw usage(
      'unreadable',
      `${asGiven} cannot be read (${codeOf(error) ?? messageOf(error)}): mend its rights.`,
    )
  }
}
