# The gilgal server as an image. Run it with docker-compose.yml: it needs the host's network and Docker socket.
#
#   docker build --tag gilgal .
#
# Where rust's image cannot be pulled, a binary that was built on this machine does (glibc 2.36 or older):
#
#   mkdir -p image && cp "$CARGO_TARGET_DIR/release/gilgal" image/
#   docker build --tag gilgal --target from-binary --file Dockerfile image

# git serves the pushes, and ssh is what it fetches with; curl is for the health check.
FROM debian:bookworm-slim AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl git openssh-client \
 && rm -rf /var/lib/apt/lists/*
# The second: docs/decisions/0094.
ENV GILGAL_HOME=/var/lib/gilgal MALLOC_ARENA_MAX=2
VOLUME /var/lib/gilgal
EXPOSE 2222 3000 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD curl --silent --fail --output /dev/null "http://${GILGAL_API_ADDR:-127.0.0.1:3000}/health"
# Root, knowingly: who holds the Docker socket is root on the host whatever the user is called in here.
# Not PID 1: an init has to reap what git leaves behind (`init: true`, or `docker run --init`).
CMD ["gilgal", "serve"]

# Before the build stage, so that the classic builder does not need rust's image for it.
FROM runtime AS from-binary
COPY gilgal /usr/local/bin/gilgal

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin gilgal && mv target/release/gilgal /usr/local/bin/gilgal

FROM runtime
COPY --from=build /usr/local/bin/gilgal /usr/local/bin/gilgal
