import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { openPorts } from './ports.ts'
import { systemClock, type RunningRole } from '../../src/core/index.ts'
import type { Channel, Snapshot } from '../../src/distribution/index.ts'
import { startGateway, type GatewayLimits } from '../../src/gateway/index.ts'
import { loadOrCreateIdentity, type NodeIdentity } from '../../src/membership/index.ts'
import { freshFolder } from '../app/folder.ts'
import { FakeControl, type Said } from '../membership/fake-control.ts'
import { FakeOrigin } from './fake-origin.ts'
import { site } from './site.ts'

/** A control that hands out snapshots by long poll. */
export class Snapshots {
  readonly control: FakeControl
  #snapshot: Snapshot | undefined
  #changed: () => void = () => {}

  private constructor(control: FakeControl) {
    this.control = control
    control.answer = heard => this.#answer(heard.headers['if-none-match'])
  }

  static async start(): Promise<Snapshots> {
    return new Snapshots(await FakeControl.start())
  }

  give(channels: Channel[], over: Partial<Snapshot> = {}): void {
    this.#snapshot = site((this.#snapshot?.version ?? 0) + 1, channels, over)
    this.#changed()
  }

  async #answer(known: string | undefined): Promise<Said> {
    while (!this.#snapshot || known === `"${this.#snapshot.version}"`) {
      await new Promise<void>(resolve => (this.#changed = resolve))
    }
    return { status: 200, body: this.#snapshot, headers: { 'sluice-epoch': 'e1' } }
  }
}

export interface Running {
  role: RunningRole
  origin: FakeOrigin
  snapshots: Snapshots
  identity: NodeIdentity
  rtmp: string
  rtmps: string
  /** Ends it and starts another on the same data. */
  restart(): Promise<RunningRole>
}

/** A whole gateway: real sockets for encoders, the control and the origin beside it are fakes. */
export async function runGateway(
  channels: Channel[] | 'none',
  limits: Partial<GatewayLimits> = {},
): Promise<Running> {
  const folder = freshFolder()
  const [origin, snapshots, ports] = await Promise.all([FakeOrigin.start(), Snapshots.start(), openPorts(2)])
  const controlUrl = snapshots.control.url
  const identity = await loadOrCreateIdentity(join(folder, 'gateway.json'), 'gateway')
  const files = certificateFiles(folder)
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  if (channels !== 'none') snapshots.give(channels)
  const listen = (port: number | undefined): { host: string; port: number } => ({
    host: '127.0.0.1',
    port: port ?? 0,
  })
  const start = (): Promise<RunningRole> =>
    startGateway({
      rtmp: listen(ports[0]),
      rtmps: { listen: listen(ports[1]), certificateFile: files.certificate, keyFile: files.key },
      originUrl: origin.url,
      ...{ controlUrl, identity, limits },
      stateDir: join(folder, 'state'),
      trustedProxies: [],
      logLevel: 'silent',
    })
  const running: Running = {
    ...{ origin, snapshots, identity },
    role: await start(),
    rtmp: `rtmp://127.0.0.1:${ports[0]}`,
    rtmps: `rtmps://127.0.0.1:${ports[1]}`,
    restart: async () => {
      await running.role.close()
      running.role = await start()
      return running.role
    },
  }
  onTestFinished(async () => {
    await running.role.close()
    await origin.stop()
    await snapshots.control.close()
  })
  return running
}

/** A real encoder, at its picture's pace. */
export interface Encoder {
  process: ChildProcess
  /** Its exit code and what it said. */
  ended: Promise<{ code: number | null; said: string }>
}

/** `-re` lets it send no faster than time passes. */
export function encode(seconds: number, output: string[], pace: string[] = ['-re']): Encoder {
  const child = spawn('ffmpeg', [
    ...['-hide_banner', '-nostdin', '-v', 'error', ...pace],
    ...['-f', 'lavfi', '-i', `testsrc2=s=160x90:r=25:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=440:d=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ...['-f', 'flv', ...output],
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said })) // as Node tells it
  return { process: child, ended }
}
