import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../membership/fake-control.ts'
import { WorkersBench } from '../delivery/workers-bench.ts'
import { bytesOf, connectionsTo, getWhole, isAlive, Site } from '../delivery/workers-crowd.ts'

let bench: WorkersBench | undefined

afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function start(workers: number, site: Site): Promise<WorkersBench> {
  bench = await WorkersBench.start({
    ...{ workers, origin: site.answer, memoryCacheBytes: 96 * 1024 * 1024 },
    behaviours: [{ pattern: '*', query: 'all' }],
  })
  return bench
}

describe.each([1, 2, 4])('an edge of %i workers', workers => {
  test('asks once for each of 300 objects of which 20 viewers at each worker ask', async () => {
    const site = new Site()
    const edge = await start(workers, site)
    const paths = Array.from({ length: 300 }, (_, n) => `/object-${n}?size=${1_000 + n * 400}`)
    const agents = await connectionsTo(`${edge.http}/hello`, workers, 20)
    const served = await Promise.all(
      agents.map(async (agent, own) => {
        const right: boolean[] = []
        for (let n = 0; n < paths.length; n++) {
          const at = paths[(n + own * 7) % paths.length] ?? ''
          const size = Number(/size=(\d+)/.exec(at)?.[1])
          const { body } = await getWhole(`${edge.http}${at}`, { agent })
          right.push(body.equals(bytesOf(`${at.split('?')[0]} 1`, size)))
        }
        agent.destroy()
        return right.every(each => each)
      }),
    )
    expect(served.every(each => each)).toBe(true)
    const asked = new Map<string, number>()
    for (const at of edge.asked) asked.set(at, (asked.get(at) ?? 0) + 1)
    expect(paths.filter(at => asked.get(at) !== 1)).toEqual([])
  }, 120_000)
})

describe.each([2, 4])('an edge of %i workers of which one after the other is killed', workers => {
  test('never sends a wrong byte, never refuses a connection, and is whole again', async () => {
    const site = new Site()
    const edge = await start(workers, site)
    const seen = { whole: 0, broken: 0, wrong: [] as string[], refused: 0 }
    let over = false
    const reader = async (own: number): Promise<void> => {
      for (let n = own; !over; n += 13) {
        const [size, name] = [20_000 + (n % 40) * 60_000, `/film-${n % 200}`]
        try {
          const { status, body } = await getWhole(`${edge.http}${name}?size=${size}`)
          seen.whole++
          if (status !== 200 || !body.equals(bytesOf(`${name} 1`, size))) seen.wrong.push(`${name} ${status}`)
        } catch (error) {
          seen.broken++
          if (String(error).includes('ECONNREFUSED')) seen.refused++
        }
      }
    }
    const readers = Array.from({ length: 16 }, (_, own) => reader(own))
    const kills = 12
    for (let n = 0; n < kills; n++) {
      const before = seen.whole
      await until('viewers are served', () => seen.whole > before + 30)
      const pids = edge.pids()
      const victim = pids[n % pids.length] ?? 0
      process.kill(victim, 'SIGKILL')
      await until('it is gone', () => !isAlive(victim))
      await until('another took its place', () => edge.pids().length === workers, 30_000)
      await connectionsTo(`${edge.http}/hello`, workers, 1).then(agents =>
        agents.forEach(each => each.destroy()),
      )
    }
    over = true
    await Promise.all(readers)
    expect([seen.wrong, seen.refused]).toEqual([[], 0])
    // Those of the dead ones, at most all that were under way.
    expect(seen.broken).toBeLessThanOrEqual(kills * readers.length)
    expect(await edge.metric('sluice_edge_worker_restarts_total')).toBe(kills)
  }, 400_000)
})

test('workers end with the process that supervises their manager', async () => {
  const edge = await start(2, new Site())
  const pids = [edge.pid, ...edge.pids()]
  edge.letGo()
  await until('all have ended', () => !pids.some(isAlive))
})

test('workers do not outlive a manager that is killed', async () => {
  const edge = await start(2, new Site())
  const pids = edge.pids()
  process.kill(edge.pid, 'SIGKILL')
  await until('all have ended', () => !pids.some(isAlive))
})
