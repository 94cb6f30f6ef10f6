import type { ControlClient, Ladder, Publication } from '../client/index.ts'
import { EXIT_OF_KIND, parseAssetPath, SluiceError, type Milliseconds } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { amount, progressView, type ProgressView } from './progress.ts'
import { connect, type Server } from './server.ts'
import { openSource, type PublishSource } from './source.ts'
import { isoTime } from './sign.ts'
import { playableOrBare, viewersUrl } from './viewers.ts'
import { usage } from './usage.ts'

export const publishCommand: CommandSpec = {
  words: 'publish',
  takes: '<file|url> <path>',
  summary: 'publish a film at a path',
  options: [
    { flags: '--ladder <ladder>', description: 'which renditions to make (none)', shown: 'never' },
    { flags: '--no-wait', description: 'return once it is uploaded' },
    { flags: '--wait <what>', description: 'all: return when every rendition is ready' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [file = '', given = '']) => {
    const ladder = ladderOf(context)
    checkWait(context)
    const parsed = parseAssetPath(given)
    if (parsed.kind === 'bad')
      throw usage('bad-path', `Nothing can be published at "${given}": ${parsed.why}.`)
    const path = parsed.path
    try {
      const server = connect(context)
      const source = await openSource(file, context.terminal.cwd)
      try {
        await publishSource(context, server, source, { path, ladder })
      } finally {
        await source.close()
      }
      return 0
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      context.output.error(error.message)
      context.output.result(
        { path, state: 'errored', error: { code: error.code, message: error.message } },
        '',
      )
      return EXIT_OF_KIND[error.kind]
    }
  },
}

interface Wanted {
  path: string
  ladder: Ladder
}

async function publishSource(
  context: Context,
  server: Server,
  source: PublishSource,
  wanted: Wanted,
): Promise<void> {
  const progress = progressView(context.output)
  let publication: Publication
  try {
    const { fileName, size } = source
    publication = await server.client.publish({ ...wanted, fileName, size })
    await server.client.upload(publication, source, {
      onProgress: (sent, total) => progress.show('uploading', sent / total, amount(sent, total)),
    })
    if (context.options['wait'] !== false) publication = await follow(server.client, publication, progress)
  } finally {
    progress.close()
  }
  if (context.options['wait'] === false) return tellQueued(context, server, wanted.path)
  if (publication.error) throw new SluiceError(publication.error.code, publication.error.message)
  if (publication.snapshotVersion !== null) await awaitNodes(context, server, publication.snapshotVersion)
  await tellReady(context, server, publication)
}

/** Control may be restarted while an origin works; it is asked again for this long. */
const PATIENCE: Milliseconds = 60_000

/** Follows a publication to its end, showing what the origin does. */
async function follow(
  client: ControlClient,
  first: Publication,
  progress: ProgressView,
): Promise<Publication> {
  let publication = first
  let answeredAt = Date.now()
  while (publication.state !== 'ready' && publication.state !== 'errored') {
    try {
      publication = await client.publication(publication.id, { waitSeconds: 20 })
      answeredAt = Date.now()
      const { stage, fraction } = publication.progress ?? { stage: publication.state, fraction: 0 }
      if (publication.state === 'queued' || publication.state === 'preparing') progress.show(stage, fraction)
    } catch (error) {
      const passing = error instanceof SluiceError && error.kind === 'unavailable'
      if (!passing || Date.now() - answeredAt > PATIENCE) throw error
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
  return publication
}

async function tellReady(context: Context, server: Server, publication: Publication): Promise<void> {
  const { path, renditions } = publication
  const { playlist, url, player, expires } = await playableOrBare(context, server, path)
  const until = expires === null ? '' : `; the link is good until ${isoTime(expires)}`
  context.output.say(`published ${path}${until}`)
  context.output.say(`  watch    ${player}`)
  context.output.say(`  playlist ${playlist}`)
  context.output.result({ path, state: 'ready', playlist, open: url, renditions }, playlist)
}

async function tellQueued(context: Context, server: Server, path: string): Promise<void> {
  const playlist = `${await viewersUrl(server)}${path}/index.m3u8`
  context.output.say(
    `${path} is uploaded and will be at ${playlist}; "sluice assets ${path}" tells how far it is`,
  )
  context.output.result({ path, state: 'queued', playlist }, playlist)
}

function ladderOf({ options }: Context): Ladder {
  const asked = text(options, 'ladder') ?? 'none'
  if (asked === 'none') return asked
  if (/^(?:auto|\d+p(,\d+p)*)$/.test(asked)) {
    throw usage('no-ladders', `"--ladder ${asked}" is not in this version of Sluice: use --ladder none.`)
  }
  throw usage('bad-ladder', `--ladder ${asked} is unknown: use none.`)
}

function checkWait({ options }: Context): void {
  const asked = text(options, 'wait')
  if (asked !== undefined && asked !== 'all')
    throw usage('bad-wait', `--wait ${asked} is unknown: use --wait all.`)
}
