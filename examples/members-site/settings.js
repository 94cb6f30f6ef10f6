import { existsSync, readFileSync } from 'node:fs'

/** What the site is told by its environment. Nothing that lets anybody in has a default. */
export function readSettings(env = process.env) {
  const need = (name, why) => {
    if (!env[name]) throw new Error(`${name} is not set: ${why}.`)
    return env[name]
  }
  const url = need('MEDIA_URL', 'give the URL of the media server, such as http://e123.cdn.localhost:8080')
  if (!URL.canParse(url)) throw new Error(`MEDIA_URL is "${url}", which is no URL: write http://host:port.`)
  const media = new URL(url)
  const keyFile = need('MEDIA_KEY_FILE', 'name the file of the private key')
  if (!existsSync(keyFile)) throw new Error(`MEDIA_KEY_FILE is "${keyFile}", and there is no such file.`)
  return {
    port: Number(env.PORT ?? 3000),
    /** Where films are: scheme, host and port as browsers ask for them. */
    mediaOrigin: media.origin,
    /** The parent domain of the site's name and the media server's; cookies set for it reach both. */
    cookieDomain: env.COOKIE_DOMAIN ?? media.hostname.split('.').slice(1).join('.'),
    keyPairId: need('MEDIA_KEY_ID', 'give the id that "sluice keys create" printed'),
    privateKey: readFileSync(keyFile, 'utf8'),
    film: env.FILM ?? '/members/talk',
    /** Everything below it is for members; the cookies go nowhere else. */
    area: env.MEDIA_AREA ?? '/members/',
    user: env.DEMO_USER ?? 'demo',
    password: need('DEMO_PASSWORD', 'choose one for the demo user'),
  }
}
