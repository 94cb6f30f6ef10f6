/** A built-in module as an ES module: what `require` gives, under its names. */
export function moduleText(name: string): string {
  const names = (NAMES.get(name.replace(/^node:/, '')) ?? []).map(
    each => `export const ${each} = found.${each}`,
  )
  return [`const found = require(${JSON.stringify(name)})`, 'export default found', ...names].join('\n')
}

const NAMES = new Map(
  Object.entries({
    crypto: [
      ...['createHash', 'createHmac', 'createVerify', 'createSign', 'verify', 'sign', 'createPublicKey'],
      ...['createSecretKey', 'randomBytes', 'randomUUID', 'randomInt', 'timingSafeEqual'],
    ],
    querystring: ['parse', 'stringify', 'escape', 'unescape', 'decode', 'encode'],
    cloudfront: ['kvs', 'updateRequestOrigin', 'selectRequestOriginById', 'createRequestOriginGroup'],
    buffer: ['Buffer', 'atob', 'btoa'],
    url: ['URL', 'URLSearchParams', 'parse', 'format', 'resolve'],
    util: ['inspect', 'format', 'promisify', 'TextEncoder', 'TextDecoder'],
    path: ['join', 'basename', 'dirname', 'extname', 'parse', 'normalize', 'isAbsolute', 'sep', 'posix'],
  }),
)
