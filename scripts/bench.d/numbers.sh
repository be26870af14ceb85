# shellcheck shell=bash
# The numbers that are promised of the runtime: going back, many deployments in a row, many at once, and the router beside
# nginx and HAProxy. Sourced by scripts/bench.

# --- a deployment without a build -------------------------------------------------------------------------

on_server() { ssh -F "$developer/ssh_config" gilgal "$@"; }

go_back() { api POST "/deployments/${deployment_of[$1]}/rollback" '{}' && wait_for_answer "${side_url[gilgal]}" "$1"; }

# The deployment of each answer.
declare -A deployment_of
deploy_and_note() {
  deploy gilgal "$1" >/dev/null
  deployment_of[$1]=$(api GET "/projects/bench/deployments?limit=1" | json_field id)
}

# The name of the container by hand, and of the network that it has to itself, as every project here has one: Docker needs
# longer to start in one than on its own bridge, where every container reaches every other.
by_hand="gilgal-bench-$$"

# run_image NETWORK IMAGE TEXT: a container by hand, until it answers.
run_image() {
  local address tries=2000
  docker run --detach --name "$by_hand" --network "$1" --env PORT=3000 "$2" || return
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "gilgal-bench-$$")
  until answers "http://$address:3000/" "$3"; do
    [ $((tries -= 1)) -gt 0 ] || return 1
    sleep 0.005
  done
}

bench_rollback() {
  local round image network text
  with gilgal || { say "rollback measures gilgal against docker run"; return; }
  [ -n "${side_url[gilgal]:-}" ] || set_up_push
  deploy_and_note one
  deploy_and_note two
  docker network create "$by_hand" >/dev/null
  sleep 3
  for round in $(seq 0 "${ROUNDS:-7}"); do
    [ $((round % 2)) = 0 ] && text=one || text=two
    seconds_of go_back "$text" >>"$bench/rollback" || fail "a rollback failed" "$bench_log"
    image=$(docker inspect --format '{{.Image}}' "$(what_docker_has container | head -n 1)")
    # What the old instances and the drain cost is not measured with the next one.
    sleep 3
    text=$(docker run --rm --entrypoint cat "$image" revision)
    for network in bridge "$by_hand"; do
      seconds_of run_image "$network" "$image" "$text" >>"$bench/run-$network" || fail "docker run failed" "$bench_log"
      docker rm --force "$by_hand" >/dev/null
      sleep 1
    done
    [ "$round" != 0 ] || rm "$bench/rollback" "$bench"/run-*
  done
  remove_by_hand
  printf '%-22s gilgal %s s (%s)   n=%d\n' "rollback to live" "$(median <"$bench/rollback")" "$(spread <"$bench/rollback")" \
    "$(wc -l <"$bench/rollback")"
  compare_with_run "docker run" "$bench/run-bridge"
  compare_with_run "docker run --network" "$bench/run-$by_hand"
}

remove_by_hand() {
  docker rm --force "$by_hand" >/dev/null 2>&1 || true
  docker network rm "$by_hand" >/dev/null 2>&1 || true
}

# compare_with_run WHAT FILE: its seconds, and how many times as long a rollback took.
compare_with_run() {
  printf '%-22s %s s (%s)   ratio %s\n' "  $1" "$(median <"$2")" "$(spread <"$2")" \
    "$(awk -v a="$(median <"$bench/rollback")" -v b="$(median <"$2")" 'BEGIN { printf "%.2f", a / b }')"
}

# --- many in a row ------------------------------------------------------------------------------------------

# keep_websockets COUNT FILE: so many upgraded connections at any time, until FILE is gone; one that ends is opened again.
keep_websockets() {
  local number
  for number in $(seq "$1"); do
    while [ -e "$2" ]; do
      {
        exec 8<>"/dev/tcp/${GILGAL_HTTP_ADDR%:*}/${GILGAL_HTTP_ADDR##*:}" &&
          printf 'GET /chat HTTP/1.1\r\nHost: bench.localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n' >&8 &&
          IFS= read -r line <&8 && [[ $line == *101* ]] && echo opened >>"$bench/websockets" && cat <&8
      } >/dev/null 2>&1
      sleep 0.2
    done &
  done
}

average() { awk '{ sum += $1 } END { printf "%.1f", sum / NR }'; }

