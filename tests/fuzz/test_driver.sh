#!/bin/sh
# The driver must find a crash, save the input, fail, and show it again; and pass where there is none.
set -u
target=$RAGD_BUILDDIR/tests/fuzz/driver_target
dir=$(mktemp -d) && cd "$dir" || exit 99
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAIL: $*"; cat log; exit 1; }

mkdir -p tests/fuzz/seeds/driver_target
printf 'a seed' >tests/fuzz/seeds/driver_target/a
RAGD_SRCDIR=$dir; export RAGD_SRCDIR

RAGD_FUZZ_SECONDS=0 "$target" >log 2>&1 || fail "harmless seeds do not pass"
grep -q '1 seeds' log || fail "does not say how many seeds it ran"

# The word is in the dictionary, so mutation must come upon it.
printf '# words\nbang="\\x42ANG"\n' >tests/fuzz/driver_target.dict
RAGD_FUZZ_SECONDS=10 "$target" >log 2>&1 && fail "a crash passes for success"
grep -q 'fuzz-driver_target.crash' log || fail "does not name the input that crashes"
grep -q BANG fuzz-driver_target.crash || fail "did not save the input that crashes"

mv fuzz-driver_target.crash found
"$target" found >log 2>&1 && fail "the saved input does not crash again"
rm -rf tests/fuzz/seeds/driver_target
"$target" >log 2>&1 && fail "no seeds at all pass for success"
exit 0
