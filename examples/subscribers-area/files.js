import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { same } from './same.js'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.pdf': 'application/pdf',
  '.jpg': 'image/jpeg',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
  '.vtt': 'text/vtt; charset=utf-8',
}

/** Pages link to the door by these paths, so that no page holds a host name. */
const DOORS = { '/door': '/', '/door/download': '/download' }

const HLS_JS = fileURLToPath(import.meta.resolve('hls.js/dist/hls.min.js'))

/** The origin: plain files, the same for everybody. Who may read which of them is for the CDN to say. */
export function createFiles({ secret, folders, door }) {
  return async (request, response) => {
    response.once('close', () => console.log(`${request.method} ${request.url} ${response.statusCode}`))
    if (!same(request.headers['x-origin-secret'] ?? '', secret)) {
      return say(response, 403, 'This server is reached through the CDN only.')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'Only GET and HEAD.')
    const asked = new URL(request.url, 'http://origin').pathname
    if (Object.hasOwn(DOORS, asked)) {
      response.writeHead(302, { Location: `${door}${DOORS[asked]}`, 'Cache-Control': 'no-store' }).end()
      return
    }
    const found = await find(folders, asked)
    if (found === undefined) return say(response, 404, `There is no ${asked} here.`)
    await send(request, response, found)
  }
}

/** As web servers do, a folder is its index.html, so the CDN needs no default root object. */
async function find(folders, asked) {
  if (asked === '/hls.js') return { file: HLS_JS, ...(await facts(HLS_JS)) }
  let name
  try {
    name = decodeURIComponent(asked.endsWith('/') ? `${asked}index.html` : asked)
  } catch {
    return undefined
  }
  if (name.includes('\0')) return undefined
  for (const folder of folders) {
    // Joined to "/" first, so that no ".." leads out of the folder.
    const file = path.join(folder, path.join('/', name))
    const known = await facts(file)
    if (known !== undefined) return { file, ...known }
  }
}

/** Undefined for what is no file. */
async function facts(file) {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || !found.isFile()) return undefined
  const { size, mtime } = found
  const etag = `"${size.toString(36)}-${mtime.getTime().toString(36)}"`
  return { size, etag, modified: mtime.toUTCString() }
}

async function send(request, response, { file, size, modified, etag }) {
  // The CDN keeps it for five minutes and asks its gate each time all the same; browsers come back each time, so that
  // they show nothing of the area once somebody has logged out.
  const control = 'max-age=0, s-maxage=300'
  const headers = { ETag: etag, 'Last-Modified': modified, 'Cache-Control': control }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream'
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': size })
  if (request.method === 'HEAD') response.end()
  else pipeline(createReadStream(file), response, () => {})
}

function say(response, status, sentence) {
  const body = `<!doctype html><title>${status}</title><p>${sentence.replace(/[&<>]/g, c => `&#${c.charCodeAt(0)};`)}</p>\n`
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(body)
}
