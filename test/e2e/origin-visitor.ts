import { request } from 'node:http'

/** An answer with its body as bytes. */
export interface BytesAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Asks loopback once under the URL's name, which no resolver has to know; redirects are not followed. */
export function askBytes(
  url: string,
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' = 'GET',
): Promise<BytesAnswer> {
  const { host, port } = new URL(url)
  // As written: the parser of URLs would change some of what is asked for.
  const path = url.slice(url.indexOf(host) + host.length)
  return new Promise((resolve, reject) => {
    const options = { method, host: '127.0.0.1', port, path, headers: { host, ...headers } }
    const asked = request(options, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const given = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        const head = Object.fromEntries(given) as BytesAnswer['headers'] // pairs of texts
        resolve({ status: response.statusCode ?? 0, headers: head, body: Buffer.concat(chunks) })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** The four cookies that a command or a browser has, as a request carries them. */
export function cookieLine(cookies: Record<string, string>): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}
