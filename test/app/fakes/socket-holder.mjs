// Holds a socket as a process that took the lock does, until it is killed.
import { createServer } from 'node:net'
createServer(socket => socket.write(`${process.pid}\n`)).listen(process.argv[2], () => process.send('held'))
