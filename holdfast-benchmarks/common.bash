# What the commands of this folder share: where things are, how they are built, how a command is run. To be sourced.

root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
readonly root
readonly module="$root/holdfast-benchmarks"
readonly programs="$module/target/programs"
readonly classes="$module/target/classes"
readonly class_path="$module/target/class-path"
readonly dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
command="$(basename "$0")"
readonly command

say() { printf '%s: %s\n' "$command" "$*" >&2; }

build() {
  say "building"
  mvn -q -B -ntp -f "$root/pom.xml" -pl holdfast-benchmarks -am package -DskipTests -Dspotless.check.skip=true \
    "$dependency_plugin:build-classpath" -Dmdep.outputFile="$class_path" >&2
  mkdir -p "$programs"
}

# Becomes a program of the module.
run() { # CLASS ARGUMENT...
  local class="$1"
  shift
  exec java -cp "$classes:$(<"$class_path")" "dev.holdfast.benchmarks.$class" "$@"
}

# Becomes it at once if only help is wanted and it has been built before.
help_of() { # CLASS ARGUMENT...
  if [[ "${2:-}" == --help || "${2:-}" == -h ]] && [[ -s "$class_path" && -d "$classes" ]]; then run "$1" "$2"; fi
}

# With "-dirty" if something has changed since; but for the pages, which the measurements themselves write.
commit_of_sources() {
  local commit
  commit="$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null)" || {
    echo unknown
    return
  }
  git -C "$root" diff --quiet HEAD -- . ':(exclude)docs' || commit+=-dirty
  printf '%s\n' "$commit"
}

absent() { # NAME REASON
  rm -f "$programs/$1"
  printf '%s\n' "$2" >"$programs/$1.absent"
}

present() { # NAME TEXT
  rm -f "$programs/$1.absent"
  printf '%s\n' "$2" >"$programs/$1"
}

find_go() {
  local go
  if go="$("$root/build/go-programs")"; then
    present go "$go"
  else
    absent go "no Go toolchain to build interop/go with"
  fi
}

version_of_go() { awk '$1 == "go.etcd.io/etcd/client/v3" { print "the Go client of etcd " $2 }' "$root/interop/go/go.mod"; }

find_etcd() {
  if [[ -z "$("$root/build/etcd-binaries" --list)" ]]; then "$root/build/etcd-binaries" >&2; fi
}
