#!/bin/sh
# Runs one fuzz target for QUIRE_FUZZ_SECONDS (20):  fuzz.sh NAME TARGET
# It starts from the seeds that make_seeds.py makes and from corpus/NAME: what longer runs found beyond the seeds, and as
# found-* what failed once. New inputs and those that fail stay beside TARGET, in work-NAME/.
set -eu
name=$1
target=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(dirname "$target")/work-$name

scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$work/new" "$work/seeds"
python3 "$here/make_seeds.py" "$name" "$work/seeds"
export TMPDIR="$scratch"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
"$target" -max_total_time="${QUIRE_FUZZ_SECONDS:-20}" -timeout=20 -max_len=4096 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -artifact_prefix="$work/" -print_final_stats=1 "$work/new" "$work/seeds" "$here/corpus/$name"
