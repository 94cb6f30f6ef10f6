// nginx with its RTMP module and plain HLS, as its documentation sets it up: what live is compared with.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder } from './running.mjs'

const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/local/nginx/modules']

/** Starts it on free ports of loopback; undefined when this machine has no nginx-rtmp. */
export async function startNginx() {
  const module = MODULES.map(folder => path.join(folder, 'ngx_rtmp_module.so')).find(file => existsSync(file))
  if (module === undefined) return undefined
  const folder = temporaryFolder()
  const [rtmp, http] = await Promise.all([freePort(), freePort()])
  for (const name of ['hls', 'temp']) mkdirSync(path.join(folder, name))
  const file = path.join(folder, 'nginx.conf')
  writeFileSync(file, configuration({ folder, module, rtmp, http }))
  const child = spawn('nginx', ['-p', folder, '-e', path.join(folder, 'error.log'), '-c', file], {
    stdio: 'ignore',
  })
  const ended = new Promise(resolve => {
    child.once('close', resolve)
    child.once('error', resolve)
  })
  const kill = () => child.kill('SIGTERM')
  process.on('exit', kill)
  for (let tries = 0; tries < 50 && !(await answers(http)); tries++) await pause(100)
  if (!(await answers(http))) return undefined
  return {
    folder,
    pid: child.pid,
    rtmp: `rtmp://127.0.0.1:${rtmp}/live`,
    http: `http://127.0.0.1:${http}`,
    async close() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** One process does everything, so that it is the one to measure. */
function configuration({ folder, module, rtmp, http }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${folder}/temp;`)
    .join(' ')
  return `load_module ${module};
daemon off; master_process off; worker_processes 1; pid ${folder}/pid;
${process.getuid?.() === 0 ? `user ${os.userInfo().username};` : ''}
events { worker_connections 1024; }
rtmp { server { listen 127.0.0.1:${rtmp}; application live { live on; hls on; hls_path ${folder}/hls; hls_fragment 2s; } } }
http {
  access_log off; ${temporary}
  types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; text/html html; text/javascript js; }
  server { listen 127.0.0.1:${http}; root ${folder}; location /hls { add_header Cache-Control no-cache; } }
}
`
}

function freePort() {
  return new Promise(resolve => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function answers(port) {
  return (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)) !== undefined
}
