# shellcheck shell=bash
# The API under load: against a bare warp in the same run, with a large database, with followers, with logins.
# Sourced by scripts/bench.

# How much a large database has.
projects_of_large=${PROJECTS:-1000} deployments_of_large=${DEPLOYMENTS:-100000} lines_of_large=${LINES:-10000000}
# How many deployments one large project has, and how many lines one large log.
large_project=${LARGE_PROJECT:-5000} large_log=${LARGE_LOG:-100000}
followers=${FOLLOWERS:-200} stalled_followers=${STALLED:-50} logins=${LOGINS:-200}
filled="$GILGAL_HOME/gilgal.db"

require_api() {
  require sqlite3 sqlite3
  if [ -z "${HELLO_BINARY:-}" ]; then
    require_rust
    cargo build --release --example hello
    HELLO_BINARY="$CARGO_TARGET_DIR/release/examples/hello"
  fi
}

# hey_report OPTION…: what hey has measured. The token is on its command line: the account is the bench's own.
hey_report() { hey "$@" 2>>"$bench_log"; }

rate_of() { awk '/Requests\/sec/ { print $2 }' <<<"$1"; }
p99_of() { awk '/99%+ in/ { print $3 * 1000 }' <<<"$1"; }
failures_of() { awk '/^  \[[0-9]+\]/ { n = substr($1, 2) + 0; if ($3 == "responses") { if (n >= 400) bad += $2 } else bad += n } END { print bad + 0 }' <<<"$1"; }

# --- one project, beside a hello ------------------------------------------------------------------------

bench_api_rate() {
  local round address report hello
  address="127.0.0.1:$(free_port)"
  "$HELLO_BINARY" "$address" &
  hello=$!
  wait_until 5 port_open "${address##*:}" || fail "hello does not listen"
  : >"$bench/rates"
  for round in $(seq 0 "${ROUNDS:-5}"); do
    local line
    line=$(rate_of "$(hey_report -z 4s -c 32 "http://$address/")")
    report=$(hey_report -z 4s -c 32 -H "Authorization: Bearer $token" "http://$GILGAL_API_ADDR/api/projects/bench-api")
    [ "$(failures_of "$report")" = 0 ] || fail "requests were refused" "$bench_log"
    # The first round warms both up.
    [ "$round" = 0 ] || echo "$line $(rate_of "$report") $(p99_of "$report")" >>"$bench/rates"
  done
  kill "$hello"
  wait "$hello" 2>/dev/null || true
  printf '%-22s %s: hello %.0f/s, GET /api/projects/:id %.0f/s, ratio %.2f, p99 %.1f ms   n=%d\n' "one project" "$1" \
    "$(cut -d' ' -f1 "$bench/rates" | median)" "$(cut -d' ' -f2 "$bench/rates" | median)" \
    "$(awk '{ print $2 / $1 }' "$bench/rates" | median)" "$(cut -d' ' -f3 "$bench/rates" | median)" "$(wc -l <"$bench/rates")"
}

# --- pages of a large database --------------------------------------------------------------------------

# fill_sql FIRST LAST DEPLOYMENTS LINES: SQL that makes projects with numbers, with so many deployments each and so many lines each of those, after the one that was deployed.
fill_sql() {
  local first=$1 last=$2 each=$3 lines=$4
  cat <<END
PRAGMA foreign_keys = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -400000;
CREATE TEMP TABLE template AS SELECT p.id AS project, e.id AS environment, d.id AS deployment FROM projects p
  JOIN environments e ON e.project_id = p.id JOIN deployments d ON d.environment_id = e.id WHERE p.slug = 'bench-api' AND d.state = 'live' LIMIT 1;
CREATE TEMP TABLE numbers AS WITH RECURSIVE c (n) AS (SELECT $first UNION ALL SELECT n + 1 FROM c WHERE n < $last) SELECT n FROM c;
CREATE TEMP TABLE eaches AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $each) SELECT n FROM c;
CREATE TEMP TABLE lines AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $lines) SELECT n FROM c;
BEGIN;
INSERT INTO projects (id, owner_id, name, slug, framework, created_at, updated_at)
  SELECT printf('00000000-0000-7000-8000-%012x', n), owner_id, 'Filler ' || n, 'filler-' || n, framework, created_at, updated_at
  FROM numbers, projects WHERE slug = 'bench-api';
