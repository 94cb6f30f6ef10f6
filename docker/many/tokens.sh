#!/bin/sh
# A join token for each node, in a file of its own of the volume that all nodes read.
set -eu
umask 077
token() {
  node /app/dist/cli/main.js nodes token --role "$2" --pop "$3" --ttl 1h --url https://control:9000 > "/data/.$1"
  mv "/data/.$1" "/data/$1"
}
token origin-1 origin main
token origin-2 origin main
token regional regional main
token edge-1 edge one
token edge-2 edge two
token gateway gateway main
