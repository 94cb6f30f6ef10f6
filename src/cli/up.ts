import { resolveConfiguration, up, type Ready } from '../app/index.ts'
import { text, type CommandSpec, type Context } from './command.ts'
import { SETTING_OPTIONS, settingFlags } from './setting-options.ts'

export const upCommand: CommandSpec = {
  words: 'up',
  summary: 'everything on one machine, in the foreground',
  options: [{ flags: '--no-sample', description: 'do not publish the sample clip' }, ...SETTING_OPTIONS],
  run: async context => {
    const { env, cwd } = context.terminal
    const file = text(context.options, 'config')
    const { configuration } = resolveConfiguration({
      ...{ env, cwd, flags: settingFlags(context.options) },
      ...(file === undefined ? {} : { file }),
    })
    if (!context.output.json) context.output.say('Sluice is starting …')
    await up({
      ...{ configuration, env },
      sample: context.options['sample'] === false ? 'leave-out' : 'publish',
      signals: process,
      show: line => context.output.say(line),
      onReady: (ready, first) => tellReady(context, ready, first),
      exit: code => process.exit(code),
    })
    context.output.say('Sluice has ended.')
  },
}

function tellReady(context: Context, ready: Ready, first: 'first' | 'again'): void {
  const { output } = context
  if (output.json) return output.result(ready, '')
  const name = `http://${ready.distribution.domain}:${new URL(ready.http).port}`
  output.say('Sluice is ready.')
  if (ready.sample !== null) output.say(`  watch the sample   ${name}/.sluice/player#${ready.sample}`)
  output.say('  publish a film     npx --no sluice publish FILM.mp4 /members/film')
  output.say('  play it            npx --no sluice open /members/film')
  output.say(`  viewers            ${ready.http}  ${ready.https}`)
  output.say(`  control            ${ready.control}`)
  output.say(`  data               ${ready.data}`)
  if (first === 'first') output.say('  trust the local certificate: npx --no sluice trust')
  output.say('Ctrl-C ends it.')
}
