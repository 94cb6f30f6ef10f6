import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  RELEASE_SYNC,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten'

export type { QuickJSContext, QuickJSHandle, QuickJSRuntime }

/** One QuickJS in a WebAssembly memory of its own, which goes with it. */
export interface Engine {
  runtime: QuickJSRuntime
  context: QuickJSContext
  /** From now on no more than the limit can be taken. */
  confine: () => void
  /** Bytes that WebAssembly has taken from the machine; it never gives any back. */
  taken: () => number
}

/** What Node has of WebAssembly, though its types do not say so. */
interface Memory {
  buffer: ArrayBuffer
  grow(pages: number): number
}
interface WebAssemblyOfNode {
  compile(code: Uint8Array): Promise<object>
  Memory: new (pages: { initial: number; maximum: number }) => Memory
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyOfNode } // as said

/** What QuickJS may use of WebAssembly's stack; the thread's own is so large that it never comes to its end before. */
const STACK = 256 * 1024
const PAGE = 64 * 1024
/** Of memory, that QuickJS is built to begin with: 5 MiB of it are stack. */
const FIRST_PAGES = 256
/** What is not the function's: the stack, and QuickJS with the environment. */
const OWN = 6 * 1024 * 1024
/** Large enough to lie behind all that is in use. */
const PROBE = 64 * 1024

/** Of a package that quickjs-emscripten brings with it. */
const WASM = '@jitl/quickjs-wasmfile-release-sync/wasm'

let compiled: Promise<object> | undefined

/**
 * The door to quickjs-emscripten. Instances share the compiled code, and nothing else. The limit is WebAssembly's, since
 * this QuickJS cannot tell how large its blocks are and counts next to nothing against a limit of its own.
 */
export async function startEngine(limit: number): Promise<Engine> {
  compiled ??= compile()
  const maximum = Math.max(FIRST_PAGES, Math.ceil((OWN + limit) / PAGE))
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum })
  const given = { wasmModule: await compiled, wasmMemory: memory }
  const variant = newVariant(RELEASE_SYNC, given as unknown as Parameters<typeof newVariant>[1]) // as said
  const quickjs = await newQuickJSWASMModuleFromVariant(variant)
  const runtime = quickjs.newRuntime({ maxStackSizeBytes: STACK })
  // The library keeps its allocator to itself; the name is Emscripten's.
  const { module } = quickjs as unknown as {
    module: { _malloc(size: number): number; _free(at: number): void }
  }
  const confine = (): void => {
    if (maximum > FIRST_PAGES) return
    const free = module._malloc(PROBE)
    module._free(free)
    const spare = FIRST_PAGES * PAGE - free - limit
    // Taken and never touched, so that it costs no memory of the machine.
    if (spare > 0) module._malloc(spare)
  }
  return { runtime, context: runtime.newContext(), confine, taken: () => memory.buffer.byteLength }
}

async function compile(): Promise<object> {
  const require = createRequire(createRequire(import.meta.url).resolve('quickjs-emscripten'))
  return WebAssembly.compile(await readFile(require.resolve(WASM)))
}
