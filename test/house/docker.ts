import { textOf, type Tree } from './tree.ts'

/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  name: string
  value: string
}

export function instructions(dockerfile: string): Instruction[] {
  return dockerfile
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [name = '', ...value] = line.split(/\s+/)
      return { name: name.toUpperCase(), value: value.join(' ') }
    })
}

/** The instructions of the last stage, which is the image. */
export function finalStage(all: Instruction[]): Instruction[] {
  return all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
}

/** What must hold of the image: the user, the health check, the volume, the way it ends, and what gets into it. */
export function imageFaults(tree: Tree): string[] {
  const all = instructions(textOf(tree, 'docker/Dockerfile'))
  const image = finalStage(all)
  const last = (name: string): string | undefined => image.findLast(each => each.name === name)?.value
  const has = (name: string, pattern: RegExp): boolean =>
    image.some(each => each.name === name && pattern.test(each.value))
  const stages = all.filter(({ name }) => name === 'FROM')
  const rules: [boolean, string][] = [
    [stages.length > 1, 'is built in one stage: compilers would stay in it'],
    [
      stages.every(({ value }) => /^node:24-bookworm-slim(?: AS \w+)?$/.test(value)),
      'is not Node 24 on bookworm-slim',
    ],
    [last('USER') === 'node', 'does not run as the user node'],
    [has('RUN', /apt-get install .*\bffmpeg\b/), 'has no ffmpeg'],
    [has('HEALTHCHECK', /\bnode\b.*\/readyz/), 'has no health check by node against /readyz'],
    [!has('HEALTHCHECK', /\b(?:curl|wget)\b/), 'checks its health with a program that it does not have'],
    [last('VOLUME') === '/data', 'keeps /data in no volume'],
    [/\b1935 1936\b/.test(last('EXPOSE') ?? ''), 'does not show the ports of encoders'],
    [last('STOPSIGNAL') === 'SIGTERM', 'does not end by SIGTERM'],
    [has('ENTRYPOINT', /^\["tini", "--", "node", /), 'does not start under tini'],
    [!has('CMD', /\bnpm\b/) && !has('ENTRYPOINT', /\bnpm\b/), 'starts by npm, which swallows signals'],
    [has('ENV', /\bNODE_ENV=production\b/), 'is not production'],
    ...['title', 'description', 'licenses', 'version', 'revision', 'created'].map(
      (label): [boolean, string] => [
        has('LABEL', new RegExp(`org\\.opencontainers\\.image\\.${label}=`)),
        `has no label ${label}`,
      ],
    ),
    [!all.some(({ name, value }) => name === 'COPY' && /^\.\s/.test(value)), 'copies the whole checkout'],
  ]
  const { version } = JSON.parse(textOf(tree, 'package.json')) as { version: string } // the shape that npm gives it
  rules.push([
    has('ARG', new RegExp(`^VERSION=${version.replaceAll('.', '\\.')}$`)),
    `does not say version ${version}`,
  ])
  return rules.filter(([holds]) => !holds).map(([, fault]) => `the image ${fault}`)
}

/** Sources that COPY names and the checkout, or the build context, does not have. */
export function missingSources(tree: Tree, exists: (file: string) => boolean): string[] {
  const context = textOf(tree, 'docker/Dockerfile.dockerignore')
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1))
  return instructions(textOf(tree, 'docker/Dockerfile'))
    .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from'))
    .flatMap(({ value }) => value.split(' ').slice(0, -1))
    .flatMap(source => [
      ...(exists(source) ? [] : [`${source} is not in the checkout`]),
      ...(context.includes(source) ? [] : [`${source} is not in the build context`]),
    ])
}
