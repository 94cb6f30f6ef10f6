// Part of the build: compiles the schemas that AWS's client for CloudFront exports into the model of `restxml`. Run with
// a file's name it writes the JSON there, for model.ts to read; from src/ that one imports this instead.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as client from '@aws-sdk/client-cloudfront'

const PACKAGE = '@aws-sdk/client-cloudfront'
const near = createRequire(import.meta.url)
const { version } = JSON.parse(
  readFileSync(join(dirname(near.resolve(PACKAGE)), '..', 'package.json'), 'utf8'),
)
/** The one that the client itself has: its schemas were made for it. */
const { NormalizedSchema } = createRequire(near.resolve(PACKAGE))('@smithy/core/schema')

/** Apache-2.0 asks that it goes along with what was made out of the client. */
const NOTICE =
  `Compiled out of ${PACKAGE} ${version}. Copyright 2018-2020 Amazon.com, Inc. or its affiliates. ` +
  'All Rights Reserved. Licensed under the Apache License, Version 2.0.'

const NAMESPACE = 'http://cloudfront.amazonaws.com/doc/2020-05-31/'

/** The first element of each schema (`@smithy/types`, "StaticSchemaIdOperation" and so on). */
const OPERATION = 9
const ERROR = -3

/** What the readers and writers of `restxml` do by; a newer client with more is seen here and not on the wire. */
const KNOWN_TRAITS = new Set([
  ...['httpLabel', 'httpQuery', 'httpHeader', 'httpPayload', 'xmlName', 'sensitive', 'idempotencyToken'],
  ...['error', 'httpError'],
])

export function makeModel() {
  const model = { notice: NOTICE, namespace: NAMESPACE, operations: {}, shapes: {}, errors: {} }
  for (const schema of Object.values(client)) {
    if (!Array.isArray(schema)) continue
    if (schema[0] === OPERATION) addOperation(model, schema)
    if (schema[0] === ERROR)
      model.errors[schema[2]] = NormalizedSchema.of(schema).getMergedTraits().httpError ?? 400
  }
  if (Object.keys(model.operations).length < 100)
    throw new Error(
      'the client for CloudFront no longer exports its schemas: see how it does, and read them there',
    )
  return model
}

function addOperation(model, [, , name, traits, input, output]) {
  const [method, uri, status] = traits.http
  model.operations[name] = {
    method,
    uri,
    status,
    input: topShape(model, input),
    output: topShape(model, output),
  }
}

/** Of input and output, which may be nothing. */
function topShape(model, schema) {
  const top = NormalizedSchema.of(typeof schema === 'function' ? schema() : schema)
  if (top.isUnitSchema()) return null
  return typeOf(model, top)
}

function typeOf(model, schema) {
  if (schema.isStructSchema() || schema.isListSchema()) {
    addShape(model, schema)
    return schema.getName()
  }
  if (schema.isBlobSchema()) return 'blob'
  if (schema.isTimestampSchema()) return 'timestamp'
  if (schema.isBooleanSchema()) return 'boolean'
  if (schema.isNumericSchema() || schema.isBigIntegerSchema()) return 'number'
  if (schema.isStringSchema()) return 'string'
  throw new Error(`a schema of the client for CloudFront is of an unknown kind: ${schema.getName(true)}`)
}

function addShape(model, schema) {
  const name = schema.getName()
  if (name in model.shapes) return
  if (schema.isListSchema()) {
    const values = schema.getValueSchema()
    const list = (model.shapes[name] = {
      kind: 'list',
      of: '',
      item: values.getMergedTraits().xmlName ?? 'member',
    })
    list.of = typeOf(model, values)
    return
  }
  const members = {}
  model.shapes[name] = { kind: 'structure', members }
  // The required ones stand first, and the schema says how many they are.
  let required = schema.getSchema()[6] ?? 0
  for (const [member, of] of schema.structIterator())
    members[member] = { ...memberOf(model, member, of), ...(required-- > 0 ? { required: true } : {}) }
}

function memberOf(model, name, schema) {
  const traits = schema.getMergedTraits()
  const strange = Object.keys(traits).find(each => !KNOWN_TRAITS.has(each))
  if (strange !== undefined)
    throw new Error(`the member ${name} of the client for CloudFront has the unknown trait ${strange}`)
  const type = typeOf(model, schema)
  if (traits.httpLabel) return { type, at: 'label' }
  if (traits.httpQuery) return { type, at: 'query', as: traits.httpQuery }
  if (traits.httpHeader) return { type, at: 'header', as: traits.httpHeader }
  if (traits.httpPayload) return { type, at: 'body', ...otherThan(type, traits.xmlName) }
  return { type, ...otherThan(name, traits.xmlName) }
}

function otherThan(name, as) {
  return as === undefined || as === name ? {} : { as }
}

const [, script, target] = process.argv
if (script === fileURLToPath(import.meta.url) && target !== undefined)
  writeFileSync(target, JSON.stringify(makeModel()))
