/* global Hls */
const video = document.querySelector('video')
const state = document.querySelector('#state')

// Page and film are of one host, so the cookies go along by themselves and every URL is relative.
const hls = new Hls()
hls.on(Hls.Events.ERROR, (event, { fatal, response, networkDetails }) => {
  if (response?.code === 403) {
    state.textContent = `Refused: ${networkDetails?.getResponseHeader?.('X-Sluice-Reason')}. Log in again.`
  } else if (fatal) state.textContent = 'The film does not play.'
})
video.addEventListener('playing', () => (state.textContent = 'Playing.'))
hls.loadSource('index.m3u8')
hls.attachMedia(video)
hls.subtitleDisplay = true
video.play().catch(() => (state.textContent = 'Press play.'))
