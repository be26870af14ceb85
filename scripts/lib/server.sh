# shellcheck shell=bash
# A gilgal server that a script starts, and one developer who uses it over its API and SSH.
# Sourced after common.sh. The script sets and exports GILGAL_HOME and the three addresses first.

# Beside the server's own files, where they go with the home: the developer's key, password, known hosts.
developer="$GILGAL_HOME/developer"
email=developer@example.com
username=developer
server_pid_file="$GILGAL_HOME/server.pid"
server_log="$GILGAL_HOME/server.log"

# --- the process ----------------------------------------------------------------------------------

server_runs() { process_is "$(cat "$server_pid_file" 2>/dev/null)" gilgal; }

# On a wildcard address a server is reached over loopback.
api_address() { echo "${GILGAL_API_ADDR/#0.0.0.0:/127.0.0.1:}"; }

server_answers() {
  server_runs || return 2
  curl --silent --fail --noproxy '*' --max-time 2 --output /dev/null "http://$(api_address)/health"
}

# start_server BINARY: in the background, and waits until its API answers.
start_server() {
  (umask 077 && mkdir -p "$GILGAL_HOME")
  log_begins=$(($(wc -c 2>/dev/null <"$server_log" || echo 0) + 1))
  # As packaging/systemd/gilgal.service has it.
  MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}" setsid nohup "$1" serve >>"$server_log" 2>&1 </dev/null &
  echo $! >"$server_pid_file"
  # Between fork and exec the process still has bash's name.
  wait_until 5 server_runs || server_failed "ended at once"
  wait_until 30 server_answered_or_died || true
  server_runs || server_failed "ended at once"
  server_answers || server_failed "does not answer on $(api_address)"
}

server_answered_or_died() { server_answers || ! server_runs; }

# Shows what this start has said, and nothing of those before it.
server_failed() {
  tail -c "+$log_begins" "$server_log" | tail -n 15 >&2
  fail "gilgal $1" "Its log is in $server_log"
}

# A deployment that is running gets 30 s to end, see the server's SIGTERM.
stop_server() {
  local pid
  pid=$(cat "$server_pid_file" 2>/dev/null) || return 0
  stop_process "$pid" gilgal 70 || fail "gilgal (pid $pid) does not end"
  rm -f "$server_pid_file"
}

server_id() { cat "$GILGAL_HOME/server-id" 2>/dev/null; }

# what_docker_has KIND: ids of this server's containers, networks, volumes or images.
what_docker_has() {
  local id options=(--quiet)
  id=$(server_id) || return 0
  [ "$1" != container ] || options+=(--all)
  docker "$1" ls "${options[@]}" --filter "label=gilgal.server=$id" | sort -u
}

