import { SERVER_OPTIONS, text, type CommandSpec } from './command.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'

const listCommand: CommandSpec = {
  words: 'webhooks list',
  summary: 'list who is told of events, and whether it takes them',
  options: SERVER_OPTIONS,
  run: async context => {
    const webhooks = await connect(context).client.webhooks()
    const rows = webhooks.map(({ id, url, kinds, state, failingSince }) => [
      ...[id, url, kinds.join(',') || 'all', state],
      failingSince ?? '-',
    ])
    context.output.result(webhooks, table(['ID', 'URL', 'KINDS', 'STATE', 'FAILING SINCE'], rows))
  },
}

const createCommand: CommandSpec = {
  words: 'webhooks create',
  takes: '<url>',
  summary: 'send events to an address; prints the secret that signs them, which is not told again',
  options: [
    {
      flags: '--kind <kind>',
      description: 'send what happens to these alone: asset, channel, node and so on; may be repeated',
      repeat: 'many',
    },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [url = '']) => {
    const given = context.options['kind']
    const kinds = Array.isArray(given) ? given.flatMap(each => each.split(',')) : []
    const created = await connect(context).client.createWebhook({ url, kinds })
    context.output.say(`webhook ${created.webhook.id}; its secret is told this once:`)
    context.output.result(created, created.secret)
  },
}

const deleteCommand: CommandSpec = {
  words: 'webhooks delete',
  takes: '<id>',
  summary: 'send no more events to an address',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    await connect(context).client.deleteWebhook(id)
    context.output.result({ id }, `deleted ${id}`)
  },
}

const testCommand: CommandSpec = {
  words: 'webhooks test',
  takes: '<id>',
  summary: 'send an event webhook.test; a webhook that was off is on again',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    const queued = await connect(context).client.testWebhook(id)
    context.output.result(queued, `on its way: "sluice webhooks deliveries ${id}" shows what was answered`)
  },
}

const deliveriesCommand: CommandSpec = {
  words: 'webhooks deliveries',
  takes: '<id>',
  summary: 'list what was sent to a webhook and what it answered, the newest first',
  options: SERVER_OPTIONS,
  run: async (context, [id = '']) => {
    const deliveries = await connect(context).client.deliveries(id)
    const rows = deliveries.map(({ event, state, attempts, status, answer, due }) => [
      ...[event.id, event.type, due === null ? state : `${state} ${due}`, String(attempts)],
      `${status ?? '-'} ${(answer ?? '').replace(/[^\x20-\x7e]/g, ' ').slice(0, 60)}`.trim(),
    ])
    context.output.result(deliveries, table(['EVENT', 'TYPE', 'STATE', 'ATTEMPTS', 'ANSWER'], rows))
  },
}

const replayCommand: CommandSpec = {
  words: 'webhooks replay',
  takes: '<id>',
  summary: 'send kept events again under their ids; a webhook that was off is on again',
  options: [
    { flags: '--event <id>', description: 'this one' },
    { flags: '--from <time>', description: 'all since then: 2026-11-24T10:00:00Z' },
    { flags: '--to <time>', description: 'up to then (now)' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [id = '']) => {
    const [event, from, to] = ['event', 'from', 'to'].map(name => text(context.options, name))
    if ((event === undefined) === (from === undefined))
      throw usage('bad-replay', 'Say what to send again: either --event ID or --from TIME.')
    const wanted = { ...(event && { event }), ...(from && { from }), ...(to && { to }) }
    const queued = await connect(context).client.replayWebhook(id, wanted)
    context.output.result(queued, `${queued.queued} on their way`)
  },
}

export const webhookCommands: CommandSpec[] = [
  ...[listCommand, createCommand, deleteCommand, testCommand, deliveriesCommand, replayCommand],
]
