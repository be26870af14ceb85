# shellcheck shell=bash
# The two sides of every comparison: gilgal, and OpenSSH's sshd + a bare repository + a post-receive script + nginx.
# Each side has start_…, the environment to push to it, and stop_…; both live in $bench, on loopback, on ports of their own.

# --- an app to push -----------------------------------------------------------------------------------

# make_app FOLDER: the app as a git repository.
make_app() {
  git init --quiet --initial-branch=main "$1"
  cp scripts/bench.d/app/* "$1"
}

# commit_revision FOLDER TEXT: the next commit, which the app answers with.
commit_revision() {
  printf '%s' "$2" >"$1/revision"
  git -C "$1" add --all
  git -C "$1" -c user.name=bench -c user.email=bench@example.com commit --quiet --message "revision $2"
}

# --- gilgal ---------------------------------------------------------------------------------------------

start_gilgal() {
  start_server "$gilgal"
  sign_in
  register_key
}

# gilgal_project NAME FOLDER: creates it and adds the remote; sets url.
gilgal_project() {
  ensure_project "$1"
  trust_host_key "$git_url"
  git -C "$2" remote add gilgal "$git_url"
  git -C "$2" config core.sshCommand "$(ssh_command)"
}

stop_gilgal() {
  stop_server
  remove_from_docker
}

# --- baseline -------------------------------------------------------------------------------------------

baseline="$bench/baseline"

start_baseline() {
  baseline_ssh_port=$(free_port) baseline_http_port=$(free_port)
  mkdir -p "$baseline"
  cp scripts/bench.d/baseline/* "$baseline"
  echo "gilgal.bench=$$" >"$baseline/label"
  start_sshd
  start_nginx
  git init --quiet --bare --initial-branch=main "$baseline/app.git"
  # The hook gets no variable over ssh, so it is told where it is when it is installed.
  printf '#!/bin/sh\nBASELINE=%q exec %q\n' "$baseline" "$baseline/post-receive" >"$baseline/app.git/hooks/post-receive"
  chmod +x "$baseline/app.git/hooks/post-receive" "$baseline/post-receive"
  baseline_url="http://127.0.0.1:$baseline_http_port/"
  baseline_git="ssh://$(id -un)@127.0.0.1:$baseline_ssh_port$baseline/app.git"
}

start_sshd() {
  ssh-keygen -q -t ed25519 -N '' -f "$baseline/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$baseline/id"
  cp "$baseline/id.pub" "$baseline/authorized_keys"
  cat >"$baseline/sshd_config" <<END
Port $baseline_ssh_port
ListenAddress 127.0.0.1
HostKey $baseline/host_key
AuthorizedKeysFile $baseline/authorized_keys
PidFile $baseline/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
END
  # As root, sshd wants the folder that its service would have made.
  if is_root; then mkdir -p /run/sshd; fi
  "$(command -v sshd)" -f "$baseline/sshd_config" -E "$baseline/sshd.log"
  wait_until 5 port_open "$baseline_ssh_port" || fail "the baseline's sshd does not listen" "$baseline/sshd.log"
  printf '[127.0.0.1]:%s %s\n' "$baseline_ssh_port" "$(cat "$baseline/host_key.pub")" >"$baseline/known_hosts"
}

start_nginx() {
  echo "upstream app { server 127.0.0.1:1; }" >"$baseline/upstream.conf"
  cat >"$baseline/nginx.conf" <<END
pid $baseline/nginx.pid;
error_log $baseline/nginx.log;
worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $baseline/body; proxy_temp_path $baseline/proxy; fastcgi_temp_path $baseline/fastcgi;
  uwsgi_temp_path $baseline/uwsgi; scgi_temp_path $baseline/scgi;
  include $baseline/upstream.conf;
  server {
    listen 127.0.0.1:$baseline_http_port;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host \$host; }
  }
}
END
  nginx -c "$baseline/nginx.conf" 2>>"$bench_log"
  wait_until 5 port_open "$baseline_http_port" || fail "the baseline's nginx does not listen" "$baseline/nginx.log"
}

# baseline_project FOLDER
baseline_project() {
  git -C "$1" remote add baseline "$baseline_git"
  git -C "$1" config core.sshCommand "ssh -F /dev/null -i $baseline/id -o IdentitiesOnly=yes -o UserKnownHostsFile=$baseline/known_hosts"
}

stop_baseline() {
  [ -d "$baseline" ] || return 0
  local label kind ids
  label=$(cat "$baseline/label")
  stop_process "$(cat "$baseline/sshd.pid" 2>/dev/null)" sshd 5 || true
  stop_process "$(cat "$baseline/nginx.pid" 2>/dev/null)" nginx 5 || true
  for kind in container image; do
    mapfile -t ids < <(docker "$kind" ls --all --quiet --filter "label=$label" | sort -u)
    [ ${#ids[@]} = 0 ] || docker "$kind" rm --force "${ids[@]}" >/dev/null
  done
}
