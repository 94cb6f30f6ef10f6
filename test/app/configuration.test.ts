import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  printConfiguration,
  resolveConfiguration,
  type ConfigurationInputs,
} from '../../src/app/configuration.ts'
import { freshFolder } from './folder.ts'

function resolve(yaml: string | undefined, rest: Partial<ConfigurationInputs> = {}) {
  const cwd = freshFolder()
  if (yaml !== undefined) writeFileSync(join(cwd, 'sluice.yaml'), yaml)
  return { cwd, ...resolveConfiguration({ env: {}, cwd, ...rest }) }
}

test('nothing is needed', () => {
  const { configuration, cwd, file } = resolve(undefined)
  expect(file).toBeUndefined()
  expect(configuration).toMatchObject({
    data: join(cwd, '.sluice'),
    http: { port: 8080 },
    https: { port: 8443 },
    rtmp: { port: 1935 },
    rtmps: { port: 1936 },
    control: { host: '127.0.0.1', port: 9000 },
    origin: { host: '127.0.0.1', port: 9001 },
    regional: { host: '127.0.0.1', port: 9002 },
    admin: { host: '127.0.0.1', port: 9100 },
    allowOrigins: [],
    trustedProxies: [],
    domainSuffix: 'cdn.localhost',
    pop: 'local',
    logLevel: 'info',
  })
  expect(configuration.memoryCacheBytes).toBeGreaterThan(1 << 24)
})

test.each([
  ['default', undefined, {}, {}, 8080],
  ['file', 'http: 1', {}, {}, 1],
  ['environment', 'http: 1', { SLUICE_HTTP: '2' }, {}, 2],
  ['flag', 'http: 1', { SLUICE_HTTP: '2' }, { http: '3' }, 3],
  ['file', 'http: "1"', { SLUICE_HTTP: '' }, {}, 1],
])('%s decides', (source, yaml, env, flags, port) => {
  const { configuration, origins } = resolve(yaml, { env, flags })
  expect(configuration.http).toEqual({ port })
  expect(origins.http.source).toBe(source)
})

test('every kind of setting can stand in the file', () => {
  const { configuration, cwd } = resolve(`
data: store
http: 127.0.0.1:80
origins:
  allow: [127.0.0.0/8, "::1"]
trustedProxies: 10.0.0.0/8, 192.168.0.1
certificates: [{ certificate: a.pem, key: /b/a.key }, "c.pem:c.key"]
limits: { connections: 5000 }
domainSuffix: CDN.example.com
cache: { memory: 1GiB }
pop: fra1
logLevel: warn
`)
  expect(configuration).toMatchObject({
    data: join(cwd, 'store'),
    http: { host: '127.0.0.1', port: 80 },
    allowOrigins: ['127.0.0.0/8', '::1'],
    trustedProxies: ['10.0.0.0/8', '192.168.0.1'],
    certificates: [
      { certificateFile: join(cwd, 'a.pem'), keyFile: '/b/a.key' },
      { certificateFile: join(cwd, 'c.pem'), keyFile: join(cwd, 'c.key') },
    ],
    connections: 5000,
    connectionsPerAddress: 1000,
    domainSuffix: 'cdn.example.com',
    memoryCacheBytes: 1 << 30,
    pop: 'fra1',
    logLevel: 'warn',
  })
})

test('the file is found by flag and by environment, and its relative paths are its own', () => {
  const folder = freshFolder()
  writeFileSync(join(folder, 'other.yaml'), 'data: here')
  const file = join(folder, 'other.yaml')
  expect(resolve(undefined, { file }).configuration.data).toBe(join(folder, 'here'))
  expect(resolve(undefined, { env: { SLUICE_CONFIG: file } }).configuration.data).toBe(join(folder, 'here'))
})

test.each([
  ['htp: 80', 'sluice.yaml has an unknown key "htp": did you mean "http"?'],
  [
    'colour: red',
    'sluice.yaml has an unknown key "colour": "sluice config print" lists those that there are.',
  ],
  ['origins: { alow: [] }', 'sluice.yaml has an unknown key "origins.alow": did you mean "origins.allow"?'],
  [
    'origins: 3',
    '"origins" in sluice.yaml holds further keys, such as "origins.allow": write them below it.',
  ],
  ['http: 70000', 'sluice.yaml is not valid at /http: must be <= 65535'],
  [
    'http: many',
    '"http" in sluice.yaml is "many", which is not valid: use a port from 0 to 65535, or host:port.',
  ],
  [
    'origins: { allow: [10.0.0.0/33] }',
    '"origins.allow" in sluice.yaml is "10.0.0.0/33", which is not valid: "10.0.0.0/33" is no address range, write 10.0.0.0/8 or ::1/128.',
  ],
  [
    'cache: { memory: lots }',
    '"cache.memory" in sluice.yaml is "lots", which is not valid: write a size such as 512MiB or 2GiB.',
  ],
  [
    'domainSuffix: -x-',
    '"domainSuffix" in sluice.yaml is "-x-", which is not valid: write a domain such as cdn.example.com.',
  ],
  [
    'logLevel: loud',
    '"logLevel" in sluice.yaml is "loud", which is not valid: use one of debug, info, warn, error.',
  ],
  [
    'pop: "a b"',
    '"pop" in sluice.yaml is "a b", which is not valid: use at most 32 letters, digits and "-".',
  ],
  ['- a', 'sluice.yaml must be a list of "key: value" lines.'],
])('%j ends with one sentence', (yaml, sentence) => {
  expect(() => resolve(yaml)).toThrow(sentence)
})

test('a file that is not YAML is told with its line', () => {
  expect(() => resolve('http: 1\n  data: [')).toThrow(/^sluice\.yaml is not YAML at line \d: .*\.$/)
})

test('a bad flag and a bad variable are named as they were given', () => {
  expect(() => resolve(undefined, { flags: { http: 'x' } })).toThrow('--http is "x", which is not valid: ')
  expect(() => resolve(undefined, { env: { SLUICE_HTTP: 'x' } })).toThrow(
    'SLUICE_HTTP is "x", which is not valid: ',
  )
})

test('a configuration file that was asked for and is not there ends with a sentence', () => {
  expect(() => resolve(undefined, { file: 'none.yaml' })).toThrow(
    'The configuration file none.yaml does not exist: give another with --config.',
  )
})

test('what is printed can be read again and means the same', () => {
  const first = resolve('http: 127.0.0.1:81\norigins: { allow: [10.0.0.0/8] }', {
    env: { SLUICE_DATA: '/data' },
  })
  const again = resolve(printConfiguration(first))
  const { memoryCacheBytes, ...rest } = first.configuration
  expect(again.configuration).toMatchObject(rest)
  // Printed for people, so rounded.
  expect(again.configuration.memoryCacheBytes / memoryCacheBytes).toBeCloseTo(1, 1)
})
