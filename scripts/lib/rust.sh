# shellcheck shell=bash
# How the scripts build: one target folder and one set of tools, both outside the checkout, so that a fresh
# clone (CI's, or another work tree) finds every dependency compiled. Sourced after common.sh.

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
PATH="$cache/tools/bin:$HOME/.cargo/bin:$PATH"

# require_rust: cargo, new enough, and the C compiler that SQLite and libgit2 are built with.
require_rust() {
  have cargo || fail "cargo is not installed" "Install Rust with https://rustup.rs, then run this again."
  local needed found
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  found=$(rustc --version | cut -d' ' -f2)
  printf '%s\n' "$needed" "$found" | sort -V -C || fail "Rust $found is too old: $needed is needed" "rustup update stable"
  require cc gcc libc6-dev
}

# require_component NAME: a part of the toolchain that rustup leaves out of its minimal profile.
require_component() {
  local program=$1
  case $1 in clippy) program=clippy-driver ;; esac
  "$program" --version >/dev/null 2>&1 || fail "$1 is not installed" "rustup component add $1"
}

# require_tool CRATE [OPTION…]: a cargo subcommand, compiled once into the cache. Unoptimised on purpose:
# each runs for seconds, and optimising one takes minutes.
require_tool() {
  have "$1" && return
  say "installing $1 into $cache/tools (once)"
  # In a temporary folder: in the shared one it would lock every other build out until it is done.
  env --unset=CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --debug --locked --quiet --root "$cache/tools" "$@"
}
