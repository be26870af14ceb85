# `just` lists these. Each is one script or one cargo command; CI runs .ci/run.

export CARGO_TARGET_DIR := env("CARGO_TARGET_DIR", env("XDG_CACHE_HOME", env("HOME") / ".cache") / "gilgal/target")

_list:
    @just --list

# Build, start, push an example, show its URL
quickstart *arguments:
    scripts/quickstart {{ arguments }}

# The tests, or those whose name contains NAME
test *name:
    scripts/test {{ name }}

# Everything CI checks
ci:
    bash .ci/run

# Format the code
format:
    cargo fmt

# The lints, as CI runs them
lint:
    cargo clippy --all-targets -- -D warnings

# The API documentation
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps

# The base images of the Dockerfile templates
base-images *names:
    scripts/base-images {{ names }}

# Side-by-side benchmarks: push, ls-remote, deployments, idle
bench *names:
    scripts/bench {{ names }}
