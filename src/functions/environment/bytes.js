// What strings of CloudFront's runtime 1.0 know of bytes: a byte string has a character up to U+00FF for each.
;(function (lib) {
  'use strict'
  const { Buffer } = lib.library('buffer')
  const latin = bytes => bytes.toString('latin1')
  return {
    bytesFrom: (value, encoding) =>
      latin(typeof value === 'string' ? Buffer.from(value, encoding ?? 'utf8') : Buffer.from(value)),
    toBytes: (text, start, end) => String(text).slice(start, end),
    fromBytes: (text, start, end) => String(text).slice(start, end),
    toUTF8: (text, start, end) => latin(Buffer.from(String(text).slice(start, end), 'utf8')),
    fromUTF8: (text, start, end) => Buffer.from(String(text).slice(start, end), 'latin1').toString('utf8'),
  }
})
