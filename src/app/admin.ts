import { fastify, type FastifyInstance } from 'fastify'
import { type Listen } from '../core/index.ts'
import { createMetrics } from '../telemetry/index.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { SUPERVISOR_METRICS } from './metric-names.ts'
import { missing, notesOf } from './readiness.ts'
import type { RoleState } from './supervisor.ts'

/** What the admin port tells of. */
export interface AdminSource {
  states(): Promise<RoleState[]>
  metrics(): Promise<string[]>
  /** Things that the whole start still waits for, in words; empty when it is done. */
  waitingFor(): string[]
}

/** The admin port of a machine: alive, ready, metrics. */
export class Admin {
  #server: FastifyInstance
  #listen: Required<Listen>

  constructor(listen: Required<Listen>, source: AdminSource) {
    this.#listen = listen
    this.#server = fastify({ logger: false, forceCloseConnections: true, requestTimeout: 10_000 })
    this.#server.get('/livez', () => ({ status: 'alive' }))
    this.#server.get('/readyz', async (_request, reply) => {
      const states = await source.states()
      const waitingFor = missing(states, source.waitingFor())
      if (waitingFor.length > 0) return reply.code(503).send({ status: 'not-ready', waitingFor })
      const draining = states.flatMap(({ role, health }) => (health.kind === 'draining' ? [role] : []))
      const notes = notesOf(states)
      const said = notes.length > 0 ? { notes } : {}
      if (draining.length > 0) return reply.code(503).send({ status: 'draining', draining, ...said })
      return { status: 'ready', ...said }
    })
    const own = createMetrics('supervisor')
    let states: RoleState[] = []
    own.collected(SUPERVISOR_METRICS.restarts, () =>
      states.map(state => [{ role: state.role }, state.restarts]),
    )
    this.#server.get('/metrics', async (_request, reply) => {
      states = await source.states()
      const text = mergeMetrics([await own.text(), ...(await source.metrics())])
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
    })
  }

  async start(): Promise<void> {
    await this.#server.listen(this.#listen)
  }

  async close(): Promise<void> {
    await this.#server.close()
  }
}
