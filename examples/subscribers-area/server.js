// A subscribers' area: an HTTP origin that only the CDN may ask, and beside it the door, where people log in.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createDoor } from './door.js'
import { createFiles } from './files.js'
import { readSettings } from './settings.js'

function listen(handler, port) {
  const server = createServer(handler)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server.address().port))
  })
}

try {
  const settings = await readSettings()
  const doorPort = await listen(createDoor(settings, randomBytes(32)), settings.doorPort)
  const door = `http://login.${settings.cookieDomain}:${doorPort}`
  const originPort = await listen(createFiles({ ...settings, door }), settings.originPort)
  console.log(`The origin listens at http://127.0.0.1:${originPort} for edges that know its secret`)
  console.log(`The door is at ${door}/`)
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
