// Makes what no repository should hold, with ffmpeg: the film in HLS, encrypted, its poster, and something to install.
//   node make-media.js FILM.mp4 [FOLDER]
import { execFileSync } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const INSTALLER_BYTES = 8 * 1024 * 1024

const [source, folder = fileURLToPath(new URL('made/', import.meta.url))] = process.argv.slice(2)
if (source === undefined) {
  console.error('Name a film: node make-media.js FILM.mp4 [FOLDER]')
  process.exit(1)
}
const film = path.join(folder, 'members/film')
for (const each of ['picture', 'sound']) mkdirSync(path.join(film, each), { recursive: true })
mkdirSync(path.join(folder, 'downloads'), { recursive: true })

const key = randomBytes(16)
writeFileSync(path.join(film, 'film.key'), key)
segment('picture', '-map', '0:v:0', '-c', 'copy')
segment('sound', '-map', '0:a:0', '-c', 'copy')
ffmpeg('-ss', '10', '-i', source, '-frames:v', '1', path.join(folder, 'members/poster.jpg'))
writeFileSync(path.join(folder, 'downloads/installer.bin'), randomBytes(INSTALLER_BYTES))

function ffmpeg(...args) {
  execFileSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], { stdio: 'inherit' })
}

/** One rendition: init and segments as fragmented MP4, then each segment encrypted as RFC 8216 §5.2 has it. */
function segment(name, ...tracks) {
  const playlist = path.join(film, name, 'index.m3u8')
  const hls = ['-f', 'hls', '-hls_time', '4', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4']
  ffmpeg('-i', source, ...tracks, ...hls, '-hls_segment_filename', path.join(film, name, '%d.m4s'), playlist)
  const text = readFileSync(playlist, 'utf8')
  for (const [file] of text.matchAll(/^\d+\.m4s$/gm)) {
    const iv = Buffer.alloc(16)
    iv.writeUInt32BE(Number.parseInt(file), 12) // the media sequence number, which begins at 0
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    const clear = readFileSync(path.join(film, name, file))
    writeFileSync(path.join(film, name, file), Buffer.concat([cipher.update(clear), cipher.final()]))
  }
  // Behind EXT-X-MAP, so that the init stays in the clear.
  writeFileSync(playlist, text.replace('#EXTINF', '#EXT-X-KEY:METHOD=AES-128,URI="../film.key"\n#EXTINF'))
}
