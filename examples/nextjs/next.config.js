import { fileURLToPath } from 'node:url'

/** Turbopack follows no link that leaves its root, and npm links `sluice` to the checkout. Not needed elsewhere. */
export default { turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) } }
