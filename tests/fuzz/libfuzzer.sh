#!/bin/sh
# With --enable-fuzzing: every fuzzer over its seeds with libFuzzer. New inputs stay out of the tree.
set -u
seconds=${RAGD_FUZZ_SECONDS:-3}
status=0
for bin in "$RAGD_BUILDDIR"/tests/fuzz/fuzz_*; do
	case $bin in *.o | *.lo | *.log | *.trs | *.crash) continue ;; esac
	[ -x "$bin" ] || continue
	name=${bin##*/fuzz_}
	corpus=$(mktemp -d) || exit 99
	dict=$RAGD_SRCDIR/tests/fuzz/$name.dict # an empty one would be an error
	[ -f "$dict" ] && set -- -dict="$dict" || set --
	echo "== $name"
	"$bin" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="fuzz-$name-" "$@" \
		"$corpus" "$RAGD_SRCDIR/tests/fuzz/seeds/$name" || status=1
	rm -rf "$corpus"
done
exit $status
