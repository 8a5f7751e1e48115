#!/bin/sh
# Runs one fuzz target for QUIRE_FUZZ_SECONDS (20) from its committed corpus:  fuzz.sh TARGET CORPUS
# New inputs and those that fail stay beside the target, in corpus-NAME/ and found-NAME-*.
set -eu
target=$1
corpus=$2
name=$(basename "$target")
new=$(dirname "$target")/corpus-$name

scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$new"
export TMPDIR="$scratch"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
"$target" -max_total_time="${QUIRE_FUZZ_SECONDS:-20}" -timeout=20 -max_len=4096 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -artifact_prefix="$(dirname "$target")/found-$name-" -print_final_stats=1 "$new" "$corpus"
