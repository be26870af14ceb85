#!/bin/sh
# As in the official image: options and files go to node, commands run as they are.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null; then set -- node "$@"; fi
exec "$@"
