import type { SlottedProgram } from '../protocol.ts'

/** How code is evaluated, and where its handler is then. */
export type Form =
  /** The value of `then`, or of the code itself. */
  { type: 'global'; code: string; then?: string } | { type: 'module'; code: string; exported: string }

const IMPORTS = /^[ \t]*(?:import\b[^(.]|export\b)/m

/** The forms that a program may be written in, the likelier one first. */
export function withHandler({ runtime, code }: SlottedProgram): readonly Form[] {
  const forms = runtime === 'lambda-edge' ? lambda(code) : cloudfront(code)
  return IMPORTS.test(code) ? [forms.module, forms.script] : [forms.script, forms.module]
}

/** A handler is not exported there: a module says its own name once more, under one that no author has. */
function cloudfront(code: string): { script: Form; module: Form } {
  return {
    script: { type: 'global', code, then: "typeof handler === 'function' ? handler : undefined" },
    module: {
      type: 'module',
      code: `${code}\n;export { handler as $sluice$handler }`,
      exported: '$sluice$handler',
    },
  }
}

/** CommonJS, or an ES module that exports its handler. */
function lambda(code: string): { script: Form; module: Form } {
  const wrapped = `(function (module) {(function (exports, require, module) {${code}\n}).call(module.exports, module.exports, require, module); return module.exports.handler})({ exports: {} })`
  return {
    script: { type: 'global', code: wrapped },
    module: { type: 'module', code, exported: 'handler' },
  }
}
