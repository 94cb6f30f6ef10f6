import type { Model } from './model.ts'
import { documentOf } from './writer.ts'
import { escapeXml } from './xml.ts'

export interface ErrorTerms {
  code: string
  message: string
  /** 5xx is ours, everything else the sender's. */
  status: number
  requestId: string
}

export function errorDocument(model: Pick<Model, 'namespace'>, error: ErrorTerms): string {
  const type = error.status >= 500 ? 'Receiver' : 'Sender'
  const parts = { Type: type, Code: error.code, Message: error.message }
  const inside = Object.entries(parts).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`)
  const id = `<RequestId>${escapeXml(error.requestId)}</RequestId>`
  return documentOf(model, 'ErrorResponse', `<Error>${inside.join('')}</Error>${id}`)
}
