import type { Acknowledgements } from '../client/index.ts'
import { messageOf, type Seconds } from '../core/index.ts'
import type { Context } from './command.ts'
import type { Server } from './server.ts'

/** A change is waited for so long, then the nodes that lack it are named (SEAMS 29). */
const PATIENCE: Seconds = 5

/** Waits until every live node has a change, unless --no-wait; warns with the names of those that do not. */
export async function awaitNodes(
  context: Context,
  server: Server,
  snapshotVersion: number,
): Promise<Acknowledgements | undefined> {
  if (context.options['wait'] === false) return undefined
  try {
    const result = await server.client.acknowledged(snapshotVersion, { waitSeconds: PATIENCE })
    if (result.missing.length > 0) {
      context.output.warn(
        `it is done, but ${result.missing.join(', ')} did not take it within ${PATIENCE} s; "sluice nodes" shows when they have.`,
      )
    }
    return result
  } catch (error) {
    context.output.warn(`it is done, but whether the nodes have it is not known: ${messageOf(error)}`)
    return undefined
  }
}
