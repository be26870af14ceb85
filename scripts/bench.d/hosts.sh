# shellcheck shell=bash
# What many hosts cost the router: two routers in front of the same server, one with a host and one with 10,000.
# Sourced by scripts/bench.

routers=()

require_hosts() {
  require_api
  [ -n "${ROUTER_BINARY:-}" ] && return
  cargo build --release --example router
  ROUTER_BINARY="$CARGO_TARGET_DIR/release/examples/router"
}

# start_router OTHERS ADDRESS: before the server at that address; leaves its port in router_port.
start_router() {
  router_port=$(free_port)
  "$ROUTER_BINARY" "127.0.0.1:$router_port" "$2" "$1" "$bench/table-$1.json" >"$bench/router-$1" &
  routers+=($!)
  wait_until 10 port_open "$router_port" || fail "the router does not listen"
}

stop_routers() {
  local pid
  for pid in "${routers[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  routers=()
}

bench_hosts() {
  require_hosts
  local address round others report many=10000
  declare -A ports
  address="127.0.0.1:$(free_port)"
  "$HELLO_BINARY" "$address" &
  routers+=($!)
  wait_until 5 port_open "${address##*:}" || fail "hello does not listen"
  for others in 0 $many; do
    start_router "$others" "$address"
    ports[$others]=$router_port
  done
  for round in $(seq 0 "${ROUNDS:-9}"); do
    for others in 0 $many; do
      report=$(hey_report -z 4s -c 64 -host page.localhost "http://127.0.0.1:${ports[$others]}/")
      [ "$(failures_of "$report")" = 0 ] || fail "requests have failed" "$bench_log"
      # The first round warms them up.
      [ "$round" = 0 ] || echo "$(rate_of "$report") $(p99_of "$report")" >>"$bench/hosts-$others"
    done
  done
  stop_routers
  for others in 0 $many; do
    printf '%-22s %5d others: %.0f requests/s (%s), p99 %.1f ms   n=%d\n' "hosts" "$others" \
      "$(cut -d' ' -f1 "$bench/hosts-$others" | median)" "$(cut -d' ' -f1 "$bench/hosts-$others" | spread)" \
      "$(cut -d' ' -f2 "$bench/hosts-$others" | median)" "$(wc -l <"$bench/hosts-$others")"
  done
  printf '%-22s ratio %s; table read in %s s, changed in %s s\n' "" \
    "$(paste -d' ' "$bench/hosts-$many" "$bench/hosts-0" | awk '{ print $1 / $3 }' | median)" \
    "$(cut -d' ' -f1 "$bench/router-$many")" "$(cut -d' ' -f2 "$bench/router-$many")"
}
