import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isNotModified } from '../../http/index.ts'
import { ALIVE_PATH } from '../../membership/index.ts'
import { SESSION } from './cors.ts'
import { known, type Exchange, type Step } from '../exchange.ts'
import { PLAYER_PAGE, PLAYER_SCRIPT, PLAYER_STYLE } from './player-page.ts'
import { record } from '../record.ts'
import { refuse, sendError } from './refusal.ts'
import { session } from '../gate/session.ts'

interface Page {
  type: string
  body: Buffer
  etag: string
}

const pages = new Map<string, Page>()

function add(path: string, type: string, body: Buffer): void {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 20)}"`
  pages.set(path, { type, body, etag })
}

add('/.sluice/player', 'text/html; charset=utf-8', Buffer.from(PLAYER_PAGE))
add('/.sluice/player.css', 'text/css; charset=utf-8', Buffer.from(PLAYER_STYLE))
add('/.sluice/player.js', 'text/javascript; charset=utf-8', Buffer.from(PLAYER_SCRIPT))
add(
  '/.sluice/hls.js',
  'text/javascript; charset=utf-8',
  readFileSync(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')),
)

/** No page of ours runs anything but our own scripts, wherever its media comes from. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src blob:; base-uri 'none'; form-action 'none'"

/** `/.sluice/` on the viewer port is ours: the player and what it loads, which need no distribution, and the session. */
export function serveReserved(x: Exchange): Step | undefined {
  const { path } = known(x.target, 'the target')
  if (path === SESSION) return session
  if (path === ALIVE_PATH) return sayAlive(x)
  const page = pages.get(path)
  return page ? servePage(x, page) : refuse(x, 'reserved-path')
}

/** To routers and whoever else shares out viewers, each second: it is worth no line in a log. */
function sayAlive(x: Exchange): undefined {
  if (x.request.method !== 'GET' && x.request.method !== 'HEAD') return refuse(x, 'method')
  if (!x.node.matcher)
    return sendError(x, 503, 'NotReady', 'This node has no configuration yet', ['Retry-After', '1'])
  x.head(204, ['Cache-Control', 'no-store', ...x.node.signature(x.id)])
  x.response.end()
}

function servePage(x: Exchange, page: Page): undefined {
  if (x.request.method !== 'GET' && x.request.method !== 'HEAD') return refuse(x, 'method')
  const conditions = { ifNoneMatch: x.header('if-none-match'), ifModifiedSince: undefined }
  const fresh = isNotModified(conditions, { etag: page.etag, lastModified: undefined }, x.startedAt)
  x.cache = 'Hit'
  x.head(fresh ? 304 : 200, [
    'Content-Type',
    page.type,
    ...(fresh ? [] : ['Content-Length', String(page.body.length)]),
    'Cache-Control',
    'no-cache',
    'ETag',
    page.etag,
    'Content-Security-Policy',
    POLICY,
    'X-Content-Type-Options',
    'nosniff',
    // The page's address may hold a path token behind its `#`.
    'Referrer-Policy',
    'no-referrer',
    'X-Cache',
    'Hit from sluice',
    ...x.node.signature(x.id),
  ])
  if (fresh || x.request.method === 'HEAD') {
    x.response.end()
  } else {
    x.bodyBytes = page.body.length
    x.node.usage.counts.sent(x)
    x.response.end(page.body)
  }
  record(x)
}
