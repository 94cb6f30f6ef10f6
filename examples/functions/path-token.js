// viewer-request, cloudfront-js-2.0 with a key value store: /t/<expires>-<signature>/film.m3u8 is let in to /film.m3u8, and so
// is whatever the playlist names beside it. The signature is HMAC-SHA256 of `expires` by `path.secret`.
import cf from 'cloudfront'
import crypto from 'crypto'

const store = cf.kvs()

async function handler(event) {
  const request = event.request
  const parts = /^\/t\/(\d{1,12})-([A-Za-z0-9_-]{43})(\/.*)$/.exec(request.uri)
  const denied = { statusCode: 403, statusDescription: 'Forbidden' }
  if (!parts || Number(parts[1]) < Date.now() / 1000) return denied
  const secret = await store.get('path.secret')
  const expected = crypto.createHmac('sha256', secret).update(parts[1]).digest('base64url')
  if (expected !== parts[2]) return denied
  request.uri = parts[3]
  return request
}
