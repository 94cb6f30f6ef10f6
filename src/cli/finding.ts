import type { Output } from './output.ts'
import { printable } from './printable.ts'

/** One thing that was looked at; `mend` is a sentence unless all is well. */
export interface Finding {
  name: string
  state: 'good' | 'warning' | 'problem'
  found: string
  mend?: string
}

const MARK = { good: 'ok     ', warning: 'warning', problem: 'PROBLEM' }

/** Prints findings and gives the exit code: 1 when there is a problem. */
export function tellFindings(output: Output, findings: readonly Finding[]): number {
  const sick = findings.some(finding => finding.state === 'problem')
  const lines = findings.flatMap(({ name, state, found, mend }) => [
    `${MARK[state]} ${name}: ${found}`,
    ...(mend === undefined ? [] : [`        ${mend}`]),
  ])
  output.result({ ok: !sick, checks: findings }, printable(lines.join('\n')))
  return sick ? 1 : 0
}

export function good(name: string, found: string): Finding {
  return { name, state: 'good', found }
}

export function warning(name: string, found: string, mend: string): Finding {
  return { name, state: 'warning', found, mend }
}

export function problem(name: string, found: string, mend: string): Finding {
  return { name, state: 'problem', found, mend }
}
