import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { messageOf } from '../core/index.ts'
import { malformed } from './fault.ts'

/** An element has elements in it or text, never both. Attributes say nothing in this protocol and are left away. */
export interface Element {
  name: string
  children: Element[]
  /** Not trimmed. */
  text: string
}

/** Documents of this API are twelve deep. */
const DEEPEST = 40

/**
 * The door to fast-xml-parser. It finds elements and nothing else: it must not guess numbers out of text, trim a key, or
 * know an entity, so references are resolved below, by the five names of XML and by number.
 */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
  maxNestedTags: DEEPEST,
})

/** One key, which is the element's name or one of the two kinds of text. */
type Parsed = Record<string, Parsed[] | string>

/** Throws `MalformedXML` for everything that is no single element, well-formed and without a DOCTYPE. */
export function parseXml(bytes: Uint8Array): Element {
  const text = utf8(bytes)
  // Also where it stands inside a comment: nobody who means well writes it there.
  if (/<!(?!--|\[CDATA\[)/.test(text))
    throw malformed('the XML has a document type or an entity of its own, which is not taken here')
  const strange = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(text)
  if (strange) throw malformed('the XML holds a character that XML does not have')
  const valid = XMLValidator.validate(text)
  if (valid !== true) throw malformed(`the XML is not well-formed: ${sentence(valid.err.msg)}`)
  const roots = elementsOf(parsed(text))
  if (roots.text.trim() !== '' || roots.children.length !== 1)
    throw malformed('the XML is not well-formed: there is not exactly one outermost element')
  return roots.children[0] as Element // there is exactly one
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('the XML is not UTF-8')
  }
}

function parsed(text: string): Parsed[] {
  try {
    return parser.parse(text) as Parsed[] // what `preserveOrder` gives
  } catch (error) {
    throw malformed(`the XML is not well-formed: ${sentence(messageOf(error))}`)
  }
}

function elementsOf(nodes: readonly Parsed[]): { children: Element[]; text: string } {
  const children: Element[] = []
  let text = ''
  for (const node of nodes) {
    for (const [name, inside] of Object.entries(node)) {
      if (typeof inside === 'string') text += resolved(inside)
      else if (name === '#cdata') text += inside.map(textOf).join('')
      else children.push({ name, ...elementsOf(inside) })
    }
  }
  if (children.length > 0 && text.trim() !== '')
    throw malformed(`the XML has text beside <${children[0]?.name ?? ''}>, where only elements are taken`)
  return { children, text }
}

function textOf(node: Parsed): string {
  const text = node['#text']
  return typeof text === 'string' ? text : ''
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function resolved(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([^;&]{0,40}));?/gi, (all, hex, decimal, name) => {
    if (!all.endsWith(';')) throw malformed('the XML has an "&" that begins no reference: write "&amp;"')
    if (typeof name === 'string') return named(name)
    return charOf(typeof hex === 'string' ? parseInt(hex, 16) : Number(decimal))
  })
}

function named(name: string): string {
  const char = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
  if (char === undefined) throw malformed('the XML has a reference that XML does not have')
  return char
}

function charOf(code: number): string {
  const isChar =
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  if (!isChar) throw malformed('the XML refers to a character that XML does not have')
  return String.fromCodePoint(code)
}

/** The parser quotes what it was given, which may be long. */
function sentence(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200)
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' }

/** As the text of an element. Characters that XML does not have become U+FFFD, since no escape could say them. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>\r]/g, char => ESCAPES[char] ?? char)
}
