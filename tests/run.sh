#!/bin/sh
# Every test of quire, on a clean clone or again: installs what is missing, then builds and tests three times:
#   build/       release, assertions on, warnings are errors   all tests
#   build-asan/  AddressSanitizer and UBSan                     all tests
#   build-tsan/  ThreadSanitizer                                tests with a main of their own and the HTTP tests
# then the fuzz targets by clang in build-fuzz/, for QUIRE_FUZZ_SECONDS (20) each, and last the official `openai` client
# against the release server. Ends with "N passed, N failed".
#   tests/run.sh [release|asan|tsan|fuzz|client ...]   only these
set -eu
cd "$(dirname "$0")/.."
top=$PWD

deploy/packages.sh --tests
export CRITERION_OUTPUT_ORDER=1
failed=0

configure() { # directory, options...
    directory=$1
    shift
    mkdir -p "$directory"
    [ -f "$directory/build.ninja" ] || meson setup "$directory" -Dwerror=true "$@" >"$directory/setup.log" 2>&1 || {
        cat "$directory/setup.log"
        exit 1
    }
}

# A build that fails ends the run; tests that fail are counted and the run goes on.
build_and_test() { # directory, then arguments of `meson test`
    directory=$1
    shift
    echo "== $directory: build"
    ninja -C "$directory" ${targets:-all} >"$directory/ninja.log" 2>&1 || {
        tail -n 60 "$directory/ninja.log"
        echo "the build of $directory failed"
        exit 1
    }
    echo "== $directory: test"
    meson test -C "$directory" --no-rebuild --print-errorlogs "$@" || failed=1
    cp "$directory/meson-logs/testlog.json" "$directory/last-tests.json"
}

stages=${*:-release asan tsan fuzz client}
rm -f build*/last-*.json
for stage in $stages; do
    case $stage in
    release)
        [ ! -f build/build.ninja ] || meson setup --reconfigure build -Dwerror=true >/dev/null # quickstart.sh made it
        configure build
        build_and_test build
        ;;
    asan)
        configure build-asan -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
        ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
            build_and_test build-asan --timeout-multiplier 4
        ;;
    tsan) # Criterion does not start under ThreadSanitizer: the suite "threads" holds what has a main of its own
        configure build-tsan -Db_sanitize=thread -Dbuildtype=debugoptimized
        targets="server/quire tests/kernels/pool_threads tests/scheduler/scheduler_simulate tests/scheduler/scheduler_threads" \
            TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
            build_and_test build-tsan --suite threads --timeout-multiplier 8
        ;;
    fuzz) # AddressSanitizer and UBSan again; only the targets and what they are linked with are built
        CC=clang configure build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
            "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined"
        targets=fuzz build_and_test build-fuzz --suite fuzz
        ;;
    client)
        configure build
        ninja -C build server/quire >build/ninja.log 2>&1 || { tail -n 60 build/ninja.log; exit 1; }
        [ -x build-client/bin/python ] || python3 -m venv build-client
        build-client/bin/python -c 'import openai' 2>/dev/null || build-client/bin/pip install --quiet --disable-pip-version-check openai
        echo "== the official client"
        build-client/bin/python tests/client/test_openai_client.py "$top/build/server/quire" "$top/build/last-client.json" ||
            failed=1
        ;;
    *)
        echo "unknown stage: $stage" >&2
        exit 2
        ;;
    esac
done

python3 tests/count_results.py build*/last-*.json || failed=1
exit $failed
