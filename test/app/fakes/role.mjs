// A role of a few lines. Its options say how it behaves; its metrics tell what it was given.
let behaviour = {}
let looks = 0
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))
process.on('message', message => {
  if (message.kind === 'start') {
    behaviour = message.options
    if (behaviour.kind === 'refuse') {
      process.send({ kind: 'failed', code: 'newer-database', message: 'The database is newer.' }, () =>
        process.exit(1),
      )
    } else if (behaviour.kind === 'die') process.exit(7)
    else process.send({ kind: 'started' })
  }
  if (message.kind === 'look') looks++
  if (message.kind === 'drain' && behaviour.kind !== 'stubborn') process.exit(0)
  if (message.kind !== 'ask' || behaviour.kind === 'mute') return
  const threads = process.env.UV_THREADPOOL_SIZE
  const given = { options: behaviour, role: process.argv[2], threads, flags: process.execArgv, looks }
  if (message.what === 'metrics')
    process.send({ kind: 'metrics', id: message.id, text: JSON.stringify(given) })
  else process.send({ kind: 'health', id: message.id, health: { kind: 'ready' } })
})
