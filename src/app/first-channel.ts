import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlClient } from '../client/index.ts'
import { after, SluiceError, type Instant, type KeyId, type Milliseconds } from '../core/index.ts'
import { createSigner, signPublish } from '../signing/index.ts'

/** The channel that a first start makes, for trying; the names of real ones are left to people. */
export const FIRST_CHANNEL = '/live/hello'

/** As `sluice live sign` does unless it is told another. */
const GRANT_LIFE: Milliseconds = 12 * 3_600_000
/** Nodes that take longer hear of the channel all the same. */
const NODES_WITHIN_SECONDS = 5

/** What is pasted into an encoder to publish to the first channel. */
export interface FirstChannel {
  path: string
  server: string
  /** Lets whoever has it publish; for the person at the terminal, never for a log. */
  streamKey: string
  expires: Instant
}

/** Makes the channel unless it is there, and waits for the nodes to know it. Gives its id. */
export async function createFirstChannel(client: ControlClient, signal: AbortSignal): Promise<string> {
  try {
    const { channel, snapshotVersion } = await client.createChannel({ path: FIRST_CHANNEL })
    await client.acknowledged(snapshotVersion, { waitSeconds: NODES_WITHIN_SECONDS, signal })
    return channel.id
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'exists')
      return (await client.channel(FIRST_CHANNEL)).id
    throw error
  }
}

/** Whether the channel that was made then is still there, rather than another of its name. */
export async function isFirstChannel(client: ControlClient, id: string): Promise<boolean> {
  try {
    return (await client.channel(FIRST_CHANNEL)).id === id
  } catch (error) {
    if (error instanceof SluiceError && error.kind === 'not-found') return false
    throw error
  }
}

/** Signs for the first channel with the key of this data folder; throws when that key is no longer there. */
export function signFirstChannel(keys: string, id: KeyId, authority: string, now: Instant): FirstChannel {
  const signer = createSigner(readFileSync(join(keys, `${id}.pem`), 'utf8'), id)
  const { server, streamKey, expires } = signPublish(signer, authority, FIRST_CHANNEL, {
    expires: after(now, GRANT_LIFE),
  })
  return { path: FIRST_CHANNEL, server, streamKey, expires }
}
