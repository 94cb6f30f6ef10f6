import { printDefaults } from './configuration.ts'

/** Every setting with its default and every word of a distribution, commented: a whole sluice.yaml. */
export function printReference(): string {
  return `${printDefaults()}\n${DISTRIBUTIONS}`
}

const DISTRIBUTIONS = `# Distributions by names of your own, each a definition as "sluice distribution create --file" takes it. Everything but an
# origin may be left out. A name stays with its distribution. One that this file says no more is disabled, not deleted.
# Without this key the file says nothing of distributions.
distributions:
  example:
    # It serves nobody until this is true.
    enabled: false
    comment: every word there is
    # Host names beside its own, <id>.cdn.localhost.
    aliases: [media.example.com]

    # What "/" alone shows; what the origin has there when left out.
    defaultRoot: index.html
    # Viewers of these countries alone (allow), or of all others (deny), by the country file of the edge.
    geo:
      mode: allow
      countries: [DE, FR]
    # The least TLS (1.2 or 1.3) and the newest HTTP (1.1 or 2) of its names.
    minimumTls: "1.2"
    http: "2"
    # A certificate of the edges by its name; the one in which the name stands that is asked for when left out.
    certificate: example
    # Edges that viewers are sent to, by the label of their place: 100 (the cheapest), 200 or all.
    priceClass: all
    # Whether players are told where else a playlist's files are, and move there when an edge is gone.
    steering: false
    # Lines of the edges' logs hold what CloudFront's have, with cookies where that is said.
    logs:
      cookies: false

    origins:
      # Any HTTP server.
      - id: site
        kind: http
        url: https://site.example/app
        # as-url, or match-viewer: the viewer's scheme, at httpPort or httpsPort.
        protocol: as-url
        httpPort: 80
        httpsPort: 443
        # Connections that are tried, and seconds for each, until an answer begins, and that a connection is kept.
        attempts: 3
        connectTimeout: 10
        responseTimeout: 30
        keepAlive: 5
        # Versions of TLS that are spoken with it.
        tls: ["1.2", "1.3"]
        # The place whose regional caches are asked first; any when left out.
        shield: fra
        # Told to it with each request and to nobody else; null: as it is stored.
        headers:
          - name: X-Origin-Secret
            value: a-long-random-text
      # A bucket. "access" names an origin access; null: it is public.
      - id: films
        kind: s3
        bucket: films
        endpoint: https://minio.example:9000
        region: eu-central-1
        addressing: path
        path: /published
        access: null
      # What is published here, and live channels.
      - id: built-in
        kind: built-in

    # The second is asked where the first fails or answers with one of these statuses.
    originGroups:
      - id: films-or-site
        members: [films, site]
        statuses: [404, 500, 502, 503, 504]

    # The first whose pattern matches a path holds; the last is "*".
    behaviours:
      - pattern: /members/*
        originId: built-in
        # Key groups and issuers whose grants let in; null: everybody.
        gate:
          keyGroups: [default]
          issuers: []
        # define: playlists hand a signed query on to what they name.
        carry: define
        # Sites beyond same-site and localhost that may read gated answers with credentials.
        corsOrigins: [https://www.example.com]
      - pattern: /account/*
        originId: site
        viewerProtocol: redirect-to-https # allow-all, https-only
        methods: read # get, read (with OPTIONS), all
        keepOptions: false
        compress: true
        # Seconds between which the origin's Cache-Control counts; the default where it says nothing.
        ttl: { minimum: 0, default: 60, maximum: 3600 }
        # Choices are none, all, a list, or { except: a list }. These are keyed, and told to the origin.
        query: [page, lang]
        headers: [accept-language]
        keyedCookies: [lang]
        # These the origin is told and no answer is kept by.
        forward: [user-agent]
        forwardQuery: none
        cookies: { except: [tracker] }
        # The Host that the origin is told: its own (origin) or the viewer's (viewer).
        host: origin
        # What the edge writes of the viewer: CloudFront-Viewer-Country and others.
        told: [CloudFront-Is-Mobile-Viewer]
        # Codings that are asked of the origin; "compress" decides when left out.
        acceptEncoding: [br, gzip]
        # What is taken from answers, and added then.
        responseHeaders:
          remove: [server]
          custom:
            - { name: X-Site, value: example, override: true }
          cors:
            origins: ["https://*.example.com"]
            credentials: false
            headers: ["*"]
            methods: [GET, HEAD, OPTIONS]
            expose: []
            maxAge: 600
            override: true
          security:
            contentSecurityPolicy: { value: "default-src 'self'", override: true }
            contentTypeOptions: { override: true }
            frameOptions: { value: DENY, override: true }
            referrerPolicy: { value: same-origin, override: true }
            strictTransportSecurity: { maxAge: 31536000, includeSubdomains: false, preload: false, override: true }
            xssProtection: { protection: true, modeBlock: true, override: true }
          serverTiming: { samplingRate: 0 }
        # What is run for a request, one function for each event; "sluice functions list" names them. Those of Lambda@Edge
        # stand with the number of a version, and may ask for the body of a request.
        functions:
          - { event: viewer-request, function: log-in }
          - { event: origin-request, function: "sign:3", body: true }
          # stored: before a playlist is kept, once for all; asked: for each request.
          - { event: playlist-response, function: adverts, when: asked }
        # By which form fields are encrypted on their way to the origin: the id of a configuration of CloudFront's API; null: none.
        encryption: null
      - pattern: /assets/*
        originId: films-or-site
        # Policies by name or id say their part in place of words here; "sluice policy list" names them.
        policies:
          cache: Managed-CachingOptimized
          originRequest: Managed-CORS-S3Origin
          responseHeaders: Managed-SecurityHeadersPolicy
      - pattern: "*"
        originId: site

    # How long errors are kept at least, in seconds, and what is shown in their place.
    errors:
      - { status: 404, ttl: 60, page: /errors/404.html }
      - { status: 503, ttl: 0, page: /errors/503.html, respondWith: 503 }
`
