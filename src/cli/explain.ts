import { headerOf, givenCookies, COOKIE_OPTIONS } from './cookies/given.ts'
import { SERVER_OPTIONS, text, type CommandSpec } from './command.ts'
import { explanationText } from './explanation-text.ts'
import { connect } from './server.ts'

export const explainCommand: CommandSpec = {
  words: 'explain',
  takes: '<url>',
  summary: 'say what a request for a URL meets, and why it is let in or refused',
  options: [
    ...COOKIE_OPTIONS,
    { flags: '--authorization <value>', description: 'the Authorization header: "Bearer …"' },
    { flags: '--address <ip>', description: "the viewer's own address" },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [url = '']) => {
    const { options, output } = context
    const cookie = headerOf(givenCookies(context))
    const authorization = text(options, 'authorization')
    const address = text(options, 'address')
    const told = await connect(context).client.explain({
      url,
      ...(cookie === undefined ? {} : { cookie }),
      ...(authorization === undefined ? {} : { authorization }),
      ...(address === undefined ? {} : { address }),
    })
    output.result(told, explanationText(told))
    return told.verdict === 'allowed' ? 0 : 1
  },
}
