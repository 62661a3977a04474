#!/bin/sh
# Every C and C++ file in the tree is as clang-format would write it, and holds to what it cannot say:
# lines of at most 100 columns, no blanks at their ends, files under 600 lines, log lines of one style.
set -u
srcdir=${RAGD_SRCDIR:-.}
cd "$srcdir" || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
failed=0

files=$(git ls-files -- '*.[ch]' '*.cpp' '*.hpp' 2>/dev/null | grep -v /seeds/)
if [ -z "$files" ]; then # not in a clone: all there is
	files=$(find include base engine retrieval safety upstream ipc daemon clients tools plugins tests \
		\( -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp' \) 2>/dev/null)
fi

for f in $files; do
	[ -f "$f" ] || continue
	grep -nE '[[:blank:]]+$' "$f" | sed "s|^|$f:|; s|\$|: blanks at the end of the line|"
	expand "$f" | LC_ALL=C.UTF-8 grep -nE '^.{101}' | sed "s|:.*|: more than 100 columns|; s|^|$f:|"
	[ "$(wc -l < "$f")" -le 600 ] || case $f in
	tests/*) ;; # tables of cases
	*) echo "$f: $(wc -l < "$f") lines; more than 600 are more than one idea" ;;
	esac
done > "$tmp/found"
# Keys and values of the log: events have dashes, and what is quoted was escaped (LOG_TEXT).
# shellcheck disable=SC2086
grep -nE '"event=[a-z-]*_|event=.*([a-z]=\\"%s| err=%s)' $(echo "$files" | grep '^daemon/') |
	sed 's|$|: see daemon/service/log.h|' >> "$tmp/found"
[ ! -s "$tmp/found" ] || { cat "$tmp/found"; failed=1; }

# A name of one word says nothing in a backtrace or to grep: few static functions may have one.
# shellcheck disable=SC2086
awk '
	/^static [A-Za-z_0-9 *]*[ *][a-z_0-9]+\(/ {
		name = $0
		sub(/\(.*/, "", name)
		sub(/.*[ *]/, "", name)
		n++
		if (name !~ /_/) { few[++m] = FILENAME ": " name "()" }
	}
	END {
		if (m * 100 <= n * 3) exit 0
		for (i = 1; i <= m; i++) print few[i]
		printf "%d of %d static functions have a name of one word; at most 3 in 100 may\n", m, n
		exit 1
	}' $(echo "$files" | tr ' ' '\n' | grep -v '^tests/') || failed=1

if command -v clang-format >/dev/null; then
	# shellcheck disable=SC2086
	clang-format --dry-run -Werror $files 2>"$tmp/format" || {
		grep 'error:' "$tmp/format" | cut -d: -f1 | sort | uniq -c |
			while read -r n f; do echo "$f: $n places that clang-format would write otherwise"; done
		echo "clang-format -i FILE puts them right"
		failed=1
	}
else
	echo "clang-format is missing: the format was not looked at"
	[ $failed = 1 ] || exit 77
fi
exit $failed
