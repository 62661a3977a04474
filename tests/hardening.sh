#!/bin/sh
# What the build promises of its programs and modules: addresses that differ each run, tables read-only
# once loaded, no stack that runs as code, checked copies, branch targets where the processor knows them.
set -u
builddir=${RAGD_BUILDDIR:-.}
command -v readelf >/dev/null || { echo "SKIP: readelf is missing"; exit 77; }
[ -n "${RAGD_HARDENING+set}" ] || { echo "SKIP: this build has sanitizers or no optimisation"; exit 77; }
n=0
bad=0

# holds FILE WHAT TEXT PATTERN
holds() {
	n=$((n + 1))
	printf '%s\n' "$3" | grep -qE "$4" && return
	echo "NOT OK: ${1#"$builddir"/} has no $2"
	bad=$((bad + 1))
}

# The program or module itself, where libtool has a script in its place.
real() {
	f=$(dirname "$1")/.libs/$(basename "$1")
	[ -e "$f" ] && echo "$f" || echo "$1"
}

for f in "$builddir/ragd" "$builddir/rag" "$builddir/ragd-model" "$builddir"/.libs/libragd.so \
	"$builddir"/plugins/*/.libs/*.so; do
	f=$(real "$f")
	[ -e "$f" ] || continue
	dynamic=$(readelf -dW "$f")
	segments=$(readelf -lW "$f")
	holds "$f" "immediate binding" "$dynamic" 'FLAGS_1.*NOW'
	holds "$f" "read-only relocations" "$segments" 'GNU_RELRO'
	holds "$f" "stack without code" "$segments" 'GNU_STACK .* RW +0x'
	case $f in
	*.so) ;;
	*) holds "$f" "position-independent code" "$dynamic" 'FLAGS_1.*PIE' ;;
	esac
done
holds "$builddir/ragd" "checked copies" "$(nm -D "$builddir/ragd")" '__[a-z]+_chk'
holds "$builddir/ragd" "stack protector" "$(nm -D "$builddir/ragd")" '__stack_chk_fail'
# The C library's own start files decide on the note of a whole program, so one object is looked at.
case $RAGD_HARDENING in
*-fcf-protection*)
	set -- "$builddir"/daemon/flow/.libs/*-flow.o
	holds "$1" "branch targets" "$(readelf -nW "$1")" 'x86 feature:.*IBT' ;;
esac
echo "[==========] $n check(s) run."
echo "[  PASSED  ] $((n - bad)) check(s)."
[ "$bad" = 0 ] && [ "$n" -gt 30 ]
