import { readFileSync } from 'node:fs'

const texts = new Map<string, string>()

/** The text of a part of the functions' environment. Parts are plain JavaScript: QuickJS reads them, and Node never. */
export function environmentOf(name: string): string {
  let text = texts.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`../environment/${name}.js`, import.meta.url), 'utf8')
    texts.set(name, text)
  }
  return text
}
