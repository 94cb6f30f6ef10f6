/** Why a document is not taken: a code of CloudFront's and a sentence that says how to mend it. */
export interface Refusal {
  code: string
  message: string
}

/**
 * What reading a document brought to light. A notice is about a setting that is kept and changes nothing, or does
 * something else than its name says; it never is about who may see what, which is refused where it cannot be had.
 */
export class Findings {
  readonly notices: string[] = []
  readonly refusals: Refusal[] = []

  notice(setting: string, text: string): void {
    const told = `${setting}: ${text}`
    if (!this.notices.includes(told)) this.notices.push(told)
  }

  refuse(setting: string, text: string, code = 'InvalidArgument'): void {
    this.refusals.push({ code, message: `${setting}: ${text}` })
  }

  /** The value that a word stands for; a word that there is not is refused. */
  oneOf<T>(setting: string, word: string, known: Readonly<Record<string, T>>, otherwise: T): T {
    const meant = Object.hasOwn(known, word) ? known[word] : undefined
    if (meant !== undefined) return meant
    this.refuse(setting, `"${word.slice(0, 80)}" is none of ${Object.keys(known).join(', ')}`)
    return otherwise
  }

  within(setting: string, value: number, [least, most]: readonly [number, number]): number {
    if (Number.isInteger(value) && value >= least && value <= most) return value
    this.refuse(setting, `${value} is not between ${least} and ${most}`)
    return least
  }
}
