#!/bin/sh
# From a fresh clone to a served model: installs the Debian packages, builds, and serves the demo model (or the model given
# as the first argument; further arguments go to `quire serve`). Stop it with Ctrl-C.
set -eu
cd "$(dirname "$0")/.."

deploy/packages.sh
[ -f build/build.ninja ] || meson setup build
ninja -C build server/quire

port=${QUIRE_PORT:-8000} # a flag goes before the environment
previous=
for argument in "$@"; do
    [ "$previous" = --port ] && port=$argument
    case $argument in --port=*) port=${argument#--port=} ;; esac
    previous=$argument
done

cat <<EOT

When the server says that it is ready, try in another terminal:

  curl -N http://127.0.0.1:$port/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"messages": [{"role": "user", "content": "What is quire?"}], "stream": true}'

EOT
exec build/server/quire serve "$@"
