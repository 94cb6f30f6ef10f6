import type { Bytes } from '../core/index.ts'
import { refuse } from './refusal.ts'

/** About 28 hours of picture at 50 Hz with sound; 25 bytes of memory a sample bound a movie at 200 MB. */
const MOST_SAMPLES = 8_000_000
const DAY_SECONDS = 86_400
export const LONGEST_SECONDS = 7 * DAY_SECONDS

/**
 * What all tracks of a movie may use together. Samples of a plain file do not share bytes, so all of them together
 * never exceed the file; that bounds what a small file can claim before anything is allocated.
 */
export class Limits {
  readonly fileSize: Bytes
  private samplesLeft = MOST_SAMPLES
  private bytesLeft: Bytes

  constructor(fileSize: Bytes) {
    this.fileSize = fileSize
    this.bytesLeft = fileSize
  }

  takeSamples(count: number): void {
    this.samplesLeft -= count
    if (this.samplesLeft < 0) refuse('too-large', `The movie has more than ${MOST_SAMPLES} samples.`)
  }

  takeBytes(count: Bytes): void {
    this.bytesLeft -= count
    if (this.bytesLeft < 0) {
      refuse('truncated', 'The movie states more picture and sound than the file holds.')
    }
  }

  checkDuration(ticks: number, timescale: number): void {
    if (ticks / timescale > LONGEST_SECONDS) {
      refuse('too-large', `The movie is longer than ${LONGEST_SECONDS / DAY_SECONDS} days.`)
    }
  }
}
