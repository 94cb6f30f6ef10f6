import { readFileSync } from 'node:fs'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'

/**
 * A secret from the environment: `NAME`, or the contents of the file that `NAME_FILE` names (Docker and Kubernetes
 * mount secrets as files). Secrets never come from the command line, where every user of the machine can read them.
 */
export function readSecret(env: Record<string, string | undefined>, name: string): string | undefined {
  const value = env[name]
  const file = env[`${name}_FILE`]
  if (value && file) throw usage(`Both ${name} and ${name}_FILE are set: unset one of them.`)
  if (value) return value
  if (!file) return undefined
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (text !== '') return text
  } catch (error) {
    throw usage(
      `${name}_FILE names ${file}, which cannot be read (${codeOf(error) ?? messageOf(error)}): mend the path or its rights.`,
    )
  }
  throw usage(`${name}_FILE names ${file}, which is empty: write the secret into it.`)
}

function usage(sentence: string): SluiceError {
  return new SluiceError('bad-secret', sentence, { side: 'operator', kind: 'usage' })
}
