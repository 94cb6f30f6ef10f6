/**
 * The page at `/.sluice/player#PATH`: plays an asset or channel of this CDN with hls.js, cookies and path tokens
 * included, and says why when it may not. A channel it plays with low latency, and waits for it while it is not there.
 */
export const PLAYER_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice player</title>
<link rel="stylesheet" href="/.sluice/player.css">
</head>
<body>
<main>
<header><strong>Sluice</strong><span id="path"></span></header>
<video id="video" aria-label="Film" controls playsinline muted autoplay crossorigin="use-credentials"></video>
<p id="message" role="status" aria-live="polite"></p>
<form id="choose">
<label for="wanted">Path</label>
<input id="wanted" name="wanted" autocomplete="off" spellcheck="false" placeholder="/sample/index.m3u8">
<button>Play</button>
</form>
<dl id="facts"></dl>
</main>
<script src="/.sluice/hls.js"></script>
<script src="/.sluice/player.js"></script>
</body>
</html>
`

export const PLAYER_STYLE = `:root { color-scheme: light dark; --edge: #8884; --soft: light-dark(#5c5c5c, #a6a6a6); --accent: #1f7a8c; --name: light-dark(#1f7a8c, #5fb8c9); --bad: light-dark(#b3261e, #ff8a7a) }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
header { display: flex; gap: .75rem; align-items: baseline; margin-bottom: .75rem }
header strong { color: var(--name) }
#path { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--soft) }
video { display: block; width: 100%; aspect-ratio: 16 / 9; background: #000; border-radius: 8px }
#message { min-height: 1.5em; margin: .75rem 0 }
#message.bad { color: var(--bad); font-weight: 600 }
form { display: flex; gap: .5rem; align-items: center }
input { flex: 1; min-width: 0; font: inherit; padding: .4rem .6rem; border: 1px solid var(--edge); border-radius: 6px }
button { font: inherit; padding: .4rem 1rem; border: 0; border-radius: 6px; background: var(--accent); color: #fff }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .5rem; margin: 1rem 0 0 }
dl div { border: 1px solid var(--edge); border-radius: 6px; padding: .4rem .6rem }
dt { font-size: .75rem; color: var(--soft) }
dd { margin: 0; font-variant-numeric: tabular-nums }
`

export const PLAYER_SCRIPT = `'use strict'
const video = document.getElementById('video')
const message = document.getElementById('message')
const facts = document.getElementById('facts')
const wanted = document.getElementById('wanted')
let hls
let recoveries = 0
/** How often it had to begin anew since something played; the pauses grow with it. */
let attempts = 0
/** Whether what plays was ever live; a channel may come back, an asset that fails does not mend itself. */
let live = false
let waiting

/** A question for a part that is late is held for seconds, and its encoder may be back within the half minute. */
const PATIENT = {
  default: {
    maxTimeToFirstByteMs: 20_000,
    maxLoadTimeMs: 30_000,
    timeoutRetry: { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: 20, retryDelayMs: 1000, maxRetryDelayMs: 4000 },
  },
}

const REASONS = {
  missing: 'it needs a signed cookie, URL or path token, and none came with the request',
  malformed: 'its signature or policy cannot be read',
  'unknown-key': 'it was signed with a key that this distribution does not trust',
  'weak-hash': 'its signature uses SHA-1, which this distribution refuses',
  'bad-signature': 'its signature does not match',
  'wrong-resource': 'it is signed for something else',
  expired: 'its signature has expired',
  'not-yet': 'its signature is not valid yet',
  'wrong-ip': 'it is signed for another address',
}

function say(text, kind) {
  message.textContent = text
  message.className = kind ?? ''
}

/** Only paths of this CDN: the page must not be usable to play strangers' media under our name. */
function pathOf(hash) {
  let path
  try {
    path = decodeURI(hash.slice(1))
    // As the browser will read it: a backslash counts as a slash there, and tabs do not count.
    if (!path.startsWith('/') || new URL(path, location.href).origin !== location.origin) return undefined
  } catch {
    // A percent sign that encodes nothing.
    return undefined
  }
  return path.endsWith('.m3u8') ? path : path.replace(/\\/$/, '') + '/index.m3u8'
}

/** A path token opens its asset to whoever reads it, so it is not put on the screen. */
function shown(path) {
  return path.replace(/^\\/~[^/]+/, '')
}

function begin() {
  attempts = 0
  live = false
  play()
}

function play() {
  stop()
  recoveries = 0
  const path = pathOf(location.hash)
  document.getElementById('path').textContent = path ? shown(path) : ''
  if (!path) return say('Name the path of an asset, such as /sample/index.m3u8.')
  wanted.value = shown(path)
  if (!attempts) say('Loading…')
  if (window.Hls && Hls.isSupported()) {
    hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, xhrSetup: xhr => { xhr.withCredentials = true } })
    hls.on(Hls.Events.ERROR, (_, data) => failed(data))
    hls.on(Hls.Events.MANIFEST_PARSED, () => say(''))
    hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => { if (details.live) liven() })
    hls.loadSource(path)
    hls.attachMedia(video)
  } else if (video.canPlayType('application/vnd.apple.mpegurl')) {
    video.src = path
    say('')
  } else {
    return say('This browser can play neither Media Source Extensions nor HLS.', 'bad')
  }
  video.play().catch(() => {})
}

