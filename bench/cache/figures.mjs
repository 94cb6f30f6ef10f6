// The figures of the cache's bench: told as they come, kept for JSON, and held against their floors.
import { report } from '../running.mjs'

const figures = []
const judged = []

/** One line: what, how much, and in what. */
export function tell(name, figure, unit) {
  figures.push({ name, figure, unit })
  report(name, figure, unit)
}

/** One with a floor; `goal` is what would be good. */
export function judge(name, figure, { floor, goal, is, unit = 'ratio of medians' }) {
  const reaches = limit => limit !== undefined && (is === 'at least' ? figure >= limit : figure <= limit)
  const verdict = reaches(goal) ? 'reaches the goal' : reaches(floor) ? 'holds' : 'MISSES THE FLOOR'
  judged.push({ name, figure, floor, goal, is, verdict })
  const round = limit => Number(limit.toPrecision(3))
  const limits = `${is} ${round(floor)}${goal === undefined ? '' : `, goal ${round(goal)}`}`
  tell(name, figure, `${unit}; ${limits}: ${verdict}`)
}

/** All that was told, and how many of the floors hold. */
export function summary() {
  const missed = judged.filter(({ verdict }) => verdict === 'MISSES THE FLOOR')
  return { figures, judged, missed, held: judged.length - missed.length }
}
