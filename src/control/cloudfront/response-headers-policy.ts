import type { Cors, Policy, ResponseHeaders, ResponseHeadersPolicy } from '../../distribution/index.ts'
import type { Findings } from './findings.ts'
import { itemsOf, listed } from './lists.ts'
import type { ResponseHeadersPolicyConfig } from './shapes.ts'

type CorsConfig = NonNullable<ResponseHeadersPolicyConfig['CorsConfig']>
type SecurityConfig = NonNullable<ResponseHeadersPolicyConfig['SecurityHeadersConfig']>
type Security = NonNullable<ResponseHeaders['security']>

/** What a response headers policy of CloudFront's says of behaviours. */
export function readResponseHeadersPolicy(
  config: ResponseHeadersPolicyConfig,
  found: Findings,
): ResponseHeadersPolicy {
  const { CorsConfig: cors, SecurityHeadersConfig: security, ServerTimingHeadersConfig: timing } = config
  return {
    kind: 'response-headers',
    responseHeaders: {
      ...(cors && { cors: readCors(cors, found) }),
      ...(security && Object.keys(security).length > 0 && { security: readSecurity(security, found) }),
      custom: itemsOf(config.CustomHeadersConfig).map(
        ({ Header: name = '', Value: value = '', Override: override = false }) => ({ name, value, override }),
      ),
      remove: itemsOf(config.RemoveHeadersConfig).map(({ Header: name = '' }) => name),
      ...(timing?.Enabled === true && { serverTiming: { samplingRate: timing.SamplingRate ?? 0 } }),
    },
  }
}

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE', 'ALL'] as const

function readCors(config: CorsConfig, found: Findings): Cors {
  const known: Readonly<Record<string, (typeof METHODS)[number]>> = Object.fromEntries(
    METHODS.map(each => [each, each]),
  )
  const origins = itemsOf(config.AccessControlAllowOrigins)
  const credentials = config.AccessControlAllowCredentials === true
  if (credentials && origins.includes('*'))
    found.refuse(
      'AccessControlAllowOrigins',
      'with credentials each origin is named: "*" would let any page read what a viewer may see',
    )
  return {
    origins,
    credentials,
    headers: itemsOf(config.AccessControlAllowHeaders),
    methods: itemsOf(config.AccessControlAllowMethods).map(each =>
      found.oneOf('AccessControlAllowMethods', each, known, 'GET'),
    ),
    expose: itemsOf(config.AccessControlExposeHeaders),
    ...(config.AccessControlMaxAgeSec !== undefined && { maxAge: config.AccessControlMaxAgeSec }),
    override: config.OriginOverride ?? false,
  }
}

const FRAMES = { DENY: 'DENY', SAMEORIGIN: 'SAMEORIGIN' } as const
const FRAME_WORDS: Readonly<Record<string, 'DENY' | 'SAMEORIGIN'>> = FRAMES

function readSecurity(config: SecurityConfig, found: Findings): Security {
  const { ContentSecurityPolicy: csp, ContentTypeOptions: type, FrameOptions: frame } = config
  const { ReferrerPolicy: referrer, StrictTransportSecurity: hsts, XSSProtection: xss } = config
  return {
    ...(csp && {
      contentSecurityPolicy: { value: csp.ContentSecurityPolicy ?? '', override: csp.Override ?? false },
    }),
    ...(type && { contentTypeOptions: { override: type.Override ?? false } }),
    ...(frame && {
      frameOptions: {
        value: found.oneOf('FrameOptions', frame.FrameOption ?? '', FRAME_WORDS, 'DENY'),
        override: frame.Override ?? false,
      },
    }),
    ...(referrer && {
      referrerPolicy: { value: referrer.ReferrerPolicy ?? '', override: referrer.Override ?? false },
    }),
    ...(hsts && {
      strictTransportSecurity: {
        maxAge: hsts.AccessControlMaxAgeSec ?? 0,
        includeSubdomains: hsts.IncludeSubdomains ?? false,
        preload: hsts.Preload ?? false,
        override: hsts.Override ?? false,
      },
    }),
    ...(xss && {
      xssProtection: {
        protection: xss.Protection ?? false,
        modeBlock: xss.ModeBlock ?? false,
        ...(xss.ReportUri !== undefined && xss.ReportUri !== '' && { reportUri: xss.ReportUri }),
        override: xss.Override ?? false,
      },
    }),
  }
}

export function renderResponseHeadersPolicy(
  { name, comment }: Policy,
  { responseHeaders }: ResponseHeadersPolicy,
): ResponseHeadersPolicyConfig {
  const { cors, security, custom, remove, serverTiming } = responseHeaders
  return {
    Name: name,
    Comment: comment,
    ...(cors && { CorsConfig: renderCors(cors) }),
    ...(security && { SecurityHeadersConfig: renderSecurity(security) }),
    ...(serverTiming && {
      ServerTimingHeadersConfig: { Enabled: true, SamplingRate: serverTiming.samplingRate },
    }),
    ...(custom.length > 0 && {
      CustomHeadersConfig: listed(
        custom.map(each => ({ Header: each.name, Value: each.value, Override: each.override })),
      ),
    }),
    ...(remove.length > 0 && { RemoveHeadersConfig: listed(remove.map(each => ({ Header: each }))) }),
  }
}

function renderCors(cors: Cors): CorsConfig {
  const all = <T>(items: readonly T[]): { Quantity: number; Items: T[] } => ({
    Quantity: items.length,
    Items: [...items],
  })
  return {
    AccessControlAllowOrigins: all(cors.origins),
    AccessControlAllowHeaders: all(cors.headers),
    AccessControlAllowMethods: all(cors.methods),
    AccessControlAllowCredentials: cors.credentials,
    OriginOverride: cors.override,
    AccessControlExposeHeaders: listed(cors.expose),
    ...(cors.maxAge !== undefined && { AccessControlMaxAgeSec: cors.maxAge }),
  }
}

function renderSecurity(security: Security): SecurityConfig {
  const { contentSecurityPolicy: csp, contentTypeOptions: type, frameOptions: frame } = security
  const { referrerPolicy: referrer, strictTransportSecurity: hsts, xssProtection: xss } = security
  return {
    ...(csp && { ContentSecurityPolicy: { Override: csp.override, ContentSecurityPolicy: csp.value } }),
    ...(type && { ContentTypeOptions: { Override: type.override } }),
    ...(frame && { FrameOptions: { Override: frame.override, FrameOption: frame.value } }),
    ...(referrer && {
      // Whatever was taken is given back, also what CloudFront's list does not have.
      ReferrerPolicy: { Override: referrer.override, ReferrerPolicy: referrer.value as 'no-referrer' }, // any text
    }),
    ...(hsts && {
      StrictTransportSecurity: {
        Override: hsts.override,
        AccessControlMaxAgeSec: hsts.maxAge,
        IncludeSubdomains: hsts.includeSubdomains,
        Preload: hsts.preload,
      },
    }),
    ...(xss && {
      XSSProtection: {
        Override: xss.override,
        Protection: xss.protection,
        ModeBlock: xss.modeBlock,
        ...(xss.reportUri !== undefined && { ReportUri: xss.reportUri }),
      },
    }),
  }
}
