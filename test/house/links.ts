import path from 'node:path'
import { lineAt, type Tree } from './tree.ts'

/** The anchor that a heading gets, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[`*_]|\[|\]\([^)]*\)/g, '')
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .replace(/\s/g, '-')
}

/** Code is no prose: links and headings in it do not count. Line breaks stay, so that lines keep their numbers. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, block => block.replace(/[^\n]/g, '')).replace(/`[^`\n]*`/g, '')
}

function anchors(text: string): Set<string> {
  const outside = text.replace(/^```[\s\S]*?^```$/gm, '')
  return new Set([...outside.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? '')))
}

/**
 * Links between our pages whose file or heading is not there. `exists` answers for what a tree of texts does not hold
 * (pictures, folders).
 */
export function brokenLinks(tree: Tree, exists: (file: string) => boolean): string[] {
  return [...tree].flatMap(([file, text]) => {
    if (!file.endsWith('.md')) return []
    return [...prose(text).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].flatMap(match => {
      const link = match[1] ?? ''
      if (/^[a-z][a-z+.-]*:/.test(link)) return []
      const [target = '', anchor] = link.split('#')
      const page = target === '' ? file : path.posix.join(path.posix.dirname(file), target)
      const where = `${file}:${lineAt(text, match.index)}`
      if (!tree.has(page) && !exists(page)) return [`${where}: ${link} leads nowhere`]
      if (anchor === undefined || anchors(tree.get(page) ?? '').has(anchor)) return []
      return [`${where}: ${page} has no heading #${anchor}`]
    })
  })
}
