import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ControlClient, type ChannelEvent } from '../../src/client/index.ts'
import { after, systemClock } from '../../src/core/index.ts'
import { createSigner, signPublish, type SignedPublish, type Signer } from '../../src/signing/index.ts'
import type { Sluice } from './sluice.ts'

/** What a test of live needs of a running Sluice, without a command's start for each step. */
export interface LiveSite {
  client: ControlClient
  /** Signs with the key that `up` made for itself. */
  signer: Signer
  rtmp: { host: string; port: number }
  rtmps: { host: string; port: number }
  /** Makes channels and waits until every node knows them. */
  channels(...paths: string[]): Promise<void>
  /** What to publish to a channel with, for so many seconds. */
  sign(path: string, options?: { by?: Signer; seconds?: number }): SignedPublish
  playlist(path: string): string
  /** Kinds of the events of a path, in order, since this was made. */
  events(path: string): string[]
  /** Every node has the change. */
  settled(version: number): Promise<void>
  close(): void
}

export function liveSite(sluice: Sluice): LiveSite {
  const { ready, data } = sluice
  const { token } = JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8')) as { token: string } // as `up` writes it
  const client = new ControlClient({ url: ready.control, token })
  const signer = ownSigner(path.join(data, 'keys'))
  const heard: ChannelEvent[] = []
  const left = new AbortController()
  void (async () => {
    for await (const event of client.events(left.signal)) heard.push(event)
  })()
  const settled = async (version: number): Promise<void> => {
    const { missing } = await client.acknowledged(version, { waitSeconds: 10 })
    if (missing.length > 0) throw new Error(`${missing.join(', ')} did not take version ${version}`)
  }
  return {
    client,
    signer,
    rtmp: addressOf(ready.rtmp),
    rtmps: addressOf(ready.rtmps),
    async channels(...paths) {
      let newest = 0
      for (const each of paths) newest = (await client.createChannel({ path: each })).snapshotVersion
      await settled(newest)
    },
    sign(at, { by = signer, seconds = 600 } = {}) {
      const authority = new URL(ready.rtmp ?? '').host
      return signPublish(by, authority, at, { expires: after(systemClock.now(), seconds * 1000) })
    },
    playlist: at => `${ready.http}${at}/index.m3u8`,
    events: at => heard.filter(event => event.path === at).map(event => event.kind),
    settled,
    close: () => left.abort(),
  }
}

function addressOf(url: string | null): { host: string; port: number } {
  const { hostname, port } = new URL(url ?? '')
  return { host: hostname, port: Number(port) }
}

function ownSigner(folder: string): Signer {
  const file = readdirSync(folder).find(name => name.endsWith('.pem')) ?? ''
  return createSigner(readFileSync(path.join(folder, file), 'utf8'), path.basename(file, '.pem'))
}
