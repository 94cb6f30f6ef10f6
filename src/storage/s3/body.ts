import { Readable, Transform } from 'node:stream'
import type { Bytes, Milliseconds } from '../../core/index.ts'
import type { S3Options } from '../contract.ts'
import type { Alive } from './bucket.ts'
import { away, wrongBytes } from './failure.ts'

/** What the SDK calls a body; in Node it is a Readable. */
export type AnswerBody = { Body?: unknown; ContentLength?: number | undefined }

export function readableOf({ Body }: AnswerBody): Readable {
  return Body instanceof Readable ? Body : Readable.from([])
}

/** A body to its end in one piece. Throws when it is not as long as was announced, so that no half is taken for whole. */
export async function collect(
  answer: AnswerBody,
  key: string,
  options: S3Options,
  alive: Alive,
): Promise<Buffer> {
  const size = answer.ContentLength ?? 0
  const whole = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const chunk of readableOf(answer)) {
    alive()
    const bytes = chunk as Uint8Array // no encoding is set
    if (filled + bytes.length > size) throw wrongBytes(options, key, `more than ${size} bytes`)
    whole.set(bytes, filled)
    filled += bytes.length
  }
  if (filled < size) throw wrongBytes(options, key, `${filled} of ${size} bytes`)
  return whole
}

/** A body that fails where it ends too early, or says nothing while somebody wants to read. */
export function checkedStream(
  answer: AnswerBody,
  key: string,
  options: S3Options,
  patience: Milliseconds,
): Readable {
  const size: Bytes = answer.ContentLength ?? 0
  let passed = 0
  const source = readableOf(answer)
  const checked = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      passed += chunk.length
      silence.refresh()
      done(null, chunk)
    },
    flush(done) {
      done(passed === size ? null : wrongBytes(options, key, `${passed} of ${size} bytes`))
    },
  })
  const silence = setTimeout(() => {
    // Who reads slowly keeps the store waiting, not the other way round.
    if (checked.readableLength > 0) silence.refresh()
    else checked.destroy(away(options, `it said nothing for ${patience / 1000} s`))
  }, patience)
  source.once('error', () => checked.destroy(away(options, 'the connection broke')))
  checked.once('close', () => {
    clearTimeout(silence)
    source.destroy()
  })
  return source.pipe(checked)
}
