// Runs in a network namespace and carries connections through its wall, since a Unix socket is reached from any:
// node door.mjs '[{ "listen": ADDRESS, "connect": ADDRESS }…]', where an address is a path or { host, port }.
import { connect, createServer } from 'node:net'

const doors = JSON.parse(process.argv[2] ?? '[]')
await Promise.all(
  doors.map(door => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, one => {
      const other = connect({
        allowHalfOpen: true,
        noDelay: true,
        ...(typeof door.connect === 'string' ? { path: door.connect } : door.connect),
      })
      one.pipe(other).pipe(one)
      for (const [end, far] of [
        [one, other],
        [other, one],
      ]) {
        end.on('error', () => {})
        end.on('close', () => far.destroy())
      }
    })
    return new Promise(resolve => server.listen(door.listen, resolve))
  }),
)
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
