// Forks a role and tells its pid, then stays until it is killed.
import { fork } from 'node:child_process'
const child = fork(process.argv[2], ['edge'])
child.send({ kind: 'start', options: { kind: 'serve' } })
child.on('message', () => process.send(child.pid))
