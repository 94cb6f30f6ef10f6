import { spawn, type ChildProcess } from 'node:child_process'
import { namespaceOf } from './network.ts'

/** What OBS leaves between two attempts is 2 s or more; this one bears half of it. */
const AGAIN_MS = 1000

/** An encoder that connects again whenever its connection dies: a small moving picture with a tone, keyframes each second. */
export class Broadcaster {
  readonly #url: string
  readonly #namespace: string
  #current: ChildProcess | undefined
  #stopped = false
  #over: Promise<void>

  constructor(machine: string, url: string) {
    this.#url = url
    this.#namespace = namespaceOf(machine)
    this.#over = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#current?.kill('SIGKILL')
    await this.#over
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#connection()
      if (!this.#stopped) await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
    }
  }

  #connection(): Promise<void> {
    const child = spawn(
      'ip',
      [
        ...['netns', 'exec', this.#namespace, 'ffmpeg', '-hide_banner', '-nostdin', '-v', 'quiet'],
        ...[
          '-re',
          '-f',
          'lavfi',
          '-i',
          'testsrc2=s=160x90:r=15',
          '-re',
          '-f',
          'lavfi',
          '-i',
          'sine=440:r=48000',
        ],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '15', '-threads', '1'],
        ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-flush_packets', '1', '-f', 'flv', this.#url],
      ],
      { stdio: 'ignore' },
    )
    this.#current = child
    return new Promise(resolve => child.once('close', () => resolve()))
  }
}
