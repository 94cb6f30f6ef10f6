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
  /** Bytes that WebAssembly has taken from the machine; it never gives any back. */
  taken: () => number
}

/** A `WebAssembly.Module`; Node's types do not have the name. */
type Compiled = object

/** What QuickJS may use of WebAssembly's stack; the thread's own is so large that it never comes to its end before. */
const STACK = 256 * 1024

/** Of a package that quickjs-emscripten brings with it. */
const WASM = '@jitl/quickjs-wasmfile-release-sync/wasm'

let compiled: Promise<Compiled> | undefined

/** The door to quickjs-emscripten. Instances share the compiled code, and nothing else. */
export async function startEngine(): Promise<Engine> {
  compiled ??= compile()
  const variant = newVariant(RELEASE_SYNC, { wasmModule: await compiled })
  const quickjs = await newQuickJSWASMModuleFromVariant(variant)
  const memory = quickjs.getWasmMemory()
  const runtime = quickjs.newRuntime({ maxStackSizeBytes: STACK })
  return { runtime, context: runtime.newContext(), taken: () => memory.buffer.byteLength }
}

async function compile(): Promise<Compiled> {
  const require = createRequire(createRequire(import.meta.url).resolve('quickjs-emscripten'))
  // Every Node has it, though its types do not say so.
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { compile(code: Uint8Array): Promise<Compiled> }
  }
  return WebAssembly.compile(await readFile(require.resolve(WASM)))
}
