#!/bin/sh
# As in the official image: what deno knows goes to deno, other commands run as they are.
set -e
case "$1" in
  bench | bundle | cache | check | compile | completions | coverage | doc | eval | fmt | help | info | init | install | lint | lsp | repl | run | serve | task | test | types | uninstall | upgrade | vendor | -*)
    set -- deno "$@" ;;
esac
exec "$@"
