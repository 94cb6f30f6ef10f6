/* global Hls */
const video = document.querySelector('video')
const state = document.querySelector('#state')
const film = video.dataset.film

/** What a refusal of the media server means to somebody who reads it. */
const MEANING = {
  missing: 'log in to watch',
  expired: 'your pass has run out: log in again',
  'wrong-resource': 'your pass is for something else',
}

function refused(status, reason) {
  const meaning = MEANING[reason] ?? 'ask us for help'
  state.textContent = `The media server refused the film (${status}, ${reason ?? 'no reason given'}): ${meaning}.`
}

/** New cookies from this site; false when nobody is logged in any more. */
async function renew() {
  return (await fetch('/renew', { method: 'POST' })).ok
}

async function start() {
  // Asked past the browser's cache, which may keep the playlist for a minute: only the media server knows who may watch.
  const answer = await fetch(film, { credentials: 'include', cache: 'no-store' })
  if (!answer.ok) return refused(answer.status, answer.headers.get('x-sluice-reason'))

  // Without withCredentials no cookie goes to another host, even of the same site.
  const hls = new Hls({ xhrSetup: xhr => (xhr.withCredentials = true) })
  let renewed = false
  hls.on(Hls.Events.ERROR, async (event, { fatal, response, networkDetails }) => {
    if (response?.code === 403 && !renewed) {
      renewed = true
      if (await renew()) return hls.startLoad()
    }
    if (response?.code === 403) refused(403, networkDetails?.getResponseHeader?.('x-sluice-reason'))
    else if (fatal) state.textContent = 'The film does not play: is the media server running?'
  })
  hls.on(Hls.Events.FRAG_LOADED, () => (renewed = false))
  video.addEventListener('playing', () => (state.textContent = 'Playing.'))
  hls.loadSource(film)
  hls.attachMedia(video)
  await video.play().catch(() => (state.textContent = 'Press play.'))
}

start().catch(() => (state.textContent = 'The media server does not answer.'))
