import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leaseJobs, type JobLeases, type LeasedJob } from '../../src/membership/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { ControlFixture, newIdentity, PACKAGED, until } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open({ lease: 1_500, sweep: 50 })
})

afterAll(() => control.end())

describe('leases', () => {
  it('are offered again when nothing is heard, and given up after three attempts', async () => {
    const publication = await control.upload('/lapsing')
    for (const attempt of [1, 2, 3]) {
      const lease = await control.lease(10)
      expect(lease).toMatchObject({ attempt, leaseSeconds: 1.5, job: { path: '/lapsing' } })
    }
    await until(
      'it is given up',
      async () => (await control.client.publication(publication.id)).state === 'errored',
    )
    expect((await control.client.publication(publication.id)).error).toEqual({
      code: 'gave-up',
      message: `3 attempts did not finish it; the last one ended so: the origin ${control.origin.id} stopped answering in the middle of the work`,
    })
    expect(await control.lease(0)).toBeUndefined()
  })

  it('fence: who lost one cannot speak for the next', async () => {
    await control.upload('/fenced')
    const first = await control.lease()
    const second = await control.lease(10)
    expect([first?.attempt, second?.attempt, second?.job.id]).toEqual([1, 2, first?.job.id])
    const finish = `/v1/node/jobs/${first?.job.id}/finish`
    expect((await control.post(control.origin, finish, { result: PACKAGED, attempt: 1 })).status).toBe(409)
    expect((await control.post(control.origin, finish, { result: PACKAGED, attempt: 2 })).status).toBe(200)
  })

  it('are for origins only, and for their holder', async () => {
    await control.upload('/held')
    expect((await control.post(control.edge, '/v1/node/jobs/lease', { wait: 0 })).status).toBe(403)
    expect((await control.post(newIdentity('origin'), '/v1/node/jobs/lease', { wait: 0 })).status).toBe(403)
    const lease = await control.lease()
    const finish = `/v1/node/jobs/${lease?.job.id}/finish`
    expect((await control.post(control.origin, finish, { result: { kind: 'removed' } })).status).toBe(400)
    expect((await control.post(control.origin, finish, { result: PACKAGED })).status).toBe(200)
    expect(
      (await control.post(control.origin, '/v1/node/jobs/no-uuid/finish', { result: PACKAGED })).status,
    ).toBe(400)
  })

  it('wake an origin that waits', async () => {
    const waiting = control.lease(10)
    await control.upload('/woken')
    expect((await waiting)?.job).toMatchObject({ path: '/woken' })
  })
})

describe('the worker’s side', () => {
  let leases: JobLeases | undefined

  async function working(
    work: (leased: LeasedJob) => ReturnType<Parameters<typeof leaseJobs>[0]['work']>,
  ): Promise<void> {
    await leases?.close()
    const { origin: identity, url: controlUrl } = control
    leases = leaseJobs({ controlUrl, identity, work, log: silentLogger, heartbeatMs: 100 })
  }

  afterAll(() => leases?.close())

  it('keeps its lease by heartbeats, tells progress, and hands in the result', async () => {
    let release = (): void => {}
    const held = new Promise<void>(resolve => (release = resolve))
    const attempts: number[] = []
    await working(async ({ job, attempt, report, confirm }) => {
      if (job.path !== '/beating') return PACKAGED_RESULT
      attempts.push(attempt)
      report({ stage: 'encoding', fraction: 0.25 })
      await held
      expect(await confirm()).toBe('held')
      return PACKAGED_RESULT
    })
    const publication = await control.upload('/beating')
    const seen = async () => (await control.client.publication(publication.id)).progress
    await until('progress is told', async () => (await seen())?.fraction === 0.25)
    const longer = Date.now() + 3_200
    await until('two lease times pass', () => Date.now() > longer)
    release()
    await until(
      'it is ready',
      async () => (await control.client.publication(publication.id)).state === 'ready',
    )
    expect(attempts).toEqual([1])
  })

  it('tries again what was thrown', async () => {
    const attempts: number[] = []
    await working(({ job, attempt }) => {
      if (job.path === '/thrown') attempts.push(attempt)
      if (attempt < 3) return Promise.reject(new Error('the disk was busy'))
      return Promise.resolve(PACKAGED_RESULT)
    })
    const publication = await control.upload('/thrown')
    await until(
      'it is ready',
      async () => (await control.client.publication(publication.id)).state === 'ready',
    )
    expect(attempts).toEqual([1, 2, 3])
  })

  it('is told to stop when the asset is unpublished, and then removes it', async () => {
    const kinds: string[] = []
    await working(async ({ job, signal }) => {
      kinds.push(job.kind)
      if (job.kind === 'remove') return { kind: 'removed' }
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      throw new Error('stopped')
    })
    const publication = await control.upload('/aborted')
    await until(
      'it runs',
      async () => (await control.client.publication(publication.id)).state === 'preparing',
    )
    await control.client.unpublish('/aborted')
    expect(kinds).toEqual(['package', 'remove'])
    await expect(control.client.asset('/aborted')).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('gives back what it holds when it closes', async () => {
    await working(async ({ signal }) => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      throw new Error('closing')
    })
    const publication = await control.upload('/closed')
    await until('it runs', () => leases?.running() === 1)
    await leases?.close()
    expect((await control.client.publication(publication.id)).state).toBe('queued')
  })
})

const PACKAGED_RESULT = { ...PACKAGED, renditions: [...PACKAGED.renditions] }
