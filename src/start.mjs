// `npm start -- ARGS`: installs and builds what is missing, then is `sluice up ARGS` itself, in this very process, so
// that the pid of the ready line is the one that signals reach.
import { build } from './build.mjs'
import { orRefuse, prepare } from './prepare.mjs'

await orRefuse(() => {
  prepare()
  build({ types: 'trusted' })
})
const { run } = await import('../dist/cli/index.js')
process.exit(await run(['up', ...process.argv.slice(2)]))
