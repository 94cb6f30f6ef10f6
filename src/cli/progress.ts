import { Presets, SingleBar } from 'cli-progress'
import { formatBytes, type Bytes } from '../core/index.ts'
import type { Output } from './output.ts'

/** Shows how far a publication is: a bar where a person looks, now and then a line elsewhere. */
export interface ProgressView {
  /** What is going on now, and how much of it is done, 0 to 1. */
  show(stage: string, fraction: number, detail?: string): void
  close(): void
}

/** The door to cli-progress. */
export function progressView(output: Output): ProgressView {
  return output.drawsProgress ? bar() : lines(output)
}

function bar(): ProgressView {
  const single = new SingleBar(
    {
      format: '{stage} {bar} {percentage} % {detail}',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  )
  let started = false
  return {
    show(stage, fraction, detail = '') {
      const payload = { stage: stage.padEnd(9), detail }
      if (started) single.update(fraction, payload)
      else single.start(1, fraction, payload)
      started = true
    },
    close() {
      if (started) single.stop()
    },
  }
}

/** One line at the start of a stage and at each quarter of it. */
function lines(output: Output): ProgressView {
  let last = ''
  return {
    show(stage, fraction, detail = '') {
      const line = `${stage} ${Math.floor(fraction * 4) * 25} %`
      if (line === last) return
      last = line
      output.say(detail === '' ? line : `${line} (${detail})`)
    },
    close() {},
  }
}

/** `1.5 GiB of 3 GiB`. */
export function amount(sent: Bytes, total: Bytes): string {
  return `${formatBytes(sent)} of ${formatBytes(total)}`
}
