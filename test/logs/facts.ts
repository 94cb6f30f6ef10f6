import { instant } from '../../src/core/index.ts'
import type { LineSurroundings, RequestFacts } from '../../src/logs/index.ts'

export const AROUND: LineSurroundings = { pop: 'zrh1', domain: 'e1.cdn.localhost' }

/** What is known of any request. */
export const PLAIN: RequestFacts = {
  time: instant(Date.UTC(2026, 10, 22, 12, 59, 59, 998)),
  id: 'r1',
  distribution: 'E1ABCDE',
  method: 'GET',
  status: 200,
  bytes: 7,
  ms: 3,
  result: 'Hit',
  complete: true,
  protocol: '1.1',
}

/** All that may be known of one. */
export const FULL: RequestFacts = {
  ...PLAIN,
  address: '192.0.2.7',
  scheme: 'https',
  host: 'a.example',
  method: 'POST',
  path: '/live/a%20b.m3u8',
  status: 206,
  bytes: 1234,
  ms: 61,
  result: 'Miss',
  form: 'Processed',
  encryptedFields: 2,
  protocol: '2.0',
  port: 50123,
  tls: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  agent: 'Mozilla/5.0 (X11; "q")',
  referer: 'https://b.example/?a=b',
  cookie: 'a=b; c=d',
  forwardedFor: '198.51.100.1, 198.51.100.2',
  accept: '*/*',
  acceptEncoding: 'gzip, br',
  names: 'Host,Accept',
  country: 'CH',
  requestBytes: 411,
  query: 'a=b&CMCD=br%3D3200%2Cbs%2Csid%3D%22s%22%2Cot%3Dv%2Ccom.example-x%3D1',
  firstByteMs: 12,
  type: 'text/plain; charset=utf-8',
  length: '1234',
  range: '0-1233',
  pattern: '/live/*',
  originFirstMs: 8,
  originLastMs: 60,
}