INSERT INTO environments (id, project_id, name, branch, settings, created_at, updated_at, host)
  SELECT printf('00000000-0000-7000-8001-%012x', n), printf('00000000-0000-7000-8000-%012x', n), name, branch, settings, created_at, updated_at, 'filler-' || n
  FROM numbers, environments WHERE environments.id = (SELECT environment FROM template);
INSERT INTO deployments (id, project_id, environment_id, state, commit_id, branch, author_id, source, options, record, reason, created_at, started_at, finished_at)
  SELECT printf('00000000-0000-7000-8002-%06x%06x', numbers.n, eaches.n), printf('00000000-0000-7000-8000-%012x', numbers.n), printf('00000000-0000-7000-8001-%012x', numbers.n),
    'failed', commit_id, branch, author_id, source, options, record, 'It did not build.', created_at, started_at, finished_at
  FROM numbers, eaches, deployments WHERE deployments.id = (SELECT deployment FROM template);
INSERT INTO deployment_logs (deployment_id, seq, logged_at, level, step, stream, text)
  SELECT printf('00000000-0000-7000-8002-%06x%06x', numbers.n, eaches.n), lines.n, 1764000000000000 + lines.n, 'info', 'build', 'build', 'Step ' || lines.n || ': compiling something that takes a while'
  FROM numbers, eaches, lines;
COMMIT;
END
}

# The pages that are asked for: the same rows in both databases.
pages() {
  local project=00000000-0000-7000-8000-000000000001 environment=00000000-0000-7000-8001-000000000001
  local deployment=00000000-0000-7000-8002-000001000001
  printf '%s\n' "/projects?limit=100" "/projects/$project/deployments?limit=100" \
    "/projects/$project/deployments?limit=100&status=failed" "/projects/$project/environments" \
    "/environments/$environment/releases" "/environments/$environment/config/history" "/projects/$project/audit" "/audit?limit=100" \
    "/deployments/$deployment/logs?limit=1000" "/deployments/$deployment/logs?limit=1000&level=info" "/deployments/$deployment"
}

# Pages for which much is looked through and nothing is found: of one project and of one log that are large.
selective_pages() {
  local project deployment
  project=$(printf '00000000-0000-7000-8000-%012x' $((projects_of_large + 1)))
  deployment=$(printf '00000000-0000-7000-8002-%06x%06x' $((projects_of_large + 2)) 1)
  printf '%s\n' "/projects/$project/deployments?commit=$(printf 'f%.0s' {1..40})" "/projects/$project/deployments?status=cancelled" \
    "/deployments/$deployment/logs?level=error" "/deployments/$deployment/logs?step=release"
}

# measure_pages NAME PAGES: a line for each page with its p99 in ms.
measure_pages() {
  local path report
  : >"$bench/pages-$1"
  while read -r path; do
    hey_report -n 100 -c 2 -H "Authorization: Bearer $token" "http://$GILGAL_API_ADDR/api$path" >/dev/null
    report=$(hey_report -n 600 -c 2 -H "Authorization: Bearer $token" "http://$GILGAL_API_ADDR/api$path")
    [ "$(failures_of "$report")" = 0 ] || fail "GET $path was refused" "$bench_log"
    echo "$path $(p99_of "$report")" >>"$bench/pages-$1"
  done < <("$2")
}

# fill FIRST LAST EACH LINES: the server is away meanwhile.
fill() {
  stop_server
  fill_sql "$@" | sqlite3 "$filled" >>"$bench_log" || fail "the database was not filled" "$bench_log"
  start_server "$gilgal"
  sign_in
}

bench_api_pages() {
  # A hundred of each, and a log of a thousand lines: whole pages, which the large database shows too.
  fill 1 1 100 100
  fill 2 100 1 10
  measure_pages small pages
  local each=$((deployments_of_large / projects_of_large))
  fill 101 "$projects_of_large" "$each" $((lines_of_large / deployments_of_large))
  measure_pages large pages
  printf '%-22s %d projects, %d deployments, %d log lines, %d MiB\n' "large database" \
    "$(sqlite3 "$filled" 'SELECT count(*) FROM projects')" "$(sqlite3 "$filled" 'SELECT count(*) FROM deployments')" \
    "$(sqlite3 "$filled" 'SELECT count(*) FROM deployment_logs')" $(($(stat -c %s "$filled") >> 20))
  paste -d' ' "$bench/pages-small" "$bench/pages-large" | awk '{ printf "  %-72s p99 %6.1f ms, in a small one %6.1f ms, ratio %.2f\n", $1, $4, $2, $4 / $2 }'
}

