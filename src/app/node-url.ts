import type { Listen } from '../core/index.ts'
import { reachOf } from './reach.ts'
import type { Configuration, Reading } from './settings.ts'

/** `https://10.0.0.7:9001`; nothing for what the port itself tells. */
export function readNodeUrl(text: string): Reading<string | undefined> {
  if (text === '') return { kind: 'ok', value: undefined }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url?.protocol === 'https:' && url.pathname === '/' && url.search === '' && url.hash === ''
  if (!url || !plain || url.username !== '' || url.password !== '')
    return { kind: 'bad', why: 'write a URL such as https://10.0.0.7:9001, without a path', hidden: true }
  return { kind: 'ok', value: url.origin }
}

/** Where other nodes reach what listens here; undefined where none can come. */
export function nodeUrlOf({ nodeUrl }: Pick<Configuration, 'nodeUrl'>, listen: Listen): string | undefined {
  return nodeUrl ?? reachOf(listen)?.url
}
