import { up, type FirstChannel, type Ready } from '../app/index.ts'
import type { CommandSpec, Context } from './command.ts'
import { readFile, resolve } from './resolve.ts'
import { SETTING_OPTIONS } from './setting-options.ts'
import { isoTime } from './sign.ts'

export const upCommand: CommandSpec = {
  words: 'up',
  summary: 'everything on one machine, in the foreground',
  options: [{ flags: '--no-sample', description: 'do not publish the sample clip' }, ...SETTING_OPTIONS],
  run: async context => {
    const { env } = context.terminal
    const { configuration } = resolve(context)
    if (!context.output.json) context.output.say('Sluice is starting …')
    await up({
      ...{ configuration, env },
      readFile: () => readFile(context),
      sample: context.options['sample'] === false ? 'leave-out' : 'publish',
      signals: process,
      hangUp: [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY) ? 'end' : 'look',
      show: line => context.output.say(line),
      onReady: (ready, first, channel) => tellReady(context, ready, { first, channel }),
      exit: code => process.exit(code),
    })
    context.output.say('Sluice has ended.')
  },
}

/** What is told beside the ready line. */
interface Firsts {
  first: 'first' | 'again'
  channel: FirstChannel | undefined
}

function tellReady({ output }: Context, ready: Ready, { first, channel }: Firsts): void {
  if (output.json) return output.result(ready, '')
  const name = `http://${ready.distribution.domain}:${new URL(ready.http).port}`
  output.say('Sluice is ready.')
  if (ready.sample !== null) output.say(`  watch the sample   ${name}/.sluice/player#${ready.sample}`)
  output.say('  publish a film     npx --no sluice publish FILM.mp4 /members/film')
  output.say('  play it            npx --no sluice open /members/film')
  for (const line of liveLines(name, channel)) output.say(line)
  output.say(`  viewers            ${ready.http}  ${ready.https}`)
  output.say(`  encoders           ${ready.rtmp}  ${ready.rtmps}`)
  output.say(`  control            ${ready.control}`)
  output.say(`  data               ${ready.data}`)
  if (first === 'first') output.say('  trust the local certificate: npx --no sluice trust')
  output.say('Ctrl-C ends it.')
}

/** How to go live: with the channel that the first start made, or with one that is still to be made. */
function liveLines(site: string, channel: FirstChannel | undefined): string[] {
  if (!channel) {
    return [
      '  make a channel     npx --no sluice live create /live/stage',
      '  publish to it      npx --no sluice live sign /live/stage',
    ]
  }
  return [
    `  go live            paste into OBS → Settings → Stream, Service "Custom…" (good until ${isoTime(channel.expires)}):`,
    `    Server           ${channel.server}`,
    `    Stream Key       ${channel.streamKey}`,
    `  watch it           ${site}/.sluice/player#${channel.path}/index.m3u8`,
    `  sign it again      npx --no sluice live sign ${channel.path}`,
  ]
}
