import { messageOf, reader, Type, type Bytes, type Static } from '../../core/index.ts'
import type { Rows, Session, Wire } from './engine.ts'
import { APPLIED, type SchemaCheck } from './migrate.ts'
import { TOPICS, type Topic } from './topics.ts'

/** What a node has applied, as the process says whom it asks. */
const NodeState = Type.Object({
  id: Type.String(),
  /** Null before it said any. */
  version: Type.Union([Type.Integer(), Type.Null()]),
  /** How many milliseconds ago it said so, and last spoke at all; clocks of machines are not compared. */
  said: Type.Number({ minimum: 0 }),
  seen: Type.Number({ minimum: 0 }),
})
export type NodeState = Static<typeof NodeState>

/** How nodes do; a shape of those above, which check it. */
type Healths = readonly object[]

const Said = Type.Union([
  Type.Object({ changed: Type.Array(Type.String()) }),
  Type.Object({ nodes: Type.Array(NodeState) }),
  Type.Object({ healths: Type.Array(Type.Unknown()) }),
  Type.Object({ measured: Type.Array(Type.Unknown()) }),
  Type.Object({ asks: Type.Literal('nodes') }),
])
const readSaid = reader(Said, 'what another control says')

/** Less than one text may have, which is 8,000 bytes. */
const LONGEST: Bytes = 7_500

interface OthersOptions {
  check: SchemaCheck
  onError(error: Error): void
}

/** The other control processes on the same database: what they commit is heard here, and the other way about. */
export class Others {
  readonly #wire: Wire
  readonly #options: OthersOptions
  #onChange: (topics: ReadonlySet<Topic>) => void = () => {}
  #onNodes: (nodes: NodeState[]) => void = () => {}
  #onAsked: () => void = () => {}
  #onHealths: (told: readonly unknown[]) => void = () => {}
  #onMeasured: (told: readonly unknown[]) => void = () => {}
  /** As the last pulse saw it. */
  #version: unknown
  /** Why nothing is done any more: the database was upgraded under us. */
  #refusal: unknown

  private constructor(wire: Wire, options: OthersOptions) {
    this.#wire = wire
    this.#options = options
  }

  static async open(wire: Wire, options: OthersOptions): Promise<Others> {
    const others = new Others(wire, options)
    await wire.listen({
      heard: text => others.#heard(text),
      missed: () => others.#missed(),
      pulse: execute => others.#pulse(execute),
      lost: error =>
        options.onError(new Error(`no word from other controls (${error.message}), asking again`)),
    })
    return others
  }

  /** One listener: who waits for changes. */
  onChange(listener: (topics: ReadonlySet<Topic>) => void): void {
    this.#onChange = listener
  }

  /** One listener: who shows how nodes do. What comes was checked by nobody. */
  onHealths(listener: (told: readonly unknown[]) => void): void {
    this.#onHealths = listener
  }

  /** One listener: who tells routers how far viewers' networks are from edges. What comes was checked by nobody. */
  onMeasured(listener: (told: readonly unknown[]) => void): void {
    this.#onMeasured = listener
  }

  /** One listener: who counts acknowledgements. `asked` is called when the others want to hear of all our nodes. */
  onNodes(listener: (nodes: NodeState[]) => void, asked: () => void): void {
    this.#onNodes = listener
    this.#onAsked = asked
    this.#ask()
  }

  /** Part of the transaction that makes the changes. */
  async announce(session: Session, topics: ReadonlySet<Topic>): Promise<void> {
    await this.#wire.sayWith(session, JSON.stringify({ changed: [...topics] }))
  }

  /** Tells the others of our nodes; rejects when the database is away. */
  async tellNodes(nodes: readonly NodeState[]): Promise<void> {
    for (const list of listsOf(nodes)) await this.#wire.say(`{"nodes":${list}}`)
  }

  /** The same of how they do. */
  async tellHealths(healths: Healths): Promise<void> {
    for (const list of listsOf(healths)) await this.#wire.say(`{"healths":${list}}`)
  }

  /** The same of what they have measured. */
  async tellMeasured(measured: readonly object[]): Promise<void> {
    for (const list of listsOf(measured)) await this.#wire.say(`{"measured":${list}}`)
  }

  /** Throws when a newer Sluice has upgraded the database. */
  refuseNewer(): void {
    if (this.#refusal !== undefined) throw this.#refusal as Error // what the check threw
  }

  #heard(text: string): void {
    let said: Static<typeof Said>
    try {
      said = readSaid(JSON.parse(text))
    } catch {
      // Of a build that has more to say.
      return
    }
    if ('nodes' in said) return this.#onNodes(said.nodes)
    if ('healths' in said) return this.#onHealths(said.healths)
    if ('measured' in said) return this.#onMeasured(said.measured)
    if ('asks' in said) return this.#onAsked()
    const { changed } = said
    this.#onChange(new Set(TOPICS.filter(topic => changed.includes(topic))))
  }

  #missed(): void {
    this.#onChange(new Set(TOPICS))
    this.#ask()
  }

  #ask(): void {
    // When it does not get through, the others speak by themselves soon.
    this.#wire.say(JSON.stringify({ asks: 'nodes' })).catch(() => {})
  }

  /** For what was said and not heard all the same, as behind a proxy that shares connections. */
  async #pulse(execute: (text: string) => Promise<Rows>): Promise<void> {
    const [row] = (await execute(`select version from meta where id = 1`)).rows
    const topics = new Set<Topic>(['publications', 'jobs'])
    if (row?.['version'] !== this.#version) topics.add('snapshot')
    this.#version = row?.['version']
    this.#refuse((await execute(APPLIED)).rows[0])
    this.#onChange(topics)
  }

  #refuse(applied: Record<string, unknown> | undefined): void {
    try {
      this.#options.check(applied)
      this.#refusal = undefined
    } catch (error) {
      if (this.#refusal === undefined) this.#options.onError(new Error(messageOf(error)))
      this.#refusal = error
    }
  }
}

/** As JSON, each list short enough for one text. */
function* listsOf(all: readonly object[]): Generator<string> {
  let list: string[] = []
  let length = 0
  for (const each of all) {
    const text = JSON.stringify(each)
    if (length + Buffer.byteLength(text) > LONGEST && list.length > 0) {
      yield `[${list.join()}]`
      list = []
      length = 0
    }
    list.push(text)
    length += Buffer.byteLength(text) + 1
  }
  if (list.length > 0) yield `[${list.join()}]`
}
