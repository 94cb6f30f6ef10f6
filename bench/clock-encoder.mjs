// An encoder with a clock in its picture: the milliseconds of the day, modulo 2^16, stand as sixteen bright or dark
// blocks along the upper edge, painted before the picture is encoded. Who reads them from a screen and compares them
// with the time knows how long the way from the lens to the glass took.
import { spawn } from 'node:child_process'

const WIDTH = 640
const HEIGHT = 360
const RATE = 30
const BITS = 16
/** A block is BLOCK - 8 pixels wide, begins at MARGIN + n × BLOCK, and is read in its middle. */
const BLOCK = 38
const MARGIN = 16
const BAND = 40

/** OBS's usual choice is `veryfast` with B-frames and look-ahead; `zerolatency` is what a presenter in a hurry sets. */
const TUNES = {
  zerolatency: ['-preset', 'ultrafast', '-tune', 'zerolatency'],
  usual: ['-preset', 'veryfast', '-bf', '2'],
}

function background() {
  const frame = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) frame[y * WIDTH + x] = 48 + ((x * 5 + y * 3) % 128)
  }
  return frame
}

function paint(frame, number, now) {
  const clock = now & 0xffff
  frame.fill(16, 0, WIDTH * BAND)
  for (let bit = 0; bit < BITS; bit++) {
    if (((clock >> bit) & 1) === 0) continue
    const from = MARGIN + bit * BLOCK
    for (let y = 4; y < BAND - 4; y++) frame.fill(235, y * WIDTH + from, y * WIDTH + from + BLOCK - 8)
  }
  const left = (number * 6) % (WIDTH - 80)
  for (let y = 160; y < 240; y++) frame.fill(220, y * WIDTH + left, y * WIDTH + left + 80)
}

/**
 * Publishes to an RTMP URL until `stop` or for `seconds`; `ended` resolves with ffmpeg's exit code and what it said.
 * @param {string} url
 * @param {{ seconds?: number, tune?: 'zerolatency' | 'usual', bitrate?: string }} [options]
 */
export function publishClock(url, { seconds = 60, tune = 'zerolatency', bitrate = '1500k' } = {}) {
  const args = ['-hide_banner', '-v', 'error']
  args.push(
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv420p',
    '-s',
    `${WIDTH}x${HEIGHT}`,
    '-r',
    String(RATE),
    '-i',
    'pipe:0',
  )
  args.push(
    '-f',
    'lavfi',
    '-i',
    'sine=440:r=48000',
    '-c:v',
    'libx264',
    ...TUNES[tune],
    '-g',
    String(2 * RATE),
  )
  args.push(
    '-b:v',
    bitrate,
    '-maxrate',
    bitrate,
    '-bufsize',
    bitrate,
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-shortest',
  )
  args.push('-flush_packets', '1', '-f', 'flv', url)
  const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', data => (said = (said + data).slice(-4000)))
  child.stdin.on('error', () => {}) // the server let go; the exit code tells
  const began = performance.now()
  const empty = background()
  let number = 0
  let timer
  const tick = () => {
    if (number >= seconds * RATE) return child.stdin.end()
    const frame = Buffer.from(empty)
    paint(frame, number, Date.now())
    child.stdin.write(frame)
    number++
    timer = setTimeout(tick, Math.max(0, began + (number * 1000) / RATE - performance.now()))
  }
  tick()
  const ended = new Promise(resolve =>
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ code, said })
    }),
  )
  return {
    ended,
    /** Ends the stream politely, as somebody who presses "Stop Streaming". */
    stop() {
      clearTimeout(timer)
      child.stdin.end()
    },
    /** Pulls the plug. */
    kill() {
      child.kill('SIGKILL')
    },
  }
}

/**
 * Runs in a page: reads the clock of each frame that its video shows, for `seconds`; gives the delay of each in
 * milliseconds. Stands alone, since the browser gets its text.
 * @param {number} seconds
 * @returns {Promise<number[]>}
 */
export function readDelays(seconds) {
  const [block, margin, bits, width, height, band] = [38, 16, 16, 640, 360, 40]
  const video = document.querySelector('video')
  const canvas = Object.assign(document.createElement('canvas'), { width, height: band })
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  const delays = []
  return new Promise(resolve => {
    const end = performance.now() + seconds * 1000
    const look = (now, frame) => {
      const part = (video.videoHeight * band) / height
      drawing.drawImage(video, 0, 0, video.videoWidth, part, 0, 0, width, band)
      const { data } = drawing.getImageData(0, band / 2, width, 1)
      let clock = 0
      for (let bit = 0; bit < bits; bit++) {
        if (data[(margin + bit * block + (block - 8) / 2) * 4 + 1] > 128) clock |= 1 << bit
      }
      const shown = Math.round(performance.timeOrigin + (frame.expectedDisplayTime ?? now)) & 0xffff
      delays.push((shown - clock + 0x10000) & 0xffff)
      if (performance.now() < end) video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
    setTimeout(() => resolve(delays), seconds * 1000 + 500)
  })
}
