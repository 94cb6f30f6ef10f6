// What the cache's bench needs of Debian: found, or installed where that is allowed.
import { spawnSync } from 'node:child_process'
import { installPackages, which } from '../../test/tools.mjs'

const PACKAGES = {
  nginx: 'nginx',
  varnishd: 'varnish',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  taskset: 'util-linux',
}

/** The path of each program; of one that is missing and cannot be installed, undefined. Servers stand in sbin. */
export function findPrograms() {
  const search = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
  const find = () => Object.fromEntries(Object.keys(PACKAGES).map(name => [name, which(name, search)]))
  const missing = Object.entries(find()).filter(([, file]) => file === undefined)
  if (missing.length > 0) {
    const packages = missing.map(([name]) => PACKAGES[name])
    process.stderr.write(`installing ${packages.join(', ')}\n`)
    if (!installPackages(packages)) process.stderr.write(`could not install ${packages.join(', ')}\n`)
  }
  return find()
}

/** One line of versions, as the programs say them. */
export function versions(programs) {
  const said = (name, argument, pattern) => {
    if (programs[name] === undefined) return []
    const { stdout, stderr } = spawnSync(programs[name], [argument], { encoding: 'utf8' })
    return [pattern.exec(`${stdout}${stderr}`)?.[0] ?? name]
  }
  return [
    ...said('nginx', '-v', /nginx\/[\d.]+/),
    ...said('varnishd', '-V', /varnish-[\d.]+/),
    ...said('wrk', '-v', /wrk \S+/),
    ...said('h2load', '--version', /nghttp2\/[\d.]+/),
  ].join(', ')
}
