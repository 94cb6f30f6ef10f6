// nginx and Varnish before the bench's origin, set up as their documentation tunes them for one core.
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder } from '../running.mjs'
import { childrenOf, end, SERVER, spawnOn } from './cores.mjs'

/** `quiet` is the address at which it writes no access log. `disk` bounds its cache; memory beside it is the system's. */
export async function startNginx(programs, origin, { certificate, key, disk = '20g' }) {
  const folder = temporaryFolder()
  const [plain, quiet, tls] = await freePorts(3)
  for (const name of ['cache', 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'])
    mkdirSync(path.join(folder, name))
  const file = path.join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration({ folder, origin, plain, quiet, tls, certificate, key, disk }))
  const errors = path.join(folder, 'error.log')
  const child = spawnOn(SERVER, programs.nginx, ['-p', folder, '-e', errors, '-c', file], {
    ...{ stdio: 'ignore', endsWith: 'SIGTERM' },
  })
  await listening(child, plain)
  return {
    ...{ name: 'nginx', http: `http://127.0.0.1:${plain}`, https: `https://127.0.0.1:${tls}` },
    quiet: `http://127.0.0.1:${quiet}`,
    pids: childrenOf(child.pid, /worker process/),
    close: () => end(child),
  }
}

function nginxConfiguration({ folder, origin, plain, quiet, tls, certificate, key, disk }) {
  const temporary = ['client_body_temp_path body', 'fastcgi_temp_path fastcgi', 'uwsgi_temp_path uwsgi']
  return `daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid ${folder}/pid; error_log ${folder}/error.log crit;
${process.getuid?.() === 0 ? `user ${os.userInfo().username};` : ''}
events { worker_connections 19000; multi_accept on; }
http {
  ${[...temporary, 'scgi_temp_path scgi', 'proxy_temp_path proxy'].map(each => `${each};`).join(' ')}
  access_log ${folder}/access.log combined buffer=256k flush=1s;
  sendfile on; tcp_nopush on; tcp_nodelay on; open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;
  keepalive_timeout 600s; keepalive_requests 1000000000; output_buffers 2 256k; http2_max_concurrent_streams 128;
  ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:10m; ssl_ciphers HIGH:!aNULL; ssl_prefer_server_ciphers off;
  upstream origin { server ${new URL(origin.url).host}; keepalive 128; keepalive_requests 1000000000; }
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=cache:256m max_size=${disk} inactive=1d use_temp_path=off;
  proxy_cache cache; proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_valid 200 1d; proxy_cache_key $uri$is_args$args;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_buffers 32 32k; proxy_buffer_size 16k;
  add_header X-Cache $upstream_cache_status;
  server { listen 127.0.0.1:${plain} backlog=4096; location / { proxy_pass http://origin; } }
  server { listen 127.0.0.1:${quiet} backlog=4096; access_log off; location / { proxy_pass http://origin; } }
  server { listen 127.0.0.1:${tls} ssl http2 backlog=4096; location / { proxy_pass http://origin; } }
}
`
}

/** Its own log is shared memory, which is always on; nothing is written to a disk. It speaks no TLS. */
export async function startVarnish(programs, origin, { memory = '1g' } = {}) {
  const folder = temporaryFolder()
  const [port] = await freePorts(1)
  const file = path.join(folder, 'bench.vcl')
  writeFileSync(
    file,
    `vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "${origin.port}"; .max_connections = 2000; }
sub vcl_hash { hash_data(req.url); return (lookup); }
sub vcl_deliver { if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; } else { set resp.http.X-Cache = "MISS"; } }
`,
  )
  const parameters = {
    thread_pools: 1,
    thread_pool_min: 100,
    thread_pool_max: 5000,
    thread_pool_timeout: 300,
    listen_depth: 4096,
    timeout_idle: 600,
    ban_lurker_sleep: 0,
  }
  const args = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`])
  const child = spawnOn(
    SERVER,
    programs.varnishd,
    [
      ...['-F', '-n', path.join(folder, 'work'), '-f', file, '-a', `127.0.0.1:${port}`, '-j', 'none'],
      ...['-s', `malloc,${memory}`, ...args],
    ],
    { stdio: 'ignore', endsWith: 'SIGTERM' },
  )
  await listening(child, port)
  const pids = childrenOf(child.pid, /varnish|cache-main/)
  return { name: 'Varnish', http: `http://127.0.0.1:${port}`, pids, close: () => end(child) }
}

/** Free ones of loopback, held until all are known. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = net.createServer()
      return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
    }),
  )
  const ports = servers.map(server => server.address().port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

async function listening(child, port) {
  for (const until = Date.now() + 20_000; Date.now() < until; await pause(50)) {
    if (child.exitCode !== null) break
    if ((await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)) !== undefined) return
  }
  throw new Error(`${child.spawnargs.slice(3).join(' ')} did not start`)
}
