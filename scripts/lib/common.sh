# shellcheck shell=bash
# Shared by every script here: how they speak, where they keep things, how they install.
# Sourced, never run. Needs nothing but bash and coreutils, because a new machine has nothing else.

: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
# An npm or cron shell may lack the sbin folders, where Debian puts dockerd and debootstrap.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# Outside the checkout: a fresh clone finds compiled crates, tools and base systems again.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/gilgal"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail SENTENCE [ADVICE]: the reason, the way out, exit code 1.
fail() {
  say "$1"
  [ $# -lt 2 ] || printf '  %s\n' "$2" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }

# process_is PID NAME: is this process alive, and is it that program? A pid alone proves nothing: pids are reused.
process_is() {
  [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]
}

# stop_process PID NAME SECONDS: SIGTERM, then wait; 1 when it is still there.
stop_process() {
  process_is "$1" "$2" || return 0
  kill -TERM "$1"
  wait_until "$3" process_gone "$1" "$2"
}

process_gone() { ! process_is "$1" "$2"; }

# wait_until SECONDS COMMAND…: runs the command five times a second until it succeeds; 1 at the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

# install_packages PACKAGE…: Debian packages, asking nothing. Without root it says what to run.
install_packages() {
  have apt-get || fail "this needs the packages: $*" "Install them with your system's package manager, then run this again."
  is_root || fail "this needs packages that only root may install" "sudo apt-get install $*"
  say "installing $*"
  local log="$cache/log/apt.log"
  mkdir -p "${log%/*}"
  # A new machine has no package lists, an old one stale ones: refresh only when the first try fails.
  apt_quietly "$@" >"$log" 2>&1 && return
  { apt-get update && apt_quietly "$@"; } >>"$log" 2>&1 && return
  tail -n 5 "$log" >&2
  fail "apt-get could not install: $*" "The whole output is in $log"
}

apt_quietly() {
  # Waiting for the lock beats failing because another installation is running.
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# require COMMAND PACKAGE…: installs the packages when the command is missing.
require() {
  have "$1" || install_packages "${@:2}"
}

require_file() {
  [ -e "$1" ] || install_packages "${@:2}"
}
