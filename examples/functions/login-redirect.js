// viewer-request, cloudfront-js-2.0: whoever has no session is sent to the log-in page, and remembered where he came from.
function handler(event) {
  const request = event.request
  if (request.cookies.session || request.uri.startsWith('/login')) return request
  return {
    statusCode: 302,
    statusDescription: 'Found',
    headers: { location: { value: '/login' }, 'cache-control': { value: 'no-store' } },
    cookies: {
      back: { value: encodeURIComponent(request.uri), attributes: 'Path=/; Max-Age=600; Secure; HttpOnly' },
    },
  }
}
