// From the lens to the glass: a clock is painted into the picture before it is encoded and read back from the screen of
// a browser, through RTMP, one edge, HTTP/2 and cookies; and beside it through nginx-rtmp's HLS.
import { copyFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { publishClock, readDelays } from './clock-encoder.mjs'
import { startNginx } from './nginx-rtmp.mjs'
import { cli, down, quantile, report, up } from './running.mjs'
import '../test/control/typescript-loader.mjs'

const { openBrowser } = await import('../test/e2e/browser.ts')

/** Players close in on the live edge by and by. */
const SETTLE_SECONDS = 10
const READ_SECONDS = Number(process.env.READ_SECONDS ?? 12)
const STARTS_WITHIN_SECONDS = 30
const TOGETHER = { zerolatency: 'x264 zerolatency', usual: 'x264 veryfast with B-frames' }

export async function measureGlass(folder) {
  const data = path.join(folder, 'glass')
  const running = await up(data, '--no-sample', '--log-level', 'error')
  const browser = await openBrowser()
  try {
    for (const tune of Object.keys(TOGETHER)) await ours({ data, running, browser, tune })
    await theirs(browser)
  } finally {
    await browser.close()
    await down(running)
  }
}

async function ours({ data, running, browser, tune }) {
  const channel = `/members/live/${tune}`
  cli(data, 'live', 'create', channel)
  const { distribution, https } = running.ready
  const site = `https://${distribution.domain}:${new URL(https).port}`
  const cookies = cli(data, 'sign', 'cookies', `https://*${channel}/*`)
  await browser.context.addCookies(
    Object.entries(cookies).map(([name, value]) => ({
      ...{ name, value, url: site, secure: true, httpOnly: true },
    })),
  )
  const encoder = publishClock(cli(data, 'live', 'sign', channel).url, { seconds: 120, tune })
  await show(
    browser,
    `${site}/.sluice/player#${channel}`,
    `low-latency HLS, HTTP/2, cookies, ${TOGETHER[tune]}`,
  )
  encoder.kill()
  await encoder.ended
}

/** As its documentation sets it up, with hls.js as it comes. */
async function theirs(browser) {
  const nginx = await startNginx()
  if (!nginx) return report('nginx-rtmp, glass to glass', 'skipped: this machine has none', '')
  const script = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')
  copyFileSync(script, path.join(nginx.folder, 'hls.js'))
  writeFileSync(
    path.join(nginx.folder, 'player.html'),
    `<!doctype html><video muted autoplay></video><script src="/hls.js"></script><script>
const hls = new Hls()
hls.loadSource('/hls/clock.m3u8')
hls.attachMedia(document.querySelector('video'))
</script>`,
  )
  const encoder = publishClock(`${nginx.rtmp}/clock`, { seconds: 120 })
  const playlist = `${nginx.http}/hls/clock.m3u8`
  for (let tries = 0; tries < 150 && !(await fetch(playlist)).ok; tries++) await pause(200)
  await show(browser, `${nginx.http}/player.html`, `nginx-rtmp, plain HLS of 2 s, ${TOGETHER.zerolatency}`)
  encoder.kill()
  await encoder.ended
  await nginx.close()
}

async function show(browser, url, name) {
  const page = await browser.page()
  await page.goto(url)
  const plays = () => (document.querySelector('video')?.currentTime ?? 0) > 1
  await page.waitForFunction(plays, undefined, { timeout: STARTS_WITHIN_SECONDS * 1000 })
  await pause(SETTLE_SECONDS * 1000)
  const delays = await page.evaluate(readDelays, READ_SECONDS)
  const protocols = await page.evaluate(() => [
    ...new Set(performance.getEntriesByType('resource').flatMap(entry => entry.nextHopProtocol || [])),
  ])
  await page.close()
  report(
    `glass to glass, ${name}: p50 of ${delays.length} pictures (${protocols.join(', ')})`,
    quantile(delays, 0.5),
    'ms',
  )
  report(`glass to glass, ${name}: p95`, quantile(delays, 0.95), 'ms')
}
