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
