// wrk and h2load on the client's core, and what they say.
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { cpuOf } from '../processes.mjs'
import { quantile, temporaryFolder } from '../running.mjs'
import { CLIENT, run } from './cores.mjs'

const folder = temporaryFolder()
let made = 0

/** Closed loop over 32 connections that are kept. */
export async function wrk(programs, url, { seconds, cookie, script, connections = 32 }) {
  const text = await run(CLIENT, programs.wrk, [
    ...['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s'],
    ...(cookie === undefined ? [] : ['-H', `Cookie: ${cookie}`]),
    ...(script === undefined ? [] : ['-s', script]),
    url,
  ])
  const wrong = /(?:Non-2xx|Socket errors).*/.exec(text)
  const [, requests, took] = /(\d+) requests in ([\d.]+)s/.exec(text) ?? []
  if (wrong || requests === undefined) throw new Error(`${url}: ${wrong?.[0] ?? text}`)
  return { requests: Number(requests), rate: Number(requests) / Number(took) }
}

/** Closed loop over 8 HTTP/2 connections with 8 streams each and a browser's windows. */
export async function h2load(programs, url, { seconds, cookie }) {
  const text = await run(CLIENT, programs.h2load, [
    ...['-t1', '-c8', '-m8', '-w23', '-W24', '-D', String(seconds)],
    ...(cookie === undefined ? [] : ['-H', `cookie: ${cookie}`]),
    url,
  ])
  return outcome(url, text)
}

/** `count` requests over HTTP/1.1. */
export async function requests(programs, url, { count, cookie, connections = 32 }) {
  const text = await run(CLIENT, programs.h2load, [
    ...['--h1', '-t1', `-c${connections}`, '-n', String(count)],
    ...(cookie === undefined ? [] : ['-H', `cookie: ${cookie}`]),
    url,
  ])
  return outcome(url, text)
}

/** Open loop: so many requests a second, whatever becomes of them. Gives quantiles in milliseconds. */
export async function paced(programs, url, { seconds, rate, protocol }) {
  const log = path.join(folder, `${made++}.tsv`)
  const clients = 32
  const text = await run(CLIENT, programs.h2load, [
    ...['-t1', `-c${clients}`, '-m1', '-D', String(seconds), `--rps=${(rate / clients).toFixed(2)}`],
    ...(protocol === 'h1' ? ['--h1'] : []),
    ...['--log-file', log, url],
  ])
  const { rate: reached } = outcome(url, text)
  const lines = readFileSync(log, 'latin1').trimEnd().split('\n')
  rmSync(log)
  const times = lines.map(line => Number(line.split('\t')[2]) / 1000)
  return { reached, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

function outcome(url, text) {
  const rate = Number(/finished in [\d.]+m?s, ([\d.]+) req\/s/.exec(text)?.[1])
  const [, done, failed] = /(\d+) done, \d+ succeeded, (\d+) failed/.exec(text) ?? []
  const good = Number(/status codes: (\d+) 2xx/.exec(text)?.[1])
  if (!(rate > 0) || Number(failed) > 0 || good < Number(done)) throw new Error(`${url}: ${text}`)
  return { requests: good, rate }
}

/** Runs a load and adds how many requests the server answered for each second of its CPU. */
export async function costed(pids, load) {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const before = used()
  const figures = await load()
  return { ...figures, byCpu: figures.requests / (used() - before) }
}