function stop() {
  clearTimeout(waiting)
  waiting = undefined
  hls?.destroy()
  hls = undefined
}

/** What has played of a stream without end is kept for half a minute only. */
function liven() {
  live = true
  hls.config.backBufferLength = 30
  // Further behind than it may catch up by playing faster, it goes to the newest.
  hls.config.liveMaxLatencyDurationCount = 4
  hls.config.playlistLoadPolicy = PATIENT
}

/** By convention channels are below /live/; one elsewhere is known once it has played. */
function mayComeBack() {
  return live || /\\/live\\//.test(pathOf(location.hash) ?? '')
}

/** Asks ever more seldom until the path has something to play, other than the broadcast \`over\`. */
function wait(over) {
  const path = pathOf(location.hash)
  stop()
  const mine = setTimeout(async () => {
    const text = await fetch(path, { credentials: 'include', cache: 'no-store' }).then(
      answer => (answer.status === 404 || answer.status >= 500 ? undefined : answer.text()),
      () => undefined,
    )
    if (mine !== waiting) return
    if (text === undefined || (over && text.includes(over))) wait(over)
    else play()
  }, Math.min(8000, 1000 * 1.3 ** attempts++))
  waiting = mine
}

function failed(data) {
  if (!data.fatal) {
    if (live && data.details === 'bufferStalledError') stalled()
    return
  }
  const status = data.response?.code
  const reason = data.networkDetails?.getResponseHeader?.('X-Sluice-Reason')
  if (status === 403) {
    // Nothing more will come: no wheel that turns for ever.
    stop()
    return say('Refused: ' + (REASONS[reason] ?? reason ?? 'not allowed') + '.', 'bad')
  }
  if (data.type === 'mediaError' && recoveries++ < 3) return hls.recoverMediaError()
  if (mayComeBack()) {
    say('Waiting for the stream…')
    return wait()
  }
  stop()
  if (status === 404) return say('Nothing is published at this path.', 'bad')
  say('Playback failed: ' + data.details + '.', 'bad')
}

/** Tracks that end a little apart stall at the end of the shorter, and hls.js does not always call that the end. */
function stalled() {
  if (hls.levels[hls.currentLevel]?.details?.live === false) return ended()
  say('Waiting for the stream…')
}

/** After an origin's restart the list begins further on, and hls.js waits for ever for what stood before. */
function leaveGap() {
  const details = hls?.levels?.[hls.currentLevel]?.details
  if (!details?.live || video.readyState > 2 || hls.liveSyncPosition === null) return
  if (video.currentTime < details.fragmentStart - 0.5) video.currentTime = hls.liveSyncPosition
}

/** A channel may go on with another broadcast, which has playlists under another name. */
function ended() {
  if (!mayComeBack()) return
  say('The stream has ended.')
  const playlist = hls?.levels?.[0]?.uri
  wait(playlist && playlist.slice(new URL('.', new URL(pathOf(location.hash), location.href)).href.length))
}

function report() {
  const buffered = video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0
  const quality = video.getVideoPlaybackQuality?.()
  if (video.played.length && video.played.end(0) - video.played.start(0) > 5) attempts = 0
  const rows = [
    ['Picture', video.videoWidth ? video.videoWidth + ' × ' + video.videoHeight : '–'],
    ['Position', video.currentTime.toFixed(1) + ' s'],
    ['Buffer', Math.max(0, buffered).toFixed(1) + ' s'],
    ['Dropped frames', String(quality?.droppedVideoFrames ?? 0)],
  ]
  if (hls?.latency && hls.levels?.[hls.currentLevel]?.details?.live) rows.push(['Behind live', hls.latency.toFixed(1) + ' s'])
  facts.replaceChildren(...rows.map(([name, value]) => {
    const cell = document.createElement('div')
    const term = document.createElement('dt')
    const text = document.createElement('dd')
    term.textContent = name
    text.textContent = value
    cell.append(term, text)
    return cell
  }))
}

document.getElementById('choose').addEventListener('submit', event => {
  event.preventDefault()
  // Once more, and with the path token that is not shown.
  if (wanted.value === shown(pathOf(location.hash) ?? '')) return begin()
  location.hash = wanted.value.startsWith('/') ? wanted.value : '/' + wanted.value
})
addEventListener('hashchange', begin)
video.addEventListener('playing', () => say(''))
video.addEventListener('ended', ended)
setInterval(report, 500)
setInterval(leaveGap, 500)
begin()
`
