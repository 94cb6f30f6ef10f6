import { codeOf, messageOf, SluiceError, type Milliseconds } from '../../core/index.ts'

/** By name: what is asked, and what is answered. Both must be JSON. */
export type Questions = Record<string, { asked: unknown; answered: unknown }>

/** How each question of the other side is answered; what is thrown is thrown there. */
export type Answers<Q extends Questions> = {
  [What in keyof Q]: (asked: Q[What]['asked']) => Q[What]['answered'] | Promise<Q[What]['answered']>
}

type Message =
  | { kind: 'ask'; id: number; what: string; asked: unknown }
  | { kind: 'answer'; id: number; answered: unknown }
  | { kind: 'refusal'; id: number; code: string | undefined; message: string }

interface Waiting {
  resolve: (answered: unknown) => void
  reject: (error: unknown) => void
}

/**
 * Questions and answers in both directions between the manager of an edge and one worker, over the channel of its
 * process. In order: what was asked first is heard first.
 */
export class Wire<Ours extends Questions, Theirs extends Questions> {
  readonly #send: (message: Message) => void
  readonly #answers: Answers<Theirs>
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #cut = false

  /** `send` may be called when the channel is gone, and does nothing then. */
  constructor(send: (message: object) => void, answers: Answers<Theirs>) {
    this.#send = send
    this.#answers = answers
  }

  /** Rejects with what the other side threw, or when it has ended or takes longer than `within`. */
  ask<What extends keyof Ours & string>(
    what: What,
    asked: Ours[What]['asked'],
    within?: Milliseconds,
  ): Promise<Ours[What]['answered']> {
    if (this.#cut) return Promise.reject(gone(what))
    const id = this.#nextId++
    return new Promise<unknown>((resolve, reject) => {
      const timer = within === undefined ? undefined : setTimeout(() => settle(reject)(late(what)), within)
      const settle =
        (act: (value: unknown) => void) =>
        (value: unknown): void => {
          clearTimeout(timer)
          this.#waiting.delete(id)
          act(value)
        }
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
      this.#send({ kind: 'ask', id, what, asked })
    })
  }

  /** What came over the channel; anything that is no message is passed over. */
  receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('kind' in value)) return
    const message = value as Message // both ends are of one build
    switch (message.kind) {
      case 'ask':
        return void this.#answer(message.id, message.what, message.asked)
      case 'answer':
        return this.#waiting.get(message.id)?.resolve(message.answered)
      case 'refusal':
        return this.#waiting.get(message.id)?.reject(refused(message))
      default:
        message satisfies never
    }
  }

  /** The other side has ended: nothing is answered any more. */
  cut(): void {
    this.#cut = true
    for (const { reject } of this.#waiting.values()) reject(gone('its answer'))
  }

  async #answer(id: number, what: string, asked: unknown): Promise<void> {
    try {
      const answer = this.#answers[what]
      if (answer === undefined) throw new Error(`${what} is no question`)
      this.#send({ kind: 'answer', id, answered: await answer(asked) })
    } catch (error) {
      this.#send({ kind: 'refusal', id, code: codeOf(error), message: messageOf(error) })
    }
  }
}

function refused({ code, message }: Message & { kind: 'refusal' }): SluiceError {
  return new SluiceError(code ?? 'worker', message)
}

function gone(what: string): SluiceError {
  return new SluiceError('worker-gone', `a process of this edge ended before it answered ${what}`)
}

function late(what: string): SluiceError {
  return new SluiceError('worker-late', `a process of this edge did not answer ${what} in time`)
}
