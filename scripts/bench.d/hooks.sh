# shellcheck shell=bash
# Hooks: from a delivery to a deployment that has begun, a burst of deliveries, and a large payload. Sourced by scripts/bench.
# The repository is behind the baseline's sshd: the other side of the first number is git fetch by hand.

hooks_burst=${BURST:-1000}
hooks_remote="$baseline/hooks.git"

# What is promised: seconds until a deployment has begun, seconds for a megabyte, and memory after a second burst beside the
# memory after the first.
hooks_most_started=0.150 hooks_most_payload=0.005 hooks_most_growth=1.10
hooks_missed=''

# at_most WHAT VALUE MOST
at_most() {
  awk -v value="$2" -v most="$3" 'BEGIN { exit !(value > most) }' || return 0
  say "$1: $2, and at most $3 is promised"
  hooks_missed=1
}

# signature FILE: as GitHub signs what is in it.
signature() { openssl dgst -sha256 -hmac "$hook_secret" -hex "$1" | sed 's/.* //'; }

# request FILE: the options of curl that send it, a line each.
request() {
  printf 'url = "http://%s%s"\n' "$GILGAL_API_ADDR" "$hook_path"
  printf 'header = "%s"\n' 'Content-Type: application/json' 'X-GitHub-Event: push' "X-GitHub-Delivery: $RANDOM-$RANDOM-${1##*/}" \
    "X-Hub-Signature-256: sha256=$(signature "$1")" 'Expect:'
  printf 'data-binary = "@%s"\n' "$1"
}

# deliver FILE OPTION…: prints what curl prints.
deliver() { curl --silent --show-error --noproxy '*' --max-time 30 --config <(request "$1") "${@:2}" 2>>"$bench_log"; }

# write_push FILE BRANCH COMMIT [COMMITS]: the body of a push of so many commits, of about 500 bytes each.
write_push() {
  awk -v branch="$2" -v after="$3" -v count="${4:-1}" -v sent="$EPOCHREALTIME" 'BEGIN {
    printf "{\"ref\":\"refs/heads/%s\",\"after\":\"%s\",\"repository\":{\"full_name\":\"%s\",\"pushed_at\":\"%s\"},\"commits\":[", branch, after, "baseline/hooks", sent
    for (i = 0; i < count; i++) {
      printf "%s{\"id\":\"%040d\",\"message\":\"%0200d\",\"added\":[],\"removed\":[],\"modified\":[\"src/%0150d.rs\"]}", i ? "," : "", i, i, i
    }
    print "]}"
  }' >"$1"
}

set_up_hooks() {
  local answer key
  with baseline || fail "hooks needs the baseline's sshd, for the repository" "SIDES='gilgal baseline'"
  make_app "$bench/app-hooks"
  git init --quiet --bare --initial-branch=main "$hooks_remote"
  git -C "$bench/app-hooks" remote add origin "$hooks_remote"
  ensure_project bench-hooks
  key=$(api POST /projects/bench-hooks/deploy-key '{}') || fail "there is no deploy key: $key"
  json_field public_key <<<"$key" >>"$baseline/authorized_keys"
  answer=$(api POST /projects/bench-hooks/hooks \
    "{\"provider\":\"github\",\"repository\":\"ssh://$(id -un)@127.0.0.1:$baseline_ssh_port$hooks_remote\"}") ||
    fail "the project cannot be connected: $answer"
  hook_path=$(json_field path <<<"$answer") hook_secret=$(json_field secret <<<"$answer")
}

# publish TEXT: the next commit is in the repository; prints its id.
publish() {
  commit_revision "$bench/app-hooks" "$1"
  git -C "$bench/app-hooks" push --quiet origin main >>"$bench_log" 2>&1
  git -C "$bench/app-hooks" rev-parse HEAD
}

has_ended() { api GET "/deployments/$1" | grep -qE '"status": *"(success|failed|cancelled|superseded)"'; }

# step_of DEPLOYMENT STEP FIELD
step_of() {
  api GET "/deployments/$1" | grep -oE "\"name\": *\"$2\"[^}]*" | grep -oE "\"$3\": *(\"[^\"]*\"|[0-9]+)" | sed -E 's/^[^:]*: *"?//; s/"$//'
}

fetch_by_hand() {
  GIT_SSH_COMMAND="ssh -F /dev/null -i $baseline/id -o IdentitiesOnly=yes -o UserKnownHostsFile=$baseline/known_hosts" \
    git -C "$bench/by-hand" fetch --quiet "ssh://$(id -un)@127.0.0.1:$baseline_ssh_port$hooks_remote" "+refs/heads/main:refs/heads/main"
}

# From the moment at which a delivery is sent until its deployment has begun; what its fetch takes, beside git's own.
bench_delivery() {
  local round sent commit deployment begun
  git init --quiet --bare "$bench/by-hand"
  : >"$bench/hooks-started"
  for round in $(seq 0 "${ROUNDS:-7}"); do
    commit=$(publish "hooks-$round")
    seconds_of fetch_by_hand >>"$bench/hooks-by-hand" || fail "git fetch failed" "$bench_log"
    write_push "$bench/push" main "$commit"
    sent=$EPOCHREALTIME
    deployment=$(deliver "$bench/push" | json_field deployment_id)
    [ -n "$deployment" ] || fail "a delivery starts nothing" "$bench_log"
    wait_until 300 has_ended "$deployment" || fail "the deployment does not end"
    begun=$(date -d "$(step_of "$deployment" fetch started_at)" +%s.%N)
    awk -v a="$sent" -v b="$begun" 'BEGIN { printf "%.3f\n", b - a }' >>"$bench/hooks-started"
    awk -v ms="$(step_of "$deployment" fetch duration_ms)" 'BEGIN { printf "%.3f\n", ms / 1000 }' >>"$bench/hooks-fetch"
    [ "$round" != 0 ] || for file in started fetch by-hand; do : >"$bench/hooks-$file"; done
  done
  printf '%-22s gilgal %s s (%s)   n=%d\n' "delivery to started" "$(median <"$bench/hooks-started")" \
    "$(spread <"$bench/hooks-started")" "$(wc -l <"$bench/hooks-started")"
  at_most "delivery to started" "$(median <"$bench/hooks-started")" "$hooks_most_started"
  printf '%-22s gilgal %s s (%s)   git fetch by hand %s s (%s)\n' "fetched" "$(median <"$bench/hooks-fetch")" \
    "$(spread <"$bench/hooks-fetch")" "$(median <"$bench/hooks-by-hand")" "$(spread <"$bench/hooks-by-hand")"
}

