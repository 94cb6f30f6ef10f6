import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** OpenStack Swift on this machine, spoken to in S3's words by its own s3api: a store that checks signatures for real. */
export interface Swift {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  close(): Promise<void>
}

const SERVERS = ['account', 'container', 'object'] as const
const REGION = 'eu-central-1'
const ACCOUNT = 'films'
const USER = 'reader'
/** Of this store alone, which is gone with the test. */
const SECRET = 'a-secret-of-this-test'

/** Everything lies in `folder`, whose filesystem has extended attributes; one copy of each object, one worker each. */
export async function startSwift(folder: string): Promise<Swift> {
  const rings = path.join(folder, 'rings')
  const devices = path.join(folder, 'devices')
  mkdirSync(rings, { recursive: true })
  mkdirSync(path.join(devices, 'disk'), { recursive: true })
  const children: ChildProcess[] = []
  const start = (name: string, text: string): void => {
    const file = path.join(folder, `${name}.conf`)
    writeFileSync(file, text)
    children.push(spawn(`swift-${name}-server`, [file], { stdio: 'ignore' }))
  }
  const common = `user = ${os.userInfo().username}\nswift_dir = ${rings}\nworkers = 0\nbind_ip = 127.0.0.1\n`
  for (const name of SERVERS) {
    const port = await freePort()
    makeRing(path.join(rings, `${name}.builder`), port)
    start(
      name,
      `[DEFAULT]\n${common}bind_port = ${port}\ndevices = ${devices}\nmount_check = false\n[pipeline:main]\npipeline = ${name}-server\n[app:${name}-server]\nuse = egg:swift#${name}\n`,
    )
  }
  const port = await freePort()
  start('proxy', proxyConfiguration(`[DEFAULT]\n${common}bind_port = ${port}\n`, await freePort()))
  const endpoint = `http://127.0.0.1:${port}`
  await answers(endpoint)
  return {
    endpoint,
    region: REGION,
    accessKeyId: `${ACCOUNT}:${USER}`,
    secretAccessKey: SECRET,
    async close() {
      const running = children.filter(child => child.exitCode === null && child.signalCode === null)
      const ended = running.map(child => once(child, 'exit'))
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(ended)
    },
  }
}

function makeRing(builder: string, port: number): void {
  const ring = (...words: string[]): void => {
    execFileSync('swift-ring-builder', [builder, ...words], { stdio: 'ignore' })
  }
  ring('create', '4', '1', '0')
  ring('add', `r1z1-127.0.0.1:${port}/disk`, '1')
  ring('rebalance')
}

/** No memcached runs at the port that is named: tempauth wants one configured, and S3's signatures need none. */
function proxyConfiguration(head: string, memcached: number): string {
  return `${head}
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = ${REGION}
auth_pipeline_check = false
[filter:tempauth]
use = egg:swift#tempauth
user_${ACCOUNT}_${USER} = ${SECRET} .admin
[filter:slo]
use = egg:swift#slo
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}

/** Python takes seconds to load all of it; the deadline is for a broken installation. */
async function answers(url: string): Promise<void> {
  for (const end = Date.now() + 60_000; ;) {
    try {
      await (await fetch(url)).body?.cancel()
      return
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }
}
