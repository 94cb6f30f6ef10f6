// origin-request, lambda-edge: viewers in group B are served by the new site. Let the behaviour key the cookie `group`, so that
// both are kept apart.
exports.handler = async event => {
  const { request } = event.Records[0].cf
  const cookies = (request.headers.cookie || []).map(({ value }) => value).join('; ')
  if (!/(?:^|; )group=b(?:;|$)/.test(cookies)) return request
  const custom = request.origin.custom
  request.origin = {
    custom: { ...custom, domainName: 'new.example.com', protocol: 'https', port: 443, customHeaders: {} },
  }
  request.headers.host = [{ key: 'Host', value: 'new.example.com' }]
  return request
}