deployments_made() { api GET "/projects/bench-hooks/deployments?limit=100" | grep -oE '"made_from"' | wc -l; }

# prepare_burst NUMBER: so many deliveries of different pushes, signed: what is measured must not wait for that.
prepare_burst() {
  local number
  : >"$bench/burst-$1.curl"
  for number in $(seq "$hooks_burst"); do
    write_push "$bench/burst-$1-$number" main "$(printf '%039x%d' "$number" "$1")"
    [ "$number" = 1 ] || echo next >>"$bench/burst-$1.curl"
    request "$bench/burst-$1-$number" >>"$bench/burst-$1.curl"
    printf 'silent\nnoproxy = "*"\nmax-time = 60\nwrite-out = "\\n%%{http_code} %%{time_total}\\n"\n' >>"$bench/burst-$1.curl"
  done
}

# burst NUMBER: sends them at once; the seconds of each answer, and its deployment.
burst() {
  curl --parallel --parallel-max 50 --config "$bench/burst-$1.curl" >"$bench/burst-answers" 2>>"$bench_log" || true
}

bench_burst() {
  local before running memory number answered megabytes=()
  printf 'FROM node:22-bookworm-slim\nCOPY revision /\nRUN sleep 90\nCMD exec node -e "require(\\"http\\").createServer((q, r) => r.end(\\"x\\")).listen(process.env.PORT)"\n' \
    >"$bench/app-hooks/Dockerfile"
  for number in 1 2; do prepare_burst "$number"; done
  write_push "$bench/push" main "$(publish "burst-$RANDOM")"
  before=$(deployments_made)
  running=$(deliver "$bench/push" | json_field deployment_id)
  wait_until 60 is_building "$running" || fail "the first deployment does not build"
  for number in 1 2; do
    memory="${memory:-$(resident_megabytes "$(cat "$server_pid_file")") MB}"
    burst "$number"
    answered=$(grep -cE '^202 ' "$bench/burst-answers" || true)
    megabytes+=("$(resident_megabytes "$(cat "$server_pid_file")")")
    memory="$memory, ${megabytes[-1]} MB"
    [ "$answered" = "$hooks_burst" ] || hooks_missed=1
    grep -E '^202 ' "$bench/burst-answers" | cut -d' ' -f2 >"$bench/burst-times"
    percentiles "burst $number, answers" "$bench/burst-times"
    printf '%-22s %d of %d taken, by %d deployment(s) beside the one that runs\n' "burst $number" "$answered" "$hooks_burst" \
      "$(grep -oE '"deployment_id": *"[^"]*"' "$bench/burst-answers" | sort -u | grep -vc "$running")"
  done
  printf '%-22s %d made; memory before, after, after both: %s\n' "burst, deployments" "$(($(deployments_made) - before))" "$memory"
  at_most "growth of memory" "$(awk -v a="${megabytes[0]}" -v b="${megabytes[1]}" 'BEGIN { print b / a }')" "$hooks_most_growth"
  is_building "$running" || say "the first deployment ended during the bursts: more than one was made beside it"
  api POST "/deployments/$running/cancel" '{}' >>"$bench_log" || true
  wait_until 300 has_ended "$running" || fail "the deployment does not end"
}

is_building() { api GET "/deployments/$1" | grep -qE '"step": *"build"'; }

# What is about another branch starts nothing: what is left is the signature, the parsing and one row.
bench_payload() {
  local round size
  for round in $(seq 0 "$((${ROUNDS:-7} * 3))"); do
    write_push "$bench/small" other "$(printf '%040x' "$((round + 1))")" 1
    write_push "$bench/large" other "$(printf '%040x' "$((round + 1))")" 2300
    for size in small large; do
      deliver "$bench/$size" --output /dev/null --write-out '%{time_total}\n' >>"$bench/payload-$size"
      [ "$round" != 0 ] || : >"$bench/payload-$size"
    done
  done
  printf '%-22s gilgal %s s of 1 commit, %s s of %d bytes   n=%d\n' "signed and parsed" "$(median <"$bench/payload-small")" \
    "$(median <"$bench/payload-large")" "$(wc -c <"$bench/large")" "$(wc -l <"$bench/payload-large")"
  at_most "a large payload, beside a small one" \
    "$(awk -v a="$(median <"$bench/payload-small")" -v b="$(median <"$bench/payload-large")" 'BEGIN { print b - a }')" \
    "$hooks_most_payload"
}

bench_hooks() {
  with gilgal || { say "hooks measures gilgal only"; return; }
  set_up_hooks
  bench_delivery
  bench_payload
  bench_burst
  [ -z "$hooks_missed" ] || fail "a promise about hooks is not kept"
}
