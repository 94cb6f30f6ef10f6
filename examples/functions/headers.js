// viewer-response, cloudfront-js-1.0: what browsers may do with the answer, who may read it, and how long it is good for.
function handler(event) {
  var request = event.request
  var response = event.response
  var headers = response.headers
  headers['strict-transport-security'] = { value: 'max-age=63072000; includeSubDomains' }
  headers['x-content-type-options'] = { value: 'nosniff' }
  headers['content-security-policy'] = { value: "default-src 'self'" }
  if (request.headers.origin && !headers['access-control-allow-origin'])
    headers['access-control-allow-origin'] = { value: request.headers.origin.value }
  if (!headers['cache-control']) headers['cache-control'] = { value: 'public, max-age=3600' }
  return response
}
