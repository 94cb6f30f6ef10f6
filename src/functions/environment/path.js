// Of Node's path, with `/`, what handlers use on URIs.
;(function () {
  'use strict'
  function normalize(path) {
    const kept = []
    for (const part of path.split('/')) {
      if (part === '..' && kept.length > 0 && kept[kept.length - 1] !== '..') kept.pop()
      else if (part === '..' && !path.startsWith('/')) kept.push(part)
      else if (part !== '' && part !== '.' && part !== '..') kept.push(part)
    }
    const whole = (path.startsWith('/') ? '/' : '') + kept.join('/')
    return path.endsWith('/') && kept.length > 0 ? `${whole}/` : whole || '.'
  }
  const trimmed = path => (path.length > 1 ? path.replace(/\/+$/, '') : path)
  function basename(path, suffix = '') {
    const name = trimmed(path).split('/').pop()
    return suffix !== '' && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
  }
  function dirname(path) {
    const at = trimmed(path).lastIndexOf('/')
    return at < 0 ? '.' : at === 0 ? '/' : path.slice(0, at)
  }
  function extname(path) {
    const name = basename(path)
    const at = name.lastIndexOf('.')
    return at <= 0 ? '' : name.slice(at)
  }
  function parse(path) {
    const [base, ext] = [basename(path), extname(path)]
    const root = path.startsWith('/') ? '/' : ''
    const name = ext === '' ? base : base.slice(0, -ext.length)
    return { root, dir: path.includes('/') ? dirname(path) : '', base, ext, name }
  }
  const join = (...parts) => normalize(parts.filter(each => each !== '').join('/'))
  const module = { sep: '/', delimiter: ':', normalize, join, basename, dirname, extname, parse }
  module.isAbsolute = path => path.startsWith('/')
  module.posix = module
  return module
})
