import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { importKey } from 'sluice/sign'

/** What the server is told by its environment. Nothing that lets anybody in has a default. */
export async function readSettings(env = process.env) {
  const need = (name, why) => {
    if (!env[name]) throw new Error(`${name} is not set: ${why}.`)
    return env[name]
  }
  const url = need('MEDIA_URL', 'give the URL of the area, such as http://www.area.localhost:8080')
  if (!URL.canParse(url)) throw new Error(`MEDIA_URL is "${url}", which is no URL: write http://host:port.`)
  const media = new URL(url)
  const keyFile = need('MEDIA_KEY_FILE', 'name the file of the private key')
  if (!existsSync(keyFile)) throw new Error(`MEDIA_KEY_FILE is "${keyFile}", and there is no such file.`)
  const here = path => fileURLToPath(new URL(path, import.meta.url))
  return {
    /** Scheme, host and port as browsers ask for the area. */
    area: media.origin,
    /** The parent domain of area and door: cookies set for it at the one reach the other. */
    cookieDomain: env.COOKIE_DOMAIN ?? media.hostname.split('.').slice(1).join('.'),
    key: await importKey({
      keyPairId: need('MEDIA_KEY_ID', 'give the id that "sluice keys create" printed'),
      privateKey: readFileSync(keyFile, 'utf8'),
    }),
    /** The value of X-Origin-Secret: who does not bring it reads nothing here. */
    secret: need('ORIGIN_SECRET', 'make one with "openssl rand -hex 32"'),
    /** Pages, and what make-media.js has made. */
    folders: [here('site/'), env.MADE ?? here('made/')],
    doorPort: Number(env.PORT ?? 3000),
    originPort: Number(env.ORIGIN_PORT ?? 3001),
    user: env.DEMO_USER ?? 'demo',
    password: need('DEMO_PASSWORD', 'choose one for the demo user'),
  }
}
