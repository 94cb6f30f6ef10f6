import { expect, test } from 'vitest'
import { readTree, treeOf, type Tree } from './tree.ts'

/** Rooms whose code runs in no role: the supervisor before its roles start, and the commands of a person. */
const OF_PERSONS = new Set(['app', 'cli', 'signing'])
/** The folder of private keys by the names that it has, and what makes a signer of a private key. */
const KEYS =
  /\bdata\.keys\b|folder\.keys\b|['"`]keys['"`]\s*\)|keys\/[^'"`\s]*\.pem|\bcreateSigner\b|\bcreatePrivateKey\b/
/** What of `app/` a role's process runs. */
const OF_ROLES = /^src\/app\/(?:role-main|role-process|roles|child|messages|lock|memory)\.ts$/

/** Sources that a role runs and that name the keys folder or could sign with what lies there. */
function readers(tree: Tree): string[] {
  return [...tree]
    .filter(([file]) => {
      const room = /^src\/([^/]+)\//.exec(file)?.[1]
      return room !== undefined && (!OF_PERSONS.has(room) || OF_ROLES.test(file))
    })
    .filter(([, text]) => KEYS.test(text))
    .map(([file]) => file)
}

test('no code of a role names the folder of private keys, or makes a signer', () => {
  expect(readers(readTree())).toEqual([])
})

test.each([
  "const folder = path.join(root, 'keys')",
  'readFileSync(`${root}/keys/${id}.pem`)',
  'options.data.keys',
  "import { createSigner } from '../signing/index.ts'",
])('the rule sees %j in a role, and leaves it to persons', text => {
  const files = {
    'src/delivery/a.ts': text,
    'src/cli/a.ts': text,
    'src/app/roles.ts': text,
    'src/app/up.ts': text,
  }
  expect(readers(treeOf(files))).toEqual(['src/delivery/a.ts', 'src/app/roles.ts'])
})
