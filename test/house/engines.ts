/** `[major, minor, patch]`. */
type Version = readonly [number, number, number]

interface Comparator {
  operator: string
  version: Version
  /** How many parts were written: `>=20` has one. */
  parts: number
}

function read(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number)
  return [major, minor, patch]
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

/** The smallest version that `^` or `~` or a bare, partial version no longer takes in. */
function ceiling({ operator, version: [major, minor, patch], parts }: Comparator): Version {
  if (operator === '^' && (major > 0 || parts === 1)) return [major + 1, 0, 0]
  if (operator === '^' && (minor > 0 || parts === 2)) return [0, minor + 1, 0]
  if (operator === '^') return [0, 0, patch + 1]
  if (parts === 1) return [major + 1, 0, 0]
  return operator === '~' || parts === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1]
}

function holds(comparator: Comparator, node: Version): boolean {
  const { operator, version } = comparator
  const above = ceiling({ ...comparator, operator: '' })
  switch (operator) {
    case '>=':
      return compare(node, version) >= 0
    case '>':
      return compare(node, above) >= 0
    case '<':
      return compare(node, version) < 0
    case '<=':
      return compare(node, above) < 0
    default:
      return compare(node, version) >= 0 && compare(node, ceiling(comparator)) < 0
  }
}

/** Whether a range of `engines.node` takes in a version: npm's grammar as far as published packages use it. */
export function takesIn(range: string, node: string): boolean {
  return range.split('||').some(alternative => {
    const spaced = alternative.replace(/(\S+)\s+-\s+(\S+)/g, '>=$1 <=$2').replace(/([<>=~^])\s+/g, '$1')
    const words = spaced.split(/[\s,]+/).filter(word => word !== '' && word !== '*' && word !== 'x')
    return words.every(word => {
      const match = /^(>=|<=|>|<|=|~>?|\^)?v?(\d+(?:\.\d+)*)(?:\.[x*])*$/.exec(word)
      if (match === null) return false
      const [, operator = '', digits = ''] = match
      const short = operator === '=' ? '' : operator.replace('~>', '~')
      return holds({ operator: short, version: read(digits), parts: digits.split('.').length }, read(node))
    })
  })
}
