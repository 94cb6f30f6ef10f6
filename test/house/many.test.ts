import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { SETTINGS, type Setting } from '../../src/app/settings.ts'
import { ROLES } from '../../src/core/index.ts'
import { which } from '../tools.mjs'
import { fault, writtenIn } from './commands.ts'
import { readTree, textOf } from './tree.ts'

// There is no engine where these tests run: the files are held against the tables that the command line is made of.
const tree = readTree()

interface Service {
  image: string
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  depends_on?: Record<string, unknown> | string[]
  networks?: string[]
}

const text = textOf(tree, 'docker/many/compose.yaml')
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: object
  networks: object
} // Compose's specification
const services = Object.entries(compose.services)
const ours = services.filter(([name, { image }]) => image === 'sluice:local' && name !== 'tokens')

/** With each variable set, as Compose does before anything else. */
const filled = (value: string): string => value.replace(/\$\{\w+:\?[^}]*\}/g, 'a.example')

describe('the compose file of many containers', () => {
  test('has each role, with enough of them', () => {
    expect(ours.map(([, { command }]) => command?.join(' '))).toEqual([
      'control',
      'origin',
      'origin',
      'regional',
      'edge',
      'edge',
      'gateway',
    ])
    expect(ours.flatMap(([, each]) => fault({ line: 0, words: each.command ?? [] }) ?? [])).toEqual([])
  })

  test('sets what there is to set, to values that are understood', () => {
    const page = textOf(tree, 'docs/CONFIGURATION.md')
    const settings = Object.values(SETTINGS) as Setting<unknown>[]
    for (const [name, { environment = {} }] of ours) {
      for (const [variable, value] of Object.entries(environment)) {
        expect(page, `${name}: ${variable}`).toContain(`\`${variable}\``)
        const setting = settings.find(({ env }) => env === variable)
        if (setting)
          expect(setting.read(filled(value), '/'), `${name}: ${variable}`).toMatchObject({ kind: 'ok' })
      }
    }
  })

  test('shows the world the ports of viewers and encoders alone', () => {
    const shown = services.flatMap(([name, { ports = [] }]) =>
      ports.map(port => `${name} ${port.split(':').at(-1)}`),
    )
    expect(shown).toEqual([
      'edge-1 8080',
      'edge-1 8443',
      'edge-2 8080',
      'edge-2 8443',
      'gateway 1935',
      'gateway 1936',
    ])
  })

  test('has no password, and starts nothing before each was set', () => {
    const secret = /(?:password|secret)\w*: (.*)/gi
    const values = [...text.matchAll(secret)].map(([, value]) => value)
    expect(values.length).toBeGreaterThan(3)
    for (const value of values) expect(value).toMatch(/^\$\{[A-Z_]+:\?set [^}]+\}$/)
    expect([...text.matchAll(/\$\{(\w+)(?!\w|:\?)/g)]).toEqual([])
  })

  test('names volumes, networks and services that it has', () => {
    for (const [name, { volumes = [], networks = [], depends_on = [] }] of services) {
      const named = volumes.map(each => each.split(':')[0] ?? '').filter(each => !each.startsWith('.'))
      expect(Object.keys(compose.volumes), name).toEqual(expect.arrayContaining(named))
      expect(Object.keys(compose.networks), name).toEqual(expect.arrayContaining(networks))
      const before = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)
      expect(Object.keys(compose.services), name).toEqual(expect.arrayContaining(before))
    }
  })

  test('gives each node a token of its role', () => {
    const made = [...textOf(tree, 'docker/many/tokens.sh').matchAll(/^token (\S+) (\S+) (\S+)$/gm)]
    const wanted = ours.flatMap(([name, { command, environment }]) => {
      const file = environment?.['SLUICE_JOIN_FILE']
      return file === undefined ? [] : [`${name} ${command?.[0]} ${file}`]
    })
    expect(made.map(([, name, role]) => `${name} ${role} /joins/${name}`)).toEqual(wanted)
    expect(wanted).toHaveLength(ours.length - 1)
    const line = textOf(tree, 'docker/many/tokens.sh').match(/main\.js (nodes token .*) >/)?.[1] ?? ''
    expect(fault({ line: 0, words: line.split(' ') })).toBeUndefined()
  })
})

const UNITS = ['sluice@.service', 'sluice-backup@.service', 'sluice-backup@.timer']

describe('the units', () => {
  const unit = textOf(tree, 'docker/systemd/sluice@.service')

  test('start each role by the command line, and let it drain', () => {
    expect(unit).toContain('ExecStart=/usr/bin/node /opt/sluice/dist/cli/main.js %i\n')
    const [first = ''] = unit.split('\n')
    const named = [...first.matchAll(/sluice@(\w+)/g)].map(([, role]) => role)
    expect(named.sort()).toEqual([...ROLES, 'up'].sort())
    for (const role of named) expect(fault({ line: 1, words: [role ?? ''] })).toBeUndefined()
    expect(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1])).toBeGreaterThanOrEqual(40)
    const backup = textOf(tree, 'docker/systemd/sluice-backup@.service')
    const line = /main\.js (.*)/.exec(backup)?.[1] ?? ''
    expect(fault({ line: 1, words: line.split(' ') })).toBeUndefined()
  })

  test.each([
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'User=sluice',
    'KillMode=mixed',
    'CapabilityBoundingSet=',
  ])('say %s', line => {
    expect(unit.split('\n')).toContain(line)
  })

  // Locks of data folders lie in /tmp; in one of the unit's own, commands would not find them.
  test('share /tmp with the commands of their user', () => {
    expect(unit).toMatch(/^PrivateTmp=no\nReadWritePaths=\/tmp$/m)
    expect(unit).not.toMatch(/DynamicUser/)
  })

  test.skipIf(which('systemd-analyze') === undefined)('are taken by systemd', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'units-'))
    try {
      const files = UNITS.map(name => {
        const file = path.join(folder, name.replace('@', '@edge'))
        const there = textOf(tree, `docker/systemd/${name}`).replaceAll('/usr/bin/node', process.execPath)
        writeFileSync(file, `${there}\n`)
        return file
      })
      const said = execFileSync('systemd-analyze', ['verify', '--man=no', ...files], {
        encoding: 'utf8',
        stdio: 'pipe',
      })
      expect(said).toBe('')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the commands', () => {
  test.each([
    'README.md',
    'docs/BACKUP.md',
    'docs/GETTING-REAL.md',
    'docs/NODES.md',
    'docs/CONFIGURATION.md',
  ])('that %s names are there, with their options', page => {
    const written = writtenIn(textOf(tree, page))
    expect(written.length).toBeGreaterThan(2)
    expect(written.flatMap(each => fault(each) ?? [])).toEqual([])
  })

  test('that are none are seen', () => {
    const page =
      '`sluice publsh x`\n```sh\nnpx --no sluice backup f --now && sluice up  # sluice nothing\n```\n'
    expect(writtenIn(page).flatMap(each => fault(each) ?? [])).toEqual([
      'line 1: sluice publsh x: there is no such command',
      'line 3: sluice backup f --now: it has no --now',
    ])
  })
})
