// From `npm start` in a fresh clone, with the registry's packages in npm's cache, to the sample's first picture.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { findBrowser } from '../test/tools.mjs'
import { FREE_PORTS, report, ROOT, startReady, temporaryFolder } from './running.mjs'

const folder = temporaryFolder()
const clone = path.join(folder, 'clone')
spawnSync('git', ['clone', '-q', ROOT, clone])

const browser = await chromium.launch({
  executablePath: findBrowser(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--autoplay-policy=no-user-gesture-required',
  ],
})
const page = await browser.newPage()

/** One start, until the picture moves. */
async function start(name) {
  const began = performance.now()
  const running = await startReady('npm', ['start', '--silent', '--', '--json', ...FREE_PORTS], {
    cwd: clone,
  })
  const { http, distribution, sample } = running.ready
  const port = new URL(http).port
  await page.goto(`http://${distribution.domain}:${port}/.sluice/player#${sample}`)
  await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.1)
  report(`${name}: npm start until everything answers`, running.ms / 1000, 's')
  report(`${name}: npm start until the sample plays in Chromium`, (performance.now() - began) / 1000, 's')
  await page.goto('about:blank')
  running.child.removeAllListeners('exit')
  process.kill(running.ready.pid, 'SIGTERM')
  await new Promise(resolve => running.child.once('exit', resolve))
}

await start('fresh clone')
await start('second start')
await browser.close()
process.exit(0)
