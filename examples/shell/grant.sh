# Sourced by its neighbours: signs a policy with openssl. POSIX sh.
: "${MEDIA_KEY_ID:?the id that sluice keys create printed}"
: "${MEDIA_KEY_FILE:?the file of the private key, P-256 or RSA}"

# CloudFront's base64, on one line. It is not base64url.
cloudfront_base64() {
  openssl base64 -A | tr '+=/' '-_~'
}

# grant RESOURCE SECONDS: sets policy and signature. RESOURCE as JSON has it: \\? for a question mark.
grant() {
  case $1 in
    *[!!-~]* | *\"*) echo "Percent-encode spaces, quotes and letters beyond ASCII: $1" >&2; exit 2 ;;
    http://* | https://* | '*'*) ;;
    *) echo "Write the resource whole, as https://media.example.com/members/*: $1" >&2; exit 2 ;;
  esac
  case $2 in
    '' | *[!0-9]*) echo "Say for how many seconds: $2 is no number." >&2; exit 2 ;;
  esac
  text=$(printf '{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}' "$1" "$(($(date +%s) + $2))")
  policy=$(printf %s "$text" | cloudfront_base64)
  signature=$(printf %s "$text" | openssl dgst -sha256 -sign "$MEDIA_KEY_FILE" | cloudfront_base64)
  [ -n "$signature" ] || { echo "openssl cannot sign with $MEDIA_KEY_FILE." >&2; exit 1; }
}
