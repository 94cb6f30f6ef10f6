import { COMMANDS } from '../../src/cli/commands.ts'
import { notYet } from '../../src/cli/not-yet.ts'

/** A command line of ours as a page or a unit writes it. */
export interface Written {
  line: number
  words: string[]
}

/** What stands behind `sluice` in code of a page, in blocks and between backticks. */
export function writtenIn(page: string): Written[] {
  let block: 'in' | 'out' = 'out'
  return page.split('\n').flatMap((text, at) => {
    if (text.startsWith('```')) {
      block = block === 'in' ? 'out' : 'in'
      return []
    }
    const code =
      block === 'in'
        ? [text.replace(/(?:^|\s)#.*/, '')]
        : [...text.matchAll(/`([^`]+)`/g)].map(([, each]) => each ?? '')
    const found = code.flatMap(each => [
      ...each.matchAll(/(?<!-[gu] )(?<![\w/@.=-])sluice ((?:(?!&&|\|\||[|;)]).)+)/g),
    ])
    return found.map(([, rest = '']) => ({ line: at + 1, words: rest.trim().split(/\s+/) }))
  })
}

/** Why this is no command line of ours; undefined when it is one. */
export function fault({ line, words }: Written): string | undefined {
  // Of what is still to come nothing more is known.
  if (words[0] === 'help' || notYet(words) !== undefined) return undefined
  const command = COMMANDS.filter(each => each.words.split(' ').every((word, at) => words[at] === word)).sort(
    (one, other) => other.words.length - one.words.length,
  )[0]
  const said = `line ${line}: sluice ${words.join(' ')}`
  if (command === undefined) return `${said}: there is no such command`
  const known = [
    '--json',
    '--help',
    ...(command.options ?? []).map(({ flags }) => flags.split(/[ ,]/)[0] ?? ''),
  ]
  const strange = words.find(word => word.startsWith('--') && !known.includes(word.split('=')[0] ?? ''))
  return strange === undefined ? undefined : `${said}: it has no ${strange}`
}
