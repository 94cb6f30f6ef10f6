import { LeasesAnswer, type LeasesRequest } from '../client/index.ts'
import { messageOf, pause, reader, SluiceError, type Clock, type Milliseconds } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { controlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { nodeTokenSource } from './token-source.ts'

export interface KeepLeasesOptions extends ControlPlace {
  identity: NodeIdentity
  /** Whether there is another origin that could take a channel; with one alone nothing is said. */
  isNeeded(): boolean
  /** The channels of which it has a broadcast. */
  read(): LeasesRequest['channels']
  /** Those of them that are another origin's now: to be dropped at once. */
  lost(lost: LeasesAnswer['lost']): void
  clock: Clock
  log: Logger
  /** For tests. */
  everyMs?: Milliseconds
}

export interface Leases {
  /** Says good-bye, so that others take over at once; waits for that a moment. */
  close(): Promise<void>
}

const readAnswer = reader(LeasesAnswer, 'the answer of control')

const EVERY: Milliseconds = 1_000
/** A lease is three seconds: a control that takes longer is as good as away, and the next one is asked. */
const PATIENCE: Milliseconds = 1_500

/** Tells control each second that this origin lives. While control is away it keeps what it has (SEAMS 28). */
export function keepLeases(options: KeepLeasesOptions): Leases {
  const { identity, clock, log, everyMs = EVERY } = options
  const ask = controlLink(options, nodeTokenSource(identity, 'control', clock))
  const closing = new AbortController()
  let said: 'nothing' | 'lives' = 'nothing'
  const say = async (body: LeasesRequest, signal: AbortSignal): Promise<void> => {
    const answer = await ask({ method: 'POST', path: '/v1/node/leases', body, signal, within: PATIENCE })
    if (answer.status !== 200)
      throw new SluiceError('leases-refused', `control answered ${answer.status} to a heartbeat`)
    const { lost } = readAnswer(answer.body)
    if (lost.length > 0) options.lost(lost)
  }
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        if (options.isNeeded()) {
          await say({ channels: options.read() }, closing.signal)
          said = 'lives'
        }
      } catch (error) {
        if (!closing.signal.aborted) log.debug({ error: messageOf(error) }, 'heartbeat not taken')
      }
      await pause(everyMs, closing.signal)
    }
  }
  const running = run()
  return {
    async close() {
      closing.abort()
      await running
      if (said === 'nothing' || !options.isNeeded()) return
      // Else the leases lapse by themselves.
      await say({ channels: [], leaving: true }, AbortSignal.timeout(PATIENCE)).catch(() => {})
    },
  }
}