bench_api_selective() {
  local project=$((projects_of_large + 1)) log=$((projects_of_large + 2))
  fill "$project" "$project" "$large_project" 1
  fill "$log" "$log" 1 "$large_log"
  measure_pages selective selective_pages
  printf '%-22s %d deployments of one project, %d lines of one log\n' "nothing found" "$large_project" "$large_log"
  awk '{ printf "  %-100s p99 %6.1f ms\n", $1, $2 }' "$bench/pages-selective"
}

# Followers who ask for the large log and read none of it, and what the server has in memory meanwhile.
bench_api_stalled() {
  local id number fd connections=() before most=0 now
  id=$(printf '00000000-0000-7000-8002-%06x%06x' $((projects_of_large + 2)) 1)
  before=$(resident_megabytes "$(cat "$server_pid_file")")
  for number in $(seq "$stalled_followers"); do
    exec {fd}<>"/dev/tcp/${GILGAL_API_ADDR%:*}/${GILGAL_API_ADDR##*:}"
    printf 'GET /api/deployments/%s/logs HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n' "$id" "$token" >&"$fd"
    connections+=("$fd")
  done
  # Longer than somebody may take nothing.
  for number in $(seq 40); do
    sleep 1
    now=$(resident_megabytes "$(cat "$server_pid_file")")
    most=$(awk -v a="$most" -v b="$now" 'BEGIN { print (a > b ? a : b) }')
  done
  printf '%-22s %d: %s MB resident before, %s MB at most, %s MB when they are let go\n' "followers that stall" "$stalled_followers" "$before" "$most" "$now"
  for fd in "${connections[@]}"; do exec {fd}>&-; done
}

# --- logins -----------------------------------------------------------------------------------------------

# sign_up_for_logins: an account for each login; their passwords are the developer's.
sign_up_for_logins() {
  local number password
  password=$(cat "$developer/password")
  for number in $(seq "$logins"); do
    create /auth/register "{\"email\":\"bench-$number@example.com\",\"username\":\"bench-$number\",\"password\":\"$password\"}"
  done
}

# logins_of_curl: a configuration of curl with a request for each account.
logins_of_curl() {
  local number password
  password=$(cat "$developer/password")
  for number in $(seq "$logins"); do
    [ "$number" = 1 ] || echo next
    printf '%s\n' silent "url = \"http://$GILGAL_API_ADDR/api/auth/login\"" 'header = "Content-Type: application/json"' 'noproxy = "*"' 'max-time = 120' \
      "data = \"{\\\"email\\\":\\\"bench-$number@example.com\\\",\\\"password\\\":\\\"$password\\\"}\"" 'output = "/dev/null"' 'write-out = "%{http_code} %{time_total}\n"'
  done
}

bench_api_logins() {
  local asking
  sign_up_for_logins
  : >"$bench/logging-in"
  : >"$bench/health"
  (umask 077 && logins_of_curl >"$bench/login")
  ask_for_health "$bench/logging-in" &
  asking=$!
  curl --parallel --parallel-immediate --parallel-max "$logins" --config "$bench/login" >"$bench/logged-in" 2>>"$bench_log" ||
    say "not every login was answered; the log is $bench_log"
  rm "$bench/logging-in" "$bench/login"
  wait "$asking"
  awk -v all="$logins" '$1 == 200 { good += 1 } { last = $2 > last ? $2 : last } END {
    printf "%-22s %d of %d answered with 200, the last after %.1f s; ", "logins at once", good, all, last }' "$bench/logged-in"
  sort -n "$bench/health" | awk '{ v[NR] = $1 * 1000 } END { printf "GET /health meanwhile %.0f ms median, %.0f ms at most   n=%d\n", v[int((NR + 1) / 2)], v[NR], NR }'
}

# --- followers --------------------------------------------------------------------------------------------

# How long a build waits until it prints: everybody who follows it has to be there, and two hundred programs take their time to start.
arrival=10

