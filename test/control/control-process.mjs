// A control of its own, to be killed: node --import ./typescript-loader.mjs control-process.mjs OPTIONS
const { startControl } = await import('../../src/control/index.ts')
const control = await startControl(JSON.parse(process.argv[2]))
process.send({ port: control.port })
process.on('disconnect', () => process.exit(0))
