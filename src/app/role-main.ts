/** The module that the supervisor forks: one role, named by its only argument, told its options over the channel. */
import { messageOf } from '../core/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { RoleProcess, type Channel } from './role-process.ts'
import { loadRole, SUPERVISED_ROLES } from './roles.ts'

const role = SUPERVISED_ROLES.find(each => each === process.argv[2])
if (role === undefined || process.send === undefined) {
  process.stderr.write('This module is started by "sluice up".\n')
  process.exit(2)
}

const log = createLogger(role)

const channel: Channel = {
  send: message =>
    new Promise(resolve => {
      // A supervisor that is gone hears nothing; the disconnect ends this process.
      if (process.send && process.connected) process.send(message, undefined, undefined, () => resolve())
      else resolve()
    }),
  onMessage: handle => void process.on('message', handle),
  onDisconnect: handle => void process.on('disconnect', handle),
  onSignal: handle => void process.on('SIGTERM', handle),
  hangUp: () => void process.emit('SIGHUP'),
  exit: code => process.exit(code),
}

// A terminal's Ctrl-C and its end reach the whole group; the supervisor decides in which order the roles end.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})

// The state after an error that nobody expected is unknown: say it and end, the supervisor starts a fresh process.
const dieOf = (what: string) => (error: unknown) => {
  log.error({ error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, what)
  process.exit(1)
}
process.on('uncaughtException', dieOf('uncaught error'))
process.on('unhandledRejection', dieOf('unhandled rejection'))

new RoleProcess(channel, log, loadRole(role)).listen()