# make_talking_app FOLDER LINES PAUSE: its build prints the time so often, with a pause of so many seconds after each.
make_talking_app() {
  git init --quiet --initial-branch=main "$1"
  cat >"$1/Dockerfile" <<END
FROM node:22-bookworm-slim
COPY revision /
RUN sleep $arrival; for n in \$(seq $2); do echo "at \$(date +%s.%N)"; [ $3 = 0 ] || sleep $3; done
CMD exec node -e 'require("http").createServer((q, r) => r.end("talk")).listen(process.env.PORT)'
END
}

# follow_log ID: the events of a log, until it ends.
follow_log() {
  curl --silent --no-buffer --noproxy '*' --max-time 300 --header "Accept: text/event-stream" --config <(printf 'header = "Authorization: Bearer %s"\n' "$token") \
    "http://$GILGAL_API_ADDR/api/deployments/$1/logs"
}

# delays_of ID: the delay of each line in seconds, until the log ends.
delays_of() {
  follow_log "$1" | while read -r line; do
    [[ ! $line =~ at\ ([0-9]+\.[0-9]+)\" ]] || echo "${BASH_REMATCH[1]} $EPOCHREALTIME"
  done | awk '{ print $2 - $1 }'
}

# printed_for ID: the seconds from the first to the last line that a build has printed, by its own clock.
printed_for() {
  curl --silent --noproxy '*' --max-time 60 --header "Accept: text/plain" --config <(printf 'header = "Authorization: Bearer %s"\n' "$token") \
    "http://$GILGAL_API_ADDR/api/deployments/$1/logs" | awk '$1 == "at" && $2 > 0 { last = $2; first = first ? first : $2 } END { printf "%.3f\n", last - first }'
}

# talk PROJECT NUMBER FOLLOWERS: deploys the app; prints how long its build has printed. One more follows, who leaves the delays in $bench/delays-PROJECT if there is one.
talk() {
  local id answer pids=()
  commit_revision "$bench/$1" "$RANDOM-$2"
  git -C "$bench/$1" push --quiet --push-option=gilgal.detach gilgal main >>"$bench_log" 2>&1
  answer=$(api GET "/projects/$1/deployments?limit=1")
  id=$(json_field id <<<"$answer")
  for _ in $(seq "$3"); do
    follow_log "$id" >/dev/null &
    pids+=($!)
  done
  if [ -e "$bench/delays-$1" ]; then delays_of "$id" >>"$bench/delays-$1"; else follow_log "$id" >/dev/null; fi
  [ ${#pids[@]} = 0 ] || wait "${pids[@]}"
  printed_for "$id"
}

bench_api_followers() {
  local round
  # One whose lines come one by one, and one that does nothing but print: what slows it down is seen.
  make_talking_app "$bench/talking" 100 0.1
  make_talking_app "$bench/chattering" "${CHATTER:-20000}" 0
  for round in talking chattering; do
    gilgal_project "$round" "$bench/$round"
    talk "$round" warm 0 >/dev/null
  done
  : >"$bench/delays-talking"
  for round in $(seq "${ROUNDS:-3}"); do
    talk talking "$round" "$followers" >/dev/null
    echo "$(talk chattering "$round-alone" 0) $(talk chattering "$round-followed" "$followers")" >>"$bench/talks"
  done
  printf '%-22s a line is seen after ' "$followers followers"
  sort -n "$bench/delays-talking" | awk '{ v[NR] = $1 * 1000 } END { printf "%.0f ms median, %.0f ms p99, %.0f ms at most   n=%d\n", v[int((NR + 1) / 2)], v[int(NR * 0.99)], v[NR], NR }'
  printf '%-22s a build that only prints, with them against with none: ratio %s   n=%d\n' "$followers followers" \
    "$(awk '{ print $2 / $1 }' "$bench/talks" | median)" "$(wc -l <"$bench/talks")"
}

bench_api() {
  with gilgal || { say "api measures gilgal only"; return; }
  require_api
  make_app "$bench/app-api"
  gilgal_project bench-api "$bench/app-api"
  commit_revision "$bench/app-api" api
  push_to_live "$bench/app-api" gilgal "$url" api || fail "the push failed" "$bench_log"
  bench_api_rate "$([ -n "${DATABASE_URL:-}" ] && echo PostgreSQL || echo SQLite)"
  bench_api_logins
  bench_api_followers
  # Into the file of a SQLite database.
  [ -z "${DATABASE_URL:-}" ] || return 0
  bench_api_pages
  bench_api_selective
  bench_api_stalled
}
