#!/bin/sh
# sign-cookies.sh RESOURCE SECONDS [DOMAIN PATH]
#
#   sign-cookies.sh 'https://media.example.com/members/*' 7200
#     prints a Cookie header, for curl -H
#   sign-cookies.sh 'https://media.example.com/members/*' 7200 example.com /members/
#     prints Set-Cookie lines, as the log-in of a CGI script sends them
#   sign-cookies.sh --clear example.com /members/
#     prints the lines for log-out: same Domain and Path, or browsers keep the cookies
set -eu

names='Policy Signature Key-Pair-Id Hash-Algorithm'
attributes='Secure; HttpOnly; SameSite=Lax'

if [ "${1-}" = --clear ]; then
  for name in $names; do
    printf 'Set-Cookie: CloudFront-%s=; Domain=%s; Path=%s; %s; Max-Age=0\n' "$name" "$2" "$3" "$attributes"
  done
  exit
fi

. "$(dirname "$0")/grant.sh"
grant "${1:?a resource, such as https://media.example.com/members/*}" "${2:?for how many seconds}"
set -- "${3-}" "${4-}" "$policy" "$signature" "$MEDIA_KEY_ID" SHA256

if [ -z "$1" ]; then
  printf 'Cookie: CloudFront-Policy=%s; CloudFront-Signature=%s; CloudFront-Key-Pair-Id=%s; CloudFront-Hash-Algorithm=%s\n' "$3" "$4" "$5" "$6"
  exit
fi
domain=$1 path=$2
shift 2
for name in $names; do
  printf 'Set-Cookie: CloudFront-%s=%s; Domain=%s; Path=%s; %s\n' "$name" "$1" "$domain" "${path:-/}" "$attributes"
  shift
done
