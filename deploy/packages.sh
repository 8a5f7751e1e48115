#!/bin/sh
# Installs the Debian packages that quire is built from; with --tests those of its test suite too. Safe to run again: what is
# there is left alone. On another system it prints what is needed and stops.
set -eu

build="gcc libc6-dev meson ninja-build pkg-config libmicrohttpd-dev libjansson-dev liburing-dev libopenblas-dev
libpcre2-dev libutf8proc-dev libyaml-dev"
tests="libcriterion-dev clang libclang-rt-dev python3 python3-venv curl git"

wanted=$build
[ "${1:-}" = --tests ] && wanted="$build $tests"

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "This is no Debian system. quire needs a C17 compiler, Meson, Ninja and the development files of:" >&2
    echo "libmicrohttpd, jansson, liburing (2.3 or newer), OpenBLAS, PCRE2 (8 bit), utf8proc, libyaml; its tests Criterion, clang and Python 3." >&2
    echo "Install these, then: meson setup build && ninja -C build && build/server/quire serve" >&2
    exit 1
fi

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Please install these packages as root:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
