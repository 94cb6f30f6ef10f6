import { crc32 } from 'node:zlib'
import type { UpstreamAnswer } from '../../cache/index.ts'
import { MiB, type Bytes } from '../../core/index.ts'
import { fieldValue } from '../../http/index.ts'

/** What has been read of a longer body is not read again. */
const MOST_AGAIN: Bytes = 64 * MiB

export interface Resumption {
  /** Whether the process that sent the body has ended. One that lives has broken it off on purpose. */
  died: () => Promise<boolean>
  /** The whole answer once more, from elsewhere. */
  again: () => Promise<UpstreamAnswer>
}

/**
 * The body of an answer that another worker sends. When that one dies in the middle, the rest comes from upstream, if
 * what was read already is there the same, byte for byte: its viewers are not its own, and lose nothing.
 */
export async function* resumed(
  answer: UpstreamAnswer,
  { died, again }: Resumption,
): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0
  let sum = 0
  try {
    for await (const chunk of answer.body) {
      read += chunk.length
      sum = crc32(chunk, sum)
      yield chunk
    }
    return
  } catch (error) {
    if (read > MOST_AGAIN || !(await died())) throw error
    yield* rest(answer, { read, sum, error }, again)
  }
}

async function* rest(
  answer: UpstreamAnswer,
  { read, sum, error }: { read: Bytes; sum: number; error: unknown },
  again: () => Promise<UpstreamAnswer>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const other = await again()
  try {
    if (!mayBeTheSame(answer, other) || (read > 0 && !isNamed(answer))) throw error
    let passed = 0
    let sumAgain = 0
    for await (const chunk of other.body) {
      const known = Math.min(chunk.length, read - passed)
      sumAgain = known > 0 ? crc32(chunk.subarray(0, known), sumAgain) : sumAgain
      passed += known
      if (passed === read && known > 0 && sumAgain !== sum) throw error
      if (known < chunk.length) yield chunk.subarray(known)
    }
    if (passed < read) throw error
  } catch (failure) {
    other.destroy()
    throw failure
  }
}

function mayBeTheSame(one: UpstreamAnswer, other: UpstreamAnswer): boolean {
  return (
    one.status === other.status &&
    ['etag', 'content-encoding', 'content-length'].every(name => areAlike(one, other, name)) &&
    // Beside a strong tag it says nothing more, and two origins of the same thing may differ in it.
    (hasStrongTag(one) || areAlike(one, other, 'last-modified'))
  )
}

/** Whether anything but its bytes tells it from another version, which may begin with the same ones. */
function isNamed({ headers }: UpstreamAnswer): boolean {
  return ['etag', 'last-modified'].some(name => fieldValue(headers, name) !== undefined)
}

function hasStrongTag({ headers }: UpstreamAnswer): boolean {
  return fieldValue(headers, 'etag')?.startsWith('"') === true
}

function areAlike(one: UpstreamAnswer, other: UpstreamAnswer, name: string): boolean {
  return fieldValue(one.headers, name) === fieldValue(other.headers, name)
}
