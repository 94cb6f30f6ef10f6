// A small site with a members' area: log-in, log-out, and a film that a Sluice (or CloudFront) beside it serves.
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { closeMedia, openMedia } from './media-cookies.js'
import { page } from './page.js'
import { createSessions, same } from './session.js'
import { readSettings } from './settings.js'

/** The site as an Express application. */
export function createSite(settings) {
  const sessions = createSessions()
  const film = `${settings.mediaOrigin}${settings.film}/index.m3u8`
  const show = (req, res, problem) => res.send(page({ user: sessions.userOf(req), film, problem }))

  const site = express()
  site.disable('x-powered-by')
  site.use((req, res, next) => {
    res.set({
      'Cache-Control': 'no-store',
      'Content-Security-Policy': `default-src 'self'; connect-src 'self' ${settings.mediaOrigin}; media-src blob:; worker-src blob:; frame-ancestors 'none'; form-action 'self'`,
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    })
    next()
  })
  site.get('/hls.js', (req, res) =>
    res.sendFile(fileURLToPath(import.meta.resolve('hls.js/dist/hls.min.js'))),
  )
  site.use(express.static(fileURLToPath(new URL('public', import.meta.url))))
  site.get('/', (req, res) => show(req, res))

  // A form of somebody else's site must not log anybody in or out here; browsers say with each POST where it comes from.
  site.use((req, res, next) => {
    const from = req.get('origin')
    if (req.method !== 'POST' || (URL.canParse(from) && new URL(from).host === req.get('host'))) return next()
    res.status(403).send('This form belongs to another site.')
  })
  site.use(express.urlencoded({ extended: false, limit: '2kb' }))

  site.post('/login', (req, res) => {
    const { user = '', password = '' } = req.body ?? {}
    const right = [same(String(user), settings.user), same(String(password), settings.password)]
    if (right.includes(false)) return show(req, res.status(401), 'User or password is not right.')
    sessions.start(res, settings.user)
    openMedia(res, settings)
    res.redirect(303, '/')
  })
  site.post('/logout', (req, res) => {
    sessions.end(res)
    closeMedia(res, settings)
    res.redirect(303, '/')
  })
  site.post('/renew', (req, res) => {
    if (sessions.userOf(req) === undefined) return res.status(401).end()
    openMedia(res, settings)
    res.status(204).end()
  })
  return site
}

function start() {
  const settings = readSettings()
  const server = createSite(settings).listen(settings.port, '127.0.0.1')
  server.on('listening', () => {
    console.log(`The members' site is at http://www.${settings.cookieDomain}:${server.address().port}/`)
  })
  server.on('error', error =>
    end(`The members' site cannot listen on port ${settings.port}: ${error.message}.`),
  )
}

function end(sentence) {
  console.error(sentence)
  process.exit(1)
}

// Compared as real paths: the folder may lie behind a symbolic link.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    start()
  } catch (error) {
    end(error.message)
  }
}
