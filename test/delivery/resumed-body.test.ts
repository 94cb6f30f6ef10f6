import { expect, test } from 'vitest'
import type { UpstreamAnswer } from '../../src/cache/index.ts'
import { instant } from '../../src/core/index.ts'
import { resumed } from '../../src/delivery/upstream/resumed-body.ts'

const BROKEN = new Error('the worker has died')

class Answer implements UpstreamAnswer {
  readonly status: number
  readonly headers: string[]
  readonly requestedAt = instant(0)
  readonly respondedAt = instant(0)
  readonly body: AsyncIterable<Uint8Array>
  isDestroyed = false

  /** An Error breaks it off. */
  constructor(pieces: (string | Error)[], headers: string[] = ['ETag', '"1"'], status = 200) {
    this.status = status
    this.headers = headers
    this.body = (async function* () {
      for (const piece of pieces) {
        if (piece instanceof Error) throw piece
        yield await Promise.resolve(Buffer.from(piece))
      }
    })()
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

interface Told {
  text: string
  error: unknown
}

async function read(one: Answer, other: Answer | undefined, end: 'died' | 'lives' = 'died'): Promise<Told> {
  const told: Told = { text: '', error: undefined }
  try {
    const died = (): Promise<boolean> => Promise.resolve(end === 'died')
    const again = (): Promise<UpstreamAnswer> => (other ? Promise.resolve(other) : Promise.reject(BROKEN))
    for await (const bytes of resumed(one, { died, again })) told.text += Buffer.from(bytes).toString()
  } catch (error) {
    told.error = error
  }
  return told
}

const broken = (): Answer => new Answer(['one ', 'two ', BROKEN])

test.each([
  ['in the same pieces', ['one ', 'two ', 'three']],
  ['in one', ['one two three']],
  ['in others', ['on', 'e two thr', 'ee']],
])(
  'what a dead worker had begun goes on where it broke off, when it comes again %s',
  async (_how, pieces) => {
    expect(await read(broken(), new Answer(pieces))).toEqual({ text: 'one two three', error: undefined })
  },
)

const OTHERS: [what: string, other: Answer][] = [
  ['other bytes under the same tag', new Answer(['one', ' TWO ', 'three'])],
  ['other bytes in one piece', new Answer(['one TWO three'])],
  ['less than was read', new Answer(['one '])],
  ['another tag', new Answer(['one two three'], ['ETag', '"2"'])],
  ['another length', new Answer(['one two three'], ['ETag', '"1"', 'Content-Length', '13'])],
  ['another status', new Answer(['one two three'], ['ETag', '"1"'], 404)],
]

test.each(OTHERS)('%s: nothing is joined to what was read, and the body is broken', async (_what, other) => {
  expect(await read(broken(), other)).toEqual({ text: 'one two ', error: BROKEN })
  expect(other.isDestroyed).toBe(true)
})

test('what has no tag is told from another version by the time of its change', async () => {
  const began = new Answer(['one ', 'two ', BROKEN], ['Last-Modified', 'yesterday'])
  const other = new Answer(['one two 3'], ['Last-Modified', 'today'])
  expect(await read(began, other)).toEqual({ text: 'one two ', error: BROKEN })
})

test('what nothing tells from another version is not gone on with, but for what was not begun', async () => {
  const began = new Answer(['one ', 'two ', BROKEN], [])
  expect(await read(began, new Answer(['one two 3'], []))).toEqual({ text: 'one two ', error: BROKEN })
  const silent = new Answer([BROKEN], [])
  expect(await read(silent, new Answer(['one two 3'], []))).toEqual({ text: 'one two 3', error: undefined })
})

test('what a worker that lives has broken off stays so', async () => {
  expect(await read(broken(), undefined, 'lives')).toEqual({ text: 'one two ', error: BROKEN })
})
