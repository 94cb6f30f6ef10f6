import { Type } from '../../core/index.ts'
import { Changed, ChannelInfo, CreatedChannel, NewChannel } from '../../client/index.ts'
import { createChannel, noChannel, removeChannel, stopChannel } from '../channels.ts'
import { listChannels } from '../database/index.ts'
import { channelPath } from '../paths.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { AtPath, prefixOf, WithPrefix } from './shapes.ts'

export function channelRoutes(services: Services): Route[] {
  return [create(services), list(services), one(services), stop(services), remove(services)]
}

function create({ database, channelStates }: Services): Route {
  return route(
    {
      method: 'POST',
      path: '/v1/channels',
      access: { kind: 'token', scope: 'publish' },
      summary: 'Make a channel, a path that may be published to live by RTMP',
      body: NewChannel,
      answers: { 201: CreatedChannel },
    },
    async ({ body }) => {
      const { row, snapshotVersion, warnings } = await database.transaction(async tx => {
        const created = await createChannel(tx, body)
        const [row] = await listChannels(tx, created.path)
        if (!row) throw noChannel(created.path)
        return { row, ...created }
      })
      return { status: 201, body: { channel: channelStates.viewOf(row), snapshotVersion, warnings } }
    },
  )
}

function list({ database, channelStates }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/channels',
      access: { kind: 'token', scope: 'read' },
      summary: 'All channels as they are just now, or those at or under a path',
      query: WithPrefix,
      answers: { 200: Type.Object({ channels: Type.Array(ChannelInfo) }) },
    },
    async ({ query }) => {
      const rows = await database.read(tx => listChannels(tx, prefixOf(query)))
      return { status: 200, body: { channels: rows.map(row => channelStates.viewOf(row)) } }
    },
  )
}

function one({ database, channelStates }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/channels/at',
      access: { kind: 'token', scope: 'read' },
      summary: 'The channel at exactly this path as it is just now',
      query: AtPath,
      answers: { 200: ChannelInfo },
    },
    async ({ query }) => {
      const path = channelPath(query.path)
      const row = (await database.read(tx => listChannels(tx, path))).find(each => each.path === path)
      if (!row) throw noChannel(path)
      return { status: 200, body: channelStates.viewOf(row) }
    },
  )
}

function stop({ database }: Services): Route {
  return route(
    {
      method: 'POST',
      path: '/v1/channels/stop',
      access: { kind: 'token', scope: 'publish' },
      summary: 'Cut the encoder of a channel and end its broadcast; the channel stays',
      body: Type.Object(
        { path: Type.String({ minLength: 1, maxLength: 1024 }) },
        { additionalProperties: false },
      ),
      answers: { 200: Changed },
    },
    async ({ body: { path } }) => {
      const snapshotVersion = await database.transaction(tx => stopChannel(tx, path))
      return { status: 200, body: { snapshotVersion } }
    },
  )
}

function remove({ database, channelStates }: Services): Route {
  return route(
    {
      method: 'DELETE',
      path: '/v1/channels/at',
      access: { kind: 'token', scope: 'publish' },
      summary: 'Delete a channel; its encoder is cut and its broadcast is gone',
      query: AtPath,
      answers: { 200: Changed },
    },
    async ({ query }) => {
      const { path, version } = await database.transaction(tx => removeChannel(tx, query.path))
      channelStates.forget(path)
      return { status: 200, body: { snapshotVersion: version } }
    },
  )
}
