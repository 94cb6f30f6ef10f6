import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The texts of a source tree: path with `/` from its top → content. Rules take one, so that tests can make tiny ones. */
export type Tree = ReadonlyMap<string, string>

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.sluice', 'coverage'])
const BINARY = new Set(['.mp4', '.mov', '.mkv', '.png', '.jpg', '.ico', '.woff2', '.der', '.bin', '.gz'])

/** Everything in the checkout that somebody wrote. */
export function readTree(root: string = ROOT): Tree {
  const tree = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = path.posix.join(folder, entry.name)
      if (entry.isDirectory() && !isForeign(entry.name)) walk(name)
      else if (entry.isFile() && !BINARY.has(path.extname(entry.name))) {
        tree.set(name, readFileSync(path.join(root, name), 'utf8'))
      }
    }
  }
  walk('')
  return tree
}

/** A build in another process has its `dist.<pid>` beside ours, and it is gone a moment later. */
function isForeign(name: string): boolean {
  return NOT_OURS.has(name) || /^dist\.\d/.test(name)
}

/** A tree for a rule's own test. */
export function treeOf(files: Record<string, string>): Tree {
  return new Map(Object.entries(files))
}

/** The TypeScript files under `src/`. */
export function sources(tree: Tree): [file: string, text: string][] {
  return [...tree].filter(([file]) => file.startsWith('src/') && /\.m?ts$/.test(file))
}

/** The line of `index` in `text`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** The file of a tree, or a sentence why the rule cannot look at it. */
export function textOf(tree: Tree, file: string): string {
  const text = tree.get(file)
  if (text === undefined) throw new Error(`there is no ${file} to look at`)
  return text
}
