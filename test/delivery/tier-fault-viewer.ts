import { request as ask, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

export interface Wish {
  path: string
  query?: string
  method?: 'GET' | 'HEAD'
  headers?: Record<string, string>
}

/** What a viewer got; `hung` when nothing more came of it within the bound. */
export interface Received {
  status: number
  headers: IncomingHttpHeaders
  ended: 'whole' | 'cut' | 'hung'
  body: Buffer
  ms: number
}

/** From question to end, whatever was cut meanwhile. */
export const LONGEST = 20_000

/** One question over a connection of its own; undefined when there was no answer. */
export function view(base: string, wish: Wish): Promise<Received | undefined> {
  const { path, query = '', method = 'GET', headers = {} } = wish
  const began = performance.now()
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let answer: IncomingMessage | undefined
    const done = (ended: Received['ended']): void => {
      clearTimeout(timer)
      request.destroy()
      if (answer === undefined && ended !== 'hung') return resolve(undefined)
      const { statusCode: status = 0, headers: fields = {} } = answer ?? {}
      const ms = Math.round(performance.now() - began)
      resolve({ status, headers: fields, ended, body: Buffer.concat(chunks), ms })
    }
    const timer = setTimeout(() => done('hung'), LONGEST)
    const request = ask(`${base}${path}${query}`, { agent: false, method, headers }, response => {
      answer = response
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => done(response.complete ? 'whole' : 'cut'))
      response.on('error', () => done('cut'))
      response.on('close', () => done(response.complete ? 'whole' : 'cut'))
    })
    request.on('error', () => done('cut'))
    request.end()
  })
}
