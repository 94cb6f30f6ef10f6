// viewer-request, cloudfront-js-1.0: /guide/ and /guide are /guide/index.html.
function handler(event) {
  var request = event.request
  if (request.uri.endsWith('/')) request.uri += 'index.html'
  else if (!request.uri.split('/').pop().includes('.')) request.uri += '/index.html'
  return request
}
