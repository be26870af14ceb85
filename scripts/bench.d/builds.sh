# shellcheck shell=bash
# Builds of a buildpack against `docker build` of a Dockerfile written by hand with the same cache mounts, and how long it takes
# to find out what a large repository is. Sourced by scripts/bench.

# --- detection --------------------------------------------------------------------------------------------

# make_large_project FOLDER: a Next.js project of 5,000 files.
make_large_project() {
  local folder number
  mkdir -p "$1"
  cp -r examples/nextjs/. "$1"
  for folder in $(seq 100); do
    mkdir -p "$1/src/part-$folder"
    for number in $(seq 50); do
      echo "export const value = $number" >"$1/src/part-$folder/file-$number.ts"
    done
  done
}

bench_detect() {
  local round
  with gilgal || { say "detect measures gilgal only"; return; }
  make_large_project "$bench/large"
  for round in $(seq 0 "${ROUNDS:-30}"); do
    seconds_of "$gilgal" plan "$bench/large" >>"$bench/detect"
    [ "$round" != 0 ] || : >"$bench/detect"
  done
  printf '%-22s gilgal %s s (%s), the start of the program included   n=%d\n' "detect 5,000 files" \
    "$(median <"$bench/detect")" "$(spread <"$bench/detect")" "$round"
}

# --- rebuilds ---------------------------------------------------------------------------------------------

# change APP FOLDER TEXT: one line of its source.
change() {
  case $1 in
    nextjs) sed -i "s|<h1>.*</h1>|<h1>$3</h1>|" "$2/app/page.jsx" ;;
    django) echo "# $3" >>"$2/shop/urls.py" ;;
    vite-react) echo "// $3" >>"$2/src/main.jsx" ;;
  esac
  git -C "$2" add --all
  git -C "$2" -c user.name=bench -c user.email=bench@example.com commit --quiet --message "$3"
}

# The step `build` of the newest deployment of a project, in seconds, as the server has measured it.
seconds_of_build() {
  local id
  id=$(api GET "/projects/$1/deployments?limit=1" | json_field id)
  api GET "/deployments/$id" | grep -oE '"name": *"build"[^}]*' | grep -oE '"duration_ms": *[0-9]+' |
    awk -F : '{ printf "%.3f\n", $2 / 1000 }'
}

# push_build APP FOLDER
push_build() {
  git -C "$2" push --quiet gilgal main >>"$bench_log" 2>&1 || fail "the push of $1 failed" "$bench_log"
  seconds_of_build "$1"
}

# A client that builds with BuildKit: by itself before version 23, since then by its plugin, which not every package brings.
find_docker() {
  local major
  while read -r docker; do
    major=$("$docker" version --format '{{.Client.Version}}' 2>>"$bench_log" | cut -d. -f1)
    if [ "${major:-99}" -lt 23 ] || "$docker" buildx version >>"$bench_log" 2>&1; then return; fi
  done < <(type -ap docker)
  fail "no client of Docker here builds with BuildKit" "Install the package docker-buildx or docker-buildx-plugin."
}

# docker_build APP FOLDER: by hand, of the same commit.
docker_build() {
  local context=$bench/context
  rm -rf "$context" && mkdir "$context"
  git -C "$2" archive HEAD | tar -x -C "$context"
  DOCKER_BUILDKIT=1 seconds_of "$docker" build --label "gilgal.bench=$$" --file "scripts/bench.d/dockerfiles/$1" \
    --tag "gilgal-bench-$1" "$context" || fail "docker build of $1 failed" "$bench_log"
}

megabytes_of() { docker image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.1f", $1 / 1e6 }'; }

# The image of the newest deployment of a project.
image_of() {
  docker image ls --quiet --no-trunc --filter "label=gilgal.project=$(api GET "/projects/$1" | json_field id)" | head -n 1
}

begin_builds() {
  local app=$1
  [ ! -d "$bench/$app" ] || return 0
  mkdir -p "$bench/$app"
  cp -r "examples/$app/." "$bench/$app"
  rm "$bench/$app/expect.toml"
  git init --quiet --initial-branch=main "$bench/$app"
  change "$app" "$bench/$app" begin
  gilgal_project "$app" "$bench/$app"
}

bench_build() {
  local app round
  [ "$sides" = "gilgal baseline" ] || { say "build measures both sides"; return; }
  find_docker
  for app in nextjs django; do
    begin_builds "$app"
    # Round 0 fills the caches of both sides and is not counted.
    for round in $(seq 0 "${ROUNDS:-7}"); do
      [ "$round" = 0 ] || change "$app" "$bench/$app" "round $round"
      # In turns: who comes second finds the disk's cache warm.
      if [ $((round % 2)) = 0 ]; then
        push_build "$app" "$bench/$app" >>"$bench/build-$app-gilgal"
        docker_build "$app" "$bench/$app" >>"$bench/build-$app-baseline"
      else
        docker_build "$app" "$bench/$app" >>"$bench/build-$app-baseline"
        push_build "$app" "$bench/$app" >>"$bench/build-$app-gilgal"
      fi
      [ "$round" != 0 ] || { : >"$bench/build-$app-gilgal"; : >"$bench/build-$app-baseline"; }
    done
    show "rebuild $app" "build-$app"
    printf '%-22s gilgal %s MB   baseline %s MB\n' "image $app" "$(megabytes_of "$(image_of "$app")")" \
      "$(megabytes_of "gilgal-bench-$app")"
  done
  static_size
}

# A site is its base image and its files.
static_size() {
  local image output
  begin_builds vite-react
  push_build vite-react "$bench/vite-react" >/dev/null
  image=$(image_of vite-react)
  output=$(docker run --rm --entrypoint du "$image" --apparent-size --bytes --summarize /srv | cut -f 1)
  printf '%-22s gilgal %s MB   base image %s MB and output %s MB\n' "image vite-react" "$(megabytes_of "$image")" \
    "$(megabytes_of caddy:2)" "$(awk -v bytes="$output" 'BEGIN { printf "%.1f", bytes / 1e6 }')"
}

# Images that were built by hand.
stop_builds() {
  local ids
  mapfile -t ids < <(docker image ls --quiet --filter "label=gilgal.bench=$$" | sort -u)
  [ ${#ids[@]} = 0 ] || docker image rm --force "${ids[@]}" >/dev/null
}
