import { tell, type StoryReport } from './tier-fault-story.ts'

/** With this only one story is told: the one with this seed. */
const REPEATED = process.env['SLUICE_TIER_SEED']

/** All reports; ends with the first batch that has a fault. */
export async function tellMany(
  count: number,
  { from, atOnce }: { from: number; atOnce: number },
): Promise<StoryReport[]> {
  const seeds =
    REPEATED === undefined ? Array.from({ length: count }, (_, at) => from + at) : [Number(REPEATED)]
  const reports: StoryReport[] = []
  let at = 0
  let broken = 0
  const teller = async (): Promise<void> => {
    for (let seed = seeds[at++]; seed !== undefined && broken === 0; seed = seeds[at++]) {
      const report = await tell(seed)
      reports.push(report)
      broken += report.faults.length
    }
  }
  await Promise.all(Array.from({ length: atOnce }, teller))
  return reports
}

/** The sum of what stories tell, for who looks at a run. */
export function summed(
  reports: readonly StoryReport[],
): Omit<StoryReport, 'seed' | 'faults'> & { stories: number } {
  const sum = (count: (report: StoryReport) => number): number =>
    reports.reduce((total, report) => total + count(report), 0)
  return {
    stories: reports.length,
    whole: sum(({ whole }) => whole),
    cut: sum(({ cut }) => cut),
    refused: sum(({ refused }) => refused),
    hits: sum(({ hits }) => hits),
    invalidations: sum(({ invalidations }) => invalidations),
    kills: sum(({ kills }) => kills),
    cuts: sum(({ cuts }) => cuts),
    longestMs: Math.max(0, ...reports.map(({ longestMs }) => longestMs)),
  }
}

/** What to show of faults: the story's seed repeats it. */
export function faultsOf(reports: readonly StoryReport[]): string[] {
  return reports.flatMap(({ seed, faults }) => faults.map(fault => `SLUICE_TIER_SEED=${seed}: ${fault}`))
}
