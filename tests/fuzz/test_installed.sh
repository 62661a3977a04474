#!/bin/sh
# fuzz_config holds whether the plugins of the defaults are found where they were built, where ragd is
# installed, or not at all.
set -u
fuzzer=$RAGD_BUILDDIR/tests/fuzz/fuzz_config
modules=$RAGD_BUILDDIR/tests/daemon/modules
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
printf 'ragd { threads = 3 }\n' >"$dir/seed"
replay() { RAGD_BUILDDIR=$1 RAGD_PLUGIN_PATH=$2 "$fuzzer" "$dir/seed" || { echo "FAIL: $3"; exit 1; }; }
replay "$RAGD_BUILDDIR" "" "built"
replay "$dir" "$modules" "installed"
replay "$dir" "" "neither"