bench_sustained() {
  local round first last count=${ROUNDS:-100} part
  with gilgal || { say "sustained measures gilgal only"; return; }
  [ -n "${side_url[gilgal]:-}" ] || set_up_push
  # WebSockets end at the end of the drain: the next deployment waits for that.
  printf '[deploy]\ndrain = "1s"\n' >"$bench/app-gilgal/gilgal.toml"
  deploy gilgal before >/dev/null
  sleep 2
  : >"$bench/chatting"
  : >"$bench/websockets"
  keep_websockets 10 "$bench/chatting"
  hey -z 120m -c 10 -q 10 -t 10 -disable-keepalive -host bench.localhost "http://$GILGAL_HTTP_ADDR/" >"$bench/hey-sustained" 2>&1 &
  load=$!
  for round in $(seq "$count"); do
    deploy gilgal "sustained-$round" >>"$bench/sustained"
    resident_megabytes "$(cat "$server_pid_file")" >>"$bench/memory"
    echo >>"$bench/memory"
  done
  kill -INT "$load"
  wait "$load" || true
  load=
  rm "$bench/chatting"
  part=$((count < 40 ? (count + 1) / 2 : 20))
  first=$(head -n "$part" "$bench/memory" | average) last=$(tail -n "$part" "$bench/memory" | average)
  printf '%-22s gilgal: %d deployments (median %s s), %d requests answered, %d failed, %d WebSockets opened\n' "many in a row" \
    "$count" "$(median <"$bench/sustained")" "$(count_in_report "$bench/hey-sustained" ok)" \
    "$(count_in_report "$bench/hey-sustained" failed)" "$(wc -l <"$bench/websockets")"
  printf '%-22s first %d: %s MB, last %d: %s MB (%s %%)\n' "memory" "$part" "$first" "$part" "$last" \
    "$(awk -v a="$first" -v b="$last" 'BEGIN { printf "%+.1f", (b / a - 1) * 100 }')"
}

# --- many at once -------------------------------------------------------------------------------------------

# percentiles WHAT FILE: of seconds, one a line.
percentiles() {
  sort -n "$2" | awk -v what="$1" '{ v[NR] = $1 * 1000 } END {
    printf "%-22s gilgal %.0f ms median, %.0f ms p99, %.0f ms at most   n=%d\n", what,
      v[int((NR + 1) / 2)], v[(int(NR * 0.99) > 0) ? int(NR * 0.99) : 1], v[NR], NR }'
}

ask_api() {
  while [ -e "$1" ]; do
    curl --silent --fail --max-time 5 --noproxy '*' --output /dev/null --write-out '%{time_total}\n' \
      --config <(printf 'header = "Authorization: Bearer %s"\n' "$token") "http://$GILGAL_API_ADDR/api/projects" \
      >>"$bench/api" || echo 5 >>"$bench/api"
    sleep 0.05
  done
}

ask_ssh() {
  while [ -e "$1" ]; do
    seconds_of on_server whoami >>"$bench/ssh" || echo 60 >>"$bench/ssh"
    sleep 0.5
  done
}

# push_and_note NUMBER: what became of it, and when.
push_and_note() {
  if push_to_live "$bench/crowd-$1" gilgal "http://crowd-$1.localhost:${GILGAL_HTTP_ADDR##*:}/" crowd >>"$bench_log" 2>&1; then
    echo "$1 $EPOCHREALTIME" >>"$bench/crowd"
  fi
}

bench_crowd() {
  local number asking=() pushes=() count=${ROUNDS:-20} begun
  with gilgal || { say "crowd measures gilgal only"; return; }
  for number in $(seq "$count"); do
    make_app "$bench/crowd-$number"
    commit_revision "$bench/crowd-$number" crowd
    gilgal_project "crowd-$number" "$bench/crowd-$number"
  done
  write_ssh_config "$git_url"
  : >"$bench/pushing"
  : >"$bench/crowd"
  ask_api "$bench/pushing" &
  asking+=($!)
  ask_ssh "$bench/pushing" &
  asking+=($!)
  begun=$EPOCHREALTIME
  for number in $(seq "$count"); do
    push_and_note "$number" &
    pushes+=($!)
  done
  wait "${pushes[@]}"
  rm "$bench/pushing"
  wait "${asking[@]}"
  printf '%-22s gilgal: %d of %d live, the first after %s s, the last after %s s\n' "many at once" \
    "$(wc -l <"$bench/crowd")" "$count" \
    "$(awk -v b="$begun" 'NR == 1 { printf "%.1f", $2 - b }' "$bench/crowd")" \
    "$(awk -v b="$begun" 'END { printf "%.1f", $2 - b }' "$bench/crowd")"
  percentiles "API meanwhile" "$bench/api"
  percentiles "SSH login meanwhile" "$bench/ssh"
}

