#!/bin/sh
# As in the official image: options and files go to bun, commands run as they are.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null; then set -- /usr/local/bin/bun "$@"; fi
exec "$@"
