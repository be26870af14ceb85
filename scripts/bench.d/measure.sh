# shellcheck shell=bash
# Measuring: clocks, medians, ports, and what both sides are measured with. Sourced by scripts/bench.

now() { echo "$EPOCHREALTIME"; }

# seconds_of COMMAND…: how long it took; its output goes to the bench's log. 1 when it fails.
seconds_of() {
  local started=$EPOCHREALTIME
  "$@" >>"$bench_log" 2>&1 || return
  awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

spread() { sort -n | awk 'NR == 1 { low = $1 } { high = $1 } END { printf "%s to %s", low, high }'; }

# compare WHAT OURS_FILE THEIRS_FILE: one number a line in each; medians, spread, ratio.
compare() {
  local ours theirs
  ours=$(median <"$2") theirs=$(median <"$3")
  printf '%-22s gilgal %s s (%s)   baseline %s s (%s)   ratio %s   n=%d\n' "$1" \
    "$ours" "$(spread <"$2")" "$theirs" "$(spread <"$3")" \
    "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')" "$(wc -l <"$2")"
}

# free_port: one that nothing listens on, outside the range the kernel hands to clients.
free_port() {
  local port
  while port=$((10000 + RANDOM % 20000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

port_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# answers URL TEXT: does the app answer with that text now?
answers() { [ "$(curl --silent --max-time 2 --noproxy '*' "$1")" = "$2" ]; }

# wait_for_answer URL TEXT: looks every 5 ms, so that looking costs the result nothing.
wait_for_answer() {
  local tries=2000
  until answers "$1" "$2"; do
    [ $((tries -= 1)) -gt 0 ] || return 1
    sleep 0.005
  done
}