# --- the router ---------------------------------------------------------------------------------------------

start_other_routers() {
  nginx_port=$(free_port) haproxy_port=$(free_port)
  cat >"$bench/nginx-router.conf" <<END
pid $bench/nginx-router.pid;
error_log $bench/nginx-router.log;
worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path $bench/nr-body; proxy_temp_path $bench/nr-proxy; fastcgi_temp_path $bench/nr-fastcgi;
  uwsgi_temp_path $bench/nr-uwsgi; scgi_temp_path $bench/nr-scgi;
  upstream app { server $1; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:$nginx_port;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host \$host; }
  }
}
END
  cat >"$bench/haproxy.conf" <<END
global
  nbthread 2
  maxconn 2048
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:$haproxy_port
  default_backend app
backend app
  server app $1
END
  nginx -c "$bench/nginx-router.conf" 2>>"$bench_log"
  haproxy -D -p "$bench/haproxy.pid" -f "$bench/haproxy.conf" >>"$bench_log" 2>&1
  wait_until 5 port_open "$nginx_port" || fail "nginx does not listen" "$bench/nginx-router.log"
  wait_until 5 port_open "$haproxy_port" || fail "haproxy does not listen" "$bench_log"
}

stop_other_routers() {
  stop_process "$(cat "$bench/nginx-router.pid" 2>/dev/null)" nginx 5 || true
  stop_process "$(cat "$bench/haproxy.pid" 2>/dev/null)" haproxy 5 || true
}

bench_router() {
  local round name ports address
  with gilgal || { say "router measures gilgal against nginx and haproxy"; return; }
  require haproxy haproxy
  scripts/base-images caddy
  mkdir "$bench/page"
  git init --quiet --initial-branch=main "$bench/page"
  head -c 1000 /dev/zero | tr '\0' x >"$bench/page/index.html"
  commit_revision "$bench/page" page
  gilgal_project page "$bench/page"
  git -C "$bench/page" push --quiet gilgal main >>"$bench_log" 2>&1 || fail "the page was not deployed" "$bench_log"
  address=$(docker ps --filter "label=gilgal.server=$(server_id)" --filter "label=gilgal.project" --format '{{.ID}} {{.Names}}' | awk '/page/ { print $1; exit }')
  # The same instance for all of them, on the port that it was told.
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{range .Config.Env}}{{println .}}{{end}}' "$address" |
    awk 'NR == 1 { ip = $1; sub(/^[^ ]* /, "") } /^PORT=/ { print ip ":" substr($0, 6) }')
  start_other_routers "$address"
  declare -A ports=([gilgal]=${GILGAL_HTTP_ADDR##*:} [nginx]=$nginx_port [haproxy]=$haproxy_port)
  for round in $(seq 0 "${ROUNDS:-5}"); do
    for name in gilgal nginx haproxy; do
      hey -z "${SECONDS_EACH:-10}s" -c 64 -host page.localhost "http://127.0.0.1:${ports[$name]}/" >"$bench/hey-router" 2>&1
      [ "$round" = 0 ] && continue
      awk '/Requests\/sec/ { print $2 }' "$bench/hey-router" >>"$bench/router-$name"
      awk '/99% in/ { print $3 * 1000 }' "$bench/hey-router" >>"$bench/p99-$name"
      [ "$(count_in_report "$bench/hey-router" failed)" = 0 ] || say "$name has failed requests"
    done
  done
  stop_other_routers
  for name in gilgal nginx haproxy; do
    printf '%-22s %s %.0f requests/s (%s), p99 %.1f ms (%s)   n=%d\n' "router" "$name" "$(median <"$bench/router-$name")" \
      "$(spread <"$bench/router-$name")" "$(median <"$bench/p99-$name")" "$(spread <"$bench/p99-$name")" \
      "$(wc -l <"$bench/router-$name")"
  done
}
