import { accessKeyOf, readClientFile } from '../app/index.ts'
import { SluiceError } from '../core/index.ts'
import { SERVER_OPTIONS, type CommandSpec } from './command.ts'
import { connect } from './server.ts'

/** CloudFront is in one region, and its clients sign for that one. */
const REGION = 'us-east-1'

/** For `eval "$(sluice env)"`: what AWS's tools and Terraform need to find this server and sign for it. */
export const envCommand: CommandSpec = {
  words: 'env',
  summary: "print what AWS's tools need to configure this server, as shell exports",
  options: SERVER_OPTIONS,
  run: context => {
    const { url, home } = connect(context)
    const file = home && readClientFile(home.clientFile)
    const key = file && accessKeyOf(file)
    if (!key)
      throw new SluiceError(
        'no-access-key',
        `There is no access key for ${url} in this data folder: "sluice tokens create NAME --scope all" makes one and shows it.`,
        { side: 'operator', kind: 'not-found' },
      )
    const variables = {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: key.id,
      AWS_SECRET_ACCESS_KEY: key.secret,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
    }
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`)
    context.output.result(variables, lines.join('\n'))
    return Promise.resolve()
  },
}

/** As a POSIX shell reads one word. */
function quoted(text: string): string {
  return /^[\w:/.@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
