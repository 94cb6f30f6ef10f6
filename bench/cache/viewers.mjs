// A viewer at the level of a socket, so that thousands of them cost little: HTTP/1.1, one request after the other.
import net from 'node:net'
import tls from 'node:tls'

/** What arrives is only counted: one buffer serves every viewer. */
const SINK = Buffer.allocUnsafe(1024 * 1024)

export class Viewer {
  #socket
  #head = ''
  #left = 0
  #asked
  #inBody = false
  #first = 0

  /** Resolves when it is connected, over TLS also shaken hands. */
  static async connect(site) {
    const viewer = new Viewer()
    const url = new URL(site)
    const to = { host: url.hostname, port: Number(url.port) }
    const onread = { buffer: SINK, callback: (size, buffer) => viewer.#read(size, buffer) }
    await new Promise((resolve, reject) => {
      const socket =
        url.protocol === 'https:'
          ? tls.connect({ ...to, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, resolve)
          : net.connect({ ...to, onread }, resolve)
      if (url.protocol === 'https:') socket.on('data', data => viewer.#read(data.length, data))
      socket.on('error', error => {
        viewer.#asked?.reject(error)
        reject(error)
      })
      socket.on('close', () => viewer.#asked?.reject(new Error('the connection was closed')))
      viewer.#socket = socket
    })
    return viewer
  }

  /** Resolves when the last byte is here: status, head, and when the first byte and the last came. */
  get(target, { host = 'localhost', cookie } = {}) {
    const asked = new Promise((resolve, reject) => (this.#asked = { resolve, reject }))
    this.#head = ''
    this.#first = 0
    this.#inBody = false
    const cookies = cookie === undefined ? '' : `Cookie: ${cookie}\r\n`
    this.#socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${cookies}\r\n`)
    return asked
  }

  /** Stops reading: what was asked for stays under way. */
  pause() {
    this.#asked = undefined
    this.#socket.pause()
  }

  close() {
    this.#asked = undefined
    this.#socket.destroy()
  }

  #read(size, buffer) {
    if (this.#first === 0) this.#first = performance.now()
    if (this.#inBody) this.#left -= size
    else this.#readHead(buffer.subarray(0, size))
    if (this.#inBody && this.#left <= 0) {
      const asked = this.#asked
      this.#asked = undefined
      const status = Number(this.#head.slice(9, 12))
      if (status !== 200 || this.#left < 0) asked?.reject(new Error(this.#head))
      else asked?.resolve({ status, head: this.#head, first: this.#first, last: performance.now() })
    }
    return true
  }

  #readHead(bytes) {
    const before = this.#head.length
    this.#head += bytes.latin1Slice()
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return
    this.#head = this.#head.slice(0, end + 2)
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#head)
    if (length === null) return void this.#asked?.reject(new Error(`no length: ${this.#head}`))
    this.#inBody = true
    this.#left = Number(length[1]) - (bytes.length - (end + 4 - before))
  }
}

/** So many at once; not all in one breath, which no backlog would hold. */
export async function connectAll(site, count) {
  const viewers = []
  while (viewers.length < count) {
    const next = Math.min(100, count - viewers.length)
    viewers.push(...(await Promise.all(Array.from({ length: next }, () => Viewer.connect(site)))))
  }
  return viewers
}
