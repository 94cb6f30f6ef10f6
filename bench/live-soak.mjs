// One channel and a viewer of its playlist for a long time: whether memory stays flat and the stream never stalls.
import { mintNodeToken } from '../dist/signing/index.js'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { assertRunning, makeChannels, publishAll } from './live-load.mjs'
import { memoryOf, roles } from './processes.mjs'
import { down, report, up } from './running.mjs'

/** Parts come every 200 ms: who waits for so long sees a picture that stands. */
const STALL_MS = 1_000
const CHANNELS = 3

/** A line for each minute, then what has changed since the first one, by when every window is full. */
export async function soak(folder, film, minutes) {
  const data = path.join(folder, 'soak')
  const running = await up(data, '--no-sample', '--log-level', 'error')
  const pids = roles(running.child.pid)
  const channels = await makeChannels(data, CHANNELS)
  const publishers = await publishAll(
    film,
    channels.map(({ url }) => url),
  )
  await pause(5_000)
  const state = { over: false, stalls: 0, versions: 0, longest: 0 }
  const reading = follow({ data, origin: running.ready.origin, channel: channels[0].path, state })
  reading.catch(() => {})
  const sizes = []
  for (let minute = 1; minute <= minutes; minute++) {
    await pause(60_000)
    assertRunning(publishers)
    const size = Object.fromEntries(Object.entries(pids).map(([role, pid]) => [role, memoryOf(pid)]))
    sizes.push(size)
    const list = Object.entries(size).map(([role, mebibytes]) => `${role} ${Math.round(mebibytes)}`)
    report(`minute ${minute}: memory, ${list.join(', ')}; stalls so far`, state.stalls, '')
  }
  state.over = true
  for (const role of Object.keys(pids)) {
    const grown = (sizes.at(-1)?.[role] ?? NaN) - (sizes[0]?.[role] ?? NaN)
    report(`memory of ${role} grown from minute 1 to ${minutes}`, grown, 'MiB')
  }
  report('playlist versions read', state.versions, '')
  report('longest wait for one', state.longest, 'ms')
  report(`waits above ${STALL_MS} ms`, state.stalls, '')
  await Promise.all(publishers.map(publisher => publisher.stop()))
  await down(running)
}

/** Asks for each next part's playlist, as a player does that blocks. */
async function follow({ data, origin, channel, state }) {
  const identity = JSON.parse(readFileSync(path.join(data, 'nodes/edge.json'), 'utf8'))
  const ask = async file => {
    const token = await mintNodeToken(identity, 'origin', Date.now())
    const answer = await fetch(new URL(file, origin), { headers: { 'Sluice-Node': token } })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${file} is ${answer.status}`)
    return text
  }
  const [video] = /^\S*video\/playlist\.m3u8/m.exec(await ask(`${channel}/index.m3u8`)) ?? []
  let text = await ask(`${channel}/${video}`)
  while (!state.over) {
    const [, sequence, part] = /PRELOAD-HINT:.*-(\d+)\.(\d+)\.m4s/.exec(text) ?? []
    const began = performance.now()
    text = await ask(`${channel}/${video}?_HLS_msn=${sequence}&_HLS_part=${part}`)
    const waited = performance.now() - began
    state.versions++
    state.longest = Math.max(state.longest, waited)
    if (waited > STALL_MS) state.stalls++
  }
}
