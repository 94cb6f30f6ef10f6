#!/bin/sh
# Prints openssl.json. Run in this folder: sh make-openssl.sh > openssl.json
# The pipeline is that of the CloudFront Developer Guide, "Create a URL signature using Linux commands and OpenSSL".
set -eu
HOST=d111111abcdef8.cloudfront.net
UNTIL=1798761600
STRANGERS=$(mktemp -d)
trap 'rm -r "$STRANGERS"' EXIT
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$STRANGERS/rsa2048.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$STRANGERS/p256.pem"
encode() { openssl base64 -A | tr -- '+=/' '-_~'; }
comma=''
vector() { # name expect scheme path query cookies
  printf '%s{"name":"%s","expect":"%s","scheme":"%s","authority":"%s","rawPath":"%s","query":"%s","address":"192.0.2.7","action":"view"%s}' \
    "$comma" "$1" "$2" "$3" "$HOST" "$4" "$5" "${6:+,\"cookies\":\"$6\"}"
  comma=',
'
}
echo '['
for key in rsa2048:KRSA2048 p256:KP256; do
  file=${key%%:*}; id=${key##*:}
  for digest in sha1 sha256; do
    declared=''; cookie=''
    other='&Hash-Algorithm=SHA256'
    [ $digest = sha256 ] && other='&Hash-Algorithm=SHA1'
    [ $digest = sha256 ] && declared='&Hash-Algorithm=SHA256' && cookie='; CloudFront-Hash-Algorithm=SHA256'
    canned='{"Statement":[{"Resource":"https://'$HOST'/horizon.jpg?size=large&license=yes","Condition":{"DateLessThan":{"AWS:EpochTime":'$UNTIL'}}}]}'
    signature=$(printf '%s' "$canned" | openssl dgst -$digest -sign $file.pem | encode)
    vector "$file $digest canned URL" allowed https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest canned URL, parameters in another order" allowed https /horizon.jpg "${declared:+Hash-Algorithm=SHA256&}Key-Pair-Id=$id&size=large&Signature=$signature&license=yes&Expires=$UNTIL"
    vector "$file $digest canned URL, own parameters in another order" bad-signature https /horizon.jpg "license=yes&size=large&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest canned URL, tilde percent-encoded" allowed https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$(printf '%s' "$signature" | sed 's/~/%7E/g')&Key-Pair-Id=$id$declared"
    vector "$file $digest canned cookies" allowed https /horizon.jpg "size=large&license=yes" "CloudFront-Expires=$UNTIL; CloudFront-Signature=$signature; CloudFront-Key-Pair-Id=$id$cookie"
    vector "$file $digest canned URL over http" bad-signature http /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest canned URL of another file" bad-signature https /sunset.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest canned URL with Expires moved" bad-signature https /horizon.jpg "size=large&license=yes&Expires=1898761600&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest canned URL declared as the other digest" bad-signature https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id${other}"
    vector "$file $digest canned URL in ordinary base64" malformed https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=+$signature&Key-Pair-Id=$id$declared"
    signature=$(printf '%s\n' "$canned" | openssl dgst -$digest -sign $file.pem | encode)
    vector "$file $digest canned URL signed with a line feed" bad-signature https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    signature=$(printf '%s' "$canned" | openssl dgst -$digest -sign "$STRANGERS/$file.pem" | encode)
    vector "$file $digest canned URL of a stranger" bad-signature https /horizon.jpg "size=large&license=yes&Expires=$UNTIL&Signature=$signature&Key-Pair-Id=$id$declared"
    # White space in the signed bytes, a bare object, the lone escape that the guide prints, and conditions in another order.
    custom='{ "Statement": { "Resource": "https://'$HOST'/members/*\?a=*", "Condition": {
      "IpAddress": {"AWS:SourceIp": "192.0.2.0/24"}, "DateLessThan": {"AWS:EpochTime": '$UNTIL'} } } }'
    expired='{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1769904000}}}]}'
    gone=$(printf '%s' "$expired" | encode)
    gonesignature=$(printf '%s' "$expired" | openssl dgst -$digest -sign $file.pem | encode)
    policy=$(printf '%s' "$custom" | encode)
    signature=$(printf '%s' "$custom" | openssl dgst -$digest -sign $file.pem | encode)
    vector "$file $digest custom URL" allowed https /members/talk "a=1&Policy=$policy&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest custom URL over http" wrong-resource http /members/talk "a=1&Policy=$policy&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest custom cookies" allowed https /members/talk a=2 "CloudFront-Policy=$policy; CloudFront-Signature=$signature; CloudFront-Key-Pair-Id=$id$cookie"
    vector "$file $digest custom cookies in another folder" wrong-resource https /others/talk a=2 "CloudFront-Policy=$policy; CloudFront-Signature=$signature; CloudFront-Key-Pair-Id=$id$cookie"
    vector "$file $digest custom path token" allowed https "/~$policy.$signature.$id/members/talk" a=3
    vector "$file $digest custom path token for a neighbour" wrong-resource https "/~$policy.$signature.$id/others/talk" a=3
    vector "$file $digest custom path token without the query that it wants" wrong-resource https "/~$policy.$signature.$id/members/talk" ''
    vector "$file $digest custom path token of an unknown key" unknown-key https "/~$policy.$signature.KOTHER/members/talk" a=3
    vector "$file $digest custom cookies, expired" expired https /members/talk a=2 "CloudFront-Policy=$gone; CloudFront-Signature=$gonesignature; CloudFront-Key-Pair-Id=$id$cookie"
    signature=$(printf '%s' "$custom" | openssl dgst -$digest -sign "$STRANGERS/$file.pem" | encode)
    vector "$file $digest custom URL of a stranger" bad-signature https /members/talk "a=1&Policy=$policy&Signature=$signature&Key-Pair-Id=$id$declared"
    vector "$file $digest custom cookies of a stranger" bad-signature https /members/talk a=2 "CloudFront-Policy=$policy; CloudFront-Signature=$signature; CloudFront-Key-Pair-Id=$id$cookie"
    vector "$file $digest custom path token of a stranger" bad-signature https "/~$policy.$signature.$id/members/talk" a=3
  done
done
printf ']\n'
