import type { Gateway } from '../../src/gateway/gateway.ts'
import type { PublishRequest, PublishSink, PublishVerdict } from '../../src/ingest/index.ts'
import type { FlvTag } from '../../src/cmaf/index.ts'

/** What ingest makes of an encoder, without its socket. */
export class FakeEncoder {
  /** What it was told when it was cut. */
  readonly cuts: [reason: string, detail: string][] = []
  resumed = 0
  readonly #left = new AbortController()
  readonly #request: PublishRequest
  #sink: PublishSink | undefined

  constructor(request: Partial<PublishRequest> & Pick<PublishRequest, 'path' | 'query'>) {
    this.#request = {
      ...{ scheme: 'rtmp', authority: '127.0.0.1:1935', address: '192.0.2.7', encoder: 'OBS 31 \u00e9' },
      signal: this.#left.signal,
      publisher: {
        cut: (reason, detail) => {
          this.cuts.push([reason, detail])
          this.#left.abort()
          this.#sink?.end('lost')
        },
        resume: () => void this.resumed++,
      },
      ...request,
    }
  }

  /** The reason when it is refused. */
  async publish(gateway: Gateway): Promise<string> {
    const verdict: PublishVerdict = await gateway.authorize(this.#request)
    if (verdict.kind === 'refused') return verdict.reason
    this.#sink = verdict.sink
    return 'accepted'
  }

  send(...tags: FlvTag[]): 'more' | 'full' | undefined {
    return tags.map(tag => this.#sink?.write(tag)).at(-1)
  }

  end(how: 'unpublished' | 'lost'): void {
    this.#sink?.end(how)
    this.#left.abort()
  }

  leave(): void {
    this.#left.abort()
  }
}