# remove_from_docker: everything that this server made there, found by its label. Containers first: they hold the rest.
remove_from_docker() {
  local kind ids force
  for kind in container network volume image; do
    mapfile -t ids < <(what_docker_has "$kind")
    [ ${#ids[@]} -gt 0 ] || continue
    # A network has no --force in the client of Debian 12.
    if [ "$kind" = network ]; then force=(); else force=(--force); fi
    docker "$kind" rm "${force[@]}" "${ids[@]}" >/dev/null
    say "removed ${#ids[@]} $kind(s)"
  done
  # Names that it gave to base images, which have no label of its own.
  ids=()
  [ ! -f "$GILGAL_HOME/server-id" ] || mapfile -t ids < <(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=gilgal/$(server_id)/base")
  [ ${#ids[@]} = 0 ] || docker image rm "${ids[@]}" >/dev/null
}

# --- its API ----------------------------------------------------------------------------------------

# json_field NAME: the first string of that name, or nothing. Enough for bodies that are known; a new machine has no jq.
json_field() { grep -oE "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4 || true; }

# api METHOD PATH [BODY]: prints the body. Exit code 9 for "409 Conflict", 1 for another refusal.
# Password and token go through files that only curl reads: a command line is everybody's.
api() {
  local answer
  answer=$(curl --silent --show-error --noproxy '*' --max-time 30 --request "$1" --write-out '\n%{http_code}' \
    --config <([ -z "${token:-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$token") \
    --header 'Content-Type: application/json' --data-binary @<(printf '%s' "${3:-}") \
    "http://$(api_address)/api$2") || return
  printf '%s\n' "${answer%$'\n'*}"
  case "${answer##*$'\n'}" in
    2??) ;;
    409) return 9 ;;
    *) return 1 ;;
  esac
}

# create PATH BODY: a POST where "it is there already" is as good.
create() {
  local answer
  answer=$(api POST "$1" "$2") || [ $? = 9 ] || fail "POST /api$1 was refused: $answer"
}

# sign_in: logs in, and registers first when there is no such account yet; sets the token.
sign_in() {
  local password account answer
  (umask 077 && mkdir -p "$developer")
  [ -s "$developer/password" ] || (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$developer/password")
  password=$(cat "$developer/password")
  account="\"email\":\"$email\",\"password\":\"$password\""
  if ! answer=$(api POST /auth/login "{$account}"); then
    create /auth/register "{$account,\"username\":\"$username\"}"
    answer=$(api POST /auth/login "{$account}") || fail "cannot log in as $email: $answer"
  fi
  token=$(json_field access_token <<<"$answer")
}

# register_key: an SSH key of the developer's own; nobody's ~/.ssh is read or written.
register_key() {
  local key="$developer/id_ed25519"
  [ -s "$key" ] || ssh-keygen -q -t ed25519 -N '' -C "$username@gilgal" -f "$key"
  create /keys "{\"title\":\"made by ${0##*/}\",\"public_key\":\"$(cat "$key.pub")\"}"
}

# ensure_project NAME: finds or creates it; sets git_url and url.
ensure_project() {
  local answer
  answer=$(api GET "/projects/$1") || answer=$(api POST /projects "{\"name\":\"$1\"}") ||
    fail "cannot create the project $1: $answer"
  git_url=$(json_field git_url <<<"$answer")
  url=$(json_field url <<<"$answer")
}

# --- git over its SSH ---------------------------------------------------------------------------------

# trust_host_key GIT_URL: the server's key is read from its home, so the first connection is already checked.
trust_host_key() {
  local host port
  [[ $1 =~ ^ssh://([^@/]*@)?([^:/]+)(:([0-9]+))?/ ]] || fail "not an SSH address: $1"
  host=${BASH_REMATCH[2]} port=${BASH_REMATCH[4]:-22}
  [ "$port" = 22 ] || host="[$host]:$port"
  printf '%s %s\n' "$host" "$(ssh-keygen -y -f "$GILGAL_HOME/ssh_host_ed25519_key")" >"$developer/known_hosts"
}

# write_ssh_config GIT_URL: what `ssh -F` and git take, with "gilgal" for the server: this key and these known hosts only,
# whatever the user's ssh is set up to do.
write_ssh_config() {
  local host port
  [[ $1 =~ ^ssh://([^@/]*@)?([^:/]+)(:([0-9]+))?/ ]] || fail "not an SSH address: $1"
  host=${BASH_REMATCH[2]} port=${BASH_REMATCH[4]:-22}
  cat >"$developer/ssh_config" <<END
Host gilgal
  HostName $host
  Port $port
  User git
Host *
  IdentityFile "$developer/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "$developer/known_hosts"
  StrictHostKeyChecking yes
END
}

# The whole ssh command for git: this key and these known hosts only, whatever the user's ssh is set up to do.
ssh_command() {
  printf 'ssh -F /dev/null -i %q -o IdentitiesOnly=yes -o UserKnownHostsFile=%q -o StrictHostKeyChecking=yes' \
    "$developer/id_ed25519" "$developer/known_hosts"
}
