#!/bin/bash
# The README's first screen is what the commands print, its lines broken as they are there. Where an answer
# changed for good, RAGD_README_WRITE=1 writes what the commands print now into the README.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
grep -q '^#define WITH_ENCODER 1' "$RAGD_BUILDDIR/config.h" || skip "it shows what a build with the encoder prints"
readme=$RAGD_SRCDIR/README.md
cp -r "$RAGD_SRCDIR/docs" "$T/docs"
sed -n '/^```$/,/^```$/{/^```/!p}; /^## /q' "$readme" >"$T/shown"

start_ragd || exit 1
n_commands=0
while IFS= read -r command; do
	[ $n_commands = 0 ] || echo
	echo "\$ $command"
	(cd "$T" && eval "$command" 2>&1) | fold -s -w 96 | sed 's/ *$//'
	n_commands=$((n_commands + 1))
done < <(sed -n 's/^\$ //p' "$T/shown") >"$T/printed"
stop_ragd

if [ -n "${RAGD_README_WRITE:-}" ]; then
	awk -v printed="$T/printed" '
		/^```$/ && !done { print; inside = !inside; done = !inside
			while (inside && (getline line < printed) > 0) print line
			next }
		!inside' "$readme" >"$T/readme" && cp "$T/readme" "$readme"
fi
check "the README shows what the commands print" diff "$T/shown" "$T/printed"
check "it shows commands" [ "$(grep -c '^\$ rag' "$T/shown")" -ge 5 ]
