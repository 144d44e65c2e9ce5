#!/bin/sh
# Records what `nix-store --realise` says, in a file `<version>.log` beside this script, for the tests
# of progress and of logs (`src/watch.rs`):
#
#     record.sh [DIRECTORY WITH NIX'S PROGRAMS]...
#
# Without a directory the installed Nix is recorded; the others are those of `cargo xtask setup`,
# target/testbed/debian/{trixie,sid}-nix/programs. Needs python3 for a binary cache on the loopback.
#
# What is recorded: two paths of a cache are downloaded, one of them with 6 MiB; a derivation is
# built that needs both and prints lines with colours and carriage returns; another one fails.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

record() { # the directory with the programs
    place=$(mktemp -d)
    export NIX_STORE_DIR="$place/store" NIX_STATE_DIR="$place/state" NIX_LOG_DIR="$place/log"
    export NIX_CONF_DIR="$place/conf" NIX_REMOTE=local HOME="$place/home" TMPDIR="$place"
    export XDG_CACHE_HOME="$place/cache" XDG_CONFIG_HOME="$place/home" XDG_CONFIG_DIRS="$place/home"
    settings='experimental-features = nix-command
sandbox = false
build-users-group =
require-sigs = false
download-attempts = 1'
    export NIX_CONFIG="$settings
substituters ="
    cat > "$place/recorded.nix" <<'NIX'
let
  make = name: script: others: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-c" script ];
  } // others);
  large = make "large" "head -c 6291456 /dev/zero > $out" { };
  small = make "small" "echo small > $out" { };
in
{
  inherit large small;
  built = make "built" "echo begin; printf '10%%\\r\\033[1m100%%\\033[0m\\n'; cat $small > $out; echo end" { inherit large small; };
  fails = make "fails" "echo it; echo fails; exit 3" { };
}
NIX
    large=$("$1/nix-build" --no-out-link "$place/recorded.nix" -A large 2> /dev/null)
    small=$("$1/nix-build" --no-out-link "$place/recorded.nix" -A small 2> /dev/null)
    "$1/nix" copy --to "file://$place/binary?compression=none" "$large" "$small" 2> /dev/null
    "$1/nix-store" --delete "$large" "$small" > /dev/null 2>&1
    python3 -u -m http.server --bind 127.0.0.1 --directory "$place/binary" 0 > "$place/port" 2> /dev/null &
    server=$!
    until port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$place/port") && [ -n "$port" ]; do
        sleep 0.1
    done
    built=$("$1/nix-instantiate" "$place/recorded.nix" -A built 2> /dev/null)
    fails=$("$1/nix-instantiate" "$place/recorded.nix" -A fails 2> /dev/null)
    export NIX_CONFIG="$settings
substituters = http://127.0.0.1:$port"
    "$1/nix-store" --realise "$built!out" "$fails!out" --keep-going --log-format internal-json -v \
        > /dev/null 2> "$place/said" || true
    kill "$server"
    version=$("$1/nix" --version | sed 's/.* \([0-9]*\.[0-9]*\).*/\1/')
    # Where it lay on this machine is nobody's business.
    sed "s|$place|/place|g; s|127.0.0.1:$port|127.0.0.1:80|g" "$place/said" > "$here/$version.log"
    chmod -R u+w "$place"
    rm -r "$place"
    echo "recorded $here/$version.log"
}

[ $# -gt 0 ] || set -- "$(dirname "$(command -v nix-store)")"
for programs; do
    (record "$programs")
done
