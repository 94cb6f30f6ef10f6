import { existsSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { imageFaults, instructions, missingSources } from './docker.ts'
import { readTree, ROOT, textOf, treeOf } from './tree.ts'

// There is no Docker engine where these tests run: they read the files, and nothing builds the image.
const tree = readTree()

interface Compose {
  services: Record<
    string,
    {
      build: { context: string; dockerfile: string }
      ports: string[]
      volumes: string[]
      cap_drop: string[]
      tmpfs: string[]
    }
  >
  volumes: Record<string, unknown>
}

test('the image is small, runs as nobody special, tells its health and ends politely', () => {
  expect(imageFaults(tree)).toEqual([])
})

test('everything that the image copies is there', () => {
  expect(missingSources(tree, file => existsSync(path.join(ROOT, file)))).toEqual([])
})

test('compose starts that image with a volume, and shows the control port to this machine only', () => {
  const compose = parse(textOf(tree, 'docker/compose.yaml')) as Compose // Compose's specification
  expect(Object.keys(compose.services)).toEqual(['sluice', 'prometheus', 'grafana'])
  const { build, ports, volumes, cap_drop, tmpfs } = compose.services.sluice!
  expect(build).toEqual({ context: '..', dockerfile: 'docker/Dockerfile' })
  expect(ports).toEqual(['8080:8080', '8443:8443', '1935:1935', '1936:1936', '127.0.0.1:9000:9000'])
  expect(volumes).toEqual(['data:/data'])
  expect(Object.keys(compose.volumes)).toEqual(['data', 'metrics', 'grafana'])
  expect({ cap_drop, tmpfs }).toEqual({ cap_drop: ['ALL'], tmpfs: ['/tmp'] })
})

test('the command line of the image is the one that package.json names', () => {
  const { bin } = JSON.parse(textOf(tree, 'package.json')) as { bin: { sluice: string } } // the shape that npm gives it
  const entry = instructions(textOf(tree, 'docker/Dockerfile')).find(({ name }) => name === 'ENTRYPOINT')
  expect(entry?.value).toBe(`["tini", "--", "node", "${path.posix.join('/app', bin.sluice)}"]`)
})

test.each([
  ['USER node', 'USER root', 'the image does not run as the user node'],
  ['USER node\n', '', 'the image does not run as the user node'],
  ['/readyz', '/', 'the image has no health check by node against /readyz'],
  ['VOLUME /data', '', 'the image keeps /data in no volume'],
  ['1935 1936 ', '', 'the image does not show the ports of encoders'],
  ['STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', 'the image does not end by SIGTERM'],
  ['install -y --no-install-recommends ffmpeg', 'install -y', 'the image has no ffmpeg'],
  ['"tini", "--", ', '', 'the image does not start under tini'],
  ['COPY LICENSE ./', 'COPY . .', 'the image copies the whole checkout'],
  ['ARG VERSION=', 'ARG VERSION=9.', 'the image does not say version 0.7.0'],
])('the rule of the image sees %j become %j', (from, to, fault) => {
  const dockerfile = textOf(tree, 'docker/Dockerfile')
  expect(dockerfile).toContain(from)
  const broken = treeOf({
    'docker/Dockerfile': dockerfile.replace(from, to),
    'package.json': '{"version":"0.7.0"}',
  })
  expect(imageFaults(broken)).toEqual([fault])
})

test('the rule of sources sees what is in neither the checkout nor the context', () => {
  const files = {
    'docker/Dockerfile': 'FROM x\nCOPY a b ./\nCOPY --from=build c ./\n',
    'docker/Dockerfile.dockerignore': '*\n!a\n',
  }
  expect(missingSources(treeOf(files), file => file === 'b')).toEqual([
    'a is not in the checkout',
    'b is not in the build context',
  ])
})
