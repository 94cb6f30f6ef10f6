// What the live muxer takes of a core for each second of a 3 Mbit/s feed: 720p at 30 frames a second, with sound.
import { spawnSync } from 'node:child_process'
import { FlvReader, LiveMuxer } from '../dist/cmaf/index.js'
import { report } from './running.mjs'

const SECONDS = 60
const picture = ['-f', 'lavfi', '-i', `testsrc2=s=1280x720:r=30:d=${SECONDS}`]
const sound = ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${SECONDS}`]
const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-bf', '2', '-pix_fmt', 'yuv420p']
const rate = [
  '-b:v',
  '3M',
  '-minrate',
  '3M',
  '-maxrate',
  '3M',
  '-bufsize',
  '1M',
  '-x264-params',
  'nal-hrd=cbr',
]
const { stdout } = spawnSync(
  'ffmpeg',
  ['-v', 'error', ...picture, ...sound, ...coding, ...rate, '-c:a', 'aac', '-b:a', '128k', '-f', 'flv', '-'],
  { maxBuffer: 2 ** 28 },
)

/** Reads and muxes the whole feed as it comes off a socket, in chunks of 64 KiB. */
function once() {
  const reader = new FlvReader()
  const muxer = new LiveMuxer()
  let bytes = 0
  const take = events => {
    for (const event of events) if (event.kind === 'part') bytes += event.part.bytes.length
  }
  for (let at = 0; at < stdout.length; at += 65_536) {
    for (const tag of reader.push(stdout.subarray(at, at + 65_536))) take(muxer.push(tag, tag.timestamp))
  }
  take(muxer.end())
  return { bytes, facts: muxer.facts }
}

once()
const RUNS = 10
const before = process.cpuUsage()
let done
for (let run = 0; run < RUNS; run++) done = once()
const { user, system } = process.cpuUsage(before)
report('live muxer: CPU for each second of media', (user + system) / 1000 / RUNS / SECONDS, 'ms')
report('live muxer: what it adds to the media', (100 * (done.bytes - mediaBytes())) / done.bytes, '%')

function mediaBytes() {
  return new FlvReader()
    .push(stdout)
    .reduce(
      (sum, { type, data }) =>
        sum + (type === 'video' ? data.length - 5 : type === 'audio' ? data.length - 2 : 0),
      0,
    )
}
