#!/bin/sh
# sign-url.sh URL SECONDS
#
#   curl -fO "$(sign-url.sh https://media.example.com/members/setup.exe 900)"
#
# The URL opens that one file, whoever asks, until it expires.
set -eu
. "$(dirname "$0")/grant.sh"

url=${1:?a whole URL}
case $url in
  *'#'* | *'*'*) echo "A signed URL is one file: no fragment and no wildcard in $url" >&2; exit 2 ;;
  http://* | https://*) ;;
  *) echo "Write the URL whole, with https://: $url" >&2; exit 2 ;;
esac

# In a resource a bare ? is a wildcard; \\? is JSON for the question mark itself.
grant "$(printf %s "$url" | sed 's/?/\\\\?/g')" "${2:?for how many seconds}"
case $url in *'?'*) first='&' ;; *) first='?' ;; esac
printf '%s%sPolicy=%s&Signature=%s&Key-Pair-Id=%s&Hash-Algorithm=SHA256\n' "$url" "$first" "$policy" "$signature" "$MEDIA_KEY_ID"
