import path from 'node:path'
import ts from 'typescript'
import { lineAt, sources, type Tree } from './tree.ts'

/** Past this a file usually lacks a noun. */
export const LONGEST_FILE = 350

const SAYS_NOTHING = /^(?:utils?|helpers?|common|misc|shared|stuff)$/

/** Files and folders whose name says nothing. */
export function emptyNames(tree: Tree): string[] {
  return [...tree.keys()]
    .filter(file => /^(?:src|test|bench|examples)\//.test(file))
    .filter(file => file.split('/').some(part => SAYS_NOTHING.test(part.replace(/\..*$/, ''))))
    .map(file => `${file}: name it after what is in it`)
}

/** Source files past 350 lines. */
export function longFiles(tree: Tree): string[] {
  return [...tree]
    .filter(([file]) => file.startsWith('src/') && /\.m?[jt]s$/.test(file))
    .map(([file, text]) => ({ file, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map(({ file, lines }) => `${file}: ${lines} lines, more than ${LONGEST_FILE}; which noun is missing?`)
}

/** Default exports in src, in any of their spellings. */
export function defaultExports(tree: Tree): string[] {
  return sources(tree).flatMap(([file, text]) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    return source.statements
      .filter(isDefaultExport)
      .map(node => `${file}:${lineAt(text, node.getStart(source))}: exports a default; give it a name`)
  })
}

function isDefaultExport(node: ts.Statement): boolean {
  if (ts.isExportAssignment(node)) return true
  if (
    ts.isExportDeclaration(node) &&
    node.exportClause !== undefined &&
    ts.isNamedExports(node.exportClause)
  ) {
    return node.exportClause.elements.some(element => element.name.text === 'default')
  }
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(modifier => modifier.kind === ts.SyntaxKind.DefaultKeyword) === true
  )
}

/** Put together so that this file does not hold what it looks for. */
const OPEN_ENDS = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`, 'g')

/** An absolute path into somebody's folders; not after a letter, dot or bracket, where it is part of a URL. */
const MACHINE_PATH = /(?<![\w.)}\]:*-])\/(?:home|Users|root|work)\/[\w.-]+/g

/** What only the writer can finish or reach: open ends, and paths of one machine. */
export function leftovers(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    if (path.basename(file) === 'package-lock.json') return []
    const at = (match: RegExpExecArray): string => `${file}:${lineAt(text, match.index)}`
    return [
      ...[...text.matchAll(OPEN_ENDS)].map(m => `${at(m)}: ${m[0]} is left open`),
      ...[...text.matchAll(MACHINE_PATH)].map(m => `${at(m)}: ${m[0]} exists on one machine only`),
    ]
  })
}
