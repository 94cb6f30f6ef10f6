import ts from 'typescript'

/** One mention of another module in a file. */
export interface Import {
  specifier: string
  /** `resolve`: the file of a package is asked for by name (`import.meta.resolve`), which ties to it just the same. */
  kind: 'import' | 'type' | 'export' | 'dynamic' | 'resolve'
  line: number
}

/** Every module that a file names, by a parse of it: text in comments and strings does not count. */
export function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const add = (node: ts.Node, specifier: ts.Node | undefined, kind: Import['kind']): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
    found.push({ specifier: specifier.text, kind, line })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeImport(node) ? 'type' : 'import')
    else if (ts.isExportDeclaration(node))
      add(node, node.moduleSpecifier, node.isTypeOnly ? 'type' : 'export')
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, 'import')
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, 'type')
    } else if (ts.isCallExpression(node)) {
      const kind = callKind(node, source)
      if (kind !== undefined) add(node, node.arguments[0], kind)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const named = clause.namedBindings
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every(element => element.isTypeOnly)
  )
}

/** What a call does with a module's name; undefined when it is an ordinary call. */
function callKind(node: ts.CallExpression, source: ts.SourceFile): Import['kind'] | undefined {
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'dynamic'
  const callee = node.expression.getText(source)
  if (callee === 'require') return 'dynamic'
  return /^(?:import\.meta|require|createRequire\(import\.meta\.url\))\.resolve$/.test(callee)
    ? 'resolve'
    : undefined
}
