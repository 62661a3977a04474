#!/bin/bash
# The manual pages of rag, its help, its completion and the header of libragd hold together.
. "$RAGD_SRCDIR/tests/flow/lib.sh"

commands=$(rag --help | sed -n '/^usage/,/^Options/s/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -gt 10 ] || fail "the commands are listed"

for page in rag $(printf 'rag-%s ' $commands); do
	f=$RAGD_BUILDDIR/man/$page.1
	[ -s "$f" ] || { fail "$page has a page"; continue; }
	is "$page: every place was filled" "$(grep @ "$f")" ""
	for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
		check "$page has a section $section" grep -qx "\.SH $section" "$f"
	done
	if command -v man >/dev/null && command -v groff >/dev/null; then
		is "$page renders without a warning" \
			"$(LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$f" 2>&1 >/dev/null)" ""
	fi
done

for c in $commands; do
	help=$(rag "$c" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	page=$(sed 's/\\-/-/g' "$RAGD_BUILDDIR/man/rag-$c.1" | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	is "$c: help and page have the same options" "$(comm -23 <(echo "$help") <(echo "$page"))" ""
	offered=$(rag --complete "$c" -- | cut -f1 | sort -u)
	is "$c: the completion offers them" "$(comm -13 <(echo "$offered") <(rag --man-options "$c" |
		sed 's/\\-/-/g' | grep -oE -- '^\\fB(-.\\fR, \\fB)?--[a-z-]+' | grep -oE -- '--.*' | sort -u))" ""
done

# What the library exports is what the header says.
if command -v nm >/dev/null; then
	exported=$(nm -D --defined-only "$RAGD_BUILDDIR/.libs/libragd.so" | awk '{ print $3 }' | grep -v '^__' | sort)
	declared=$(tr '\n' ' ' <"$RAGD_SRCDIR/include/ragd/client.h" | grep -oE 'RAGD_API[^;]*\(' |
		grep -oE 'ragd_[a-z_]+\(' | tr -d '(' | sort -u)
	is "the library exports what the header declares" "$exported" "$declared"
fi
