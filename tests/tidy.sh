#!/bin/sh
# clang-tidy over the tree, or over the files named; `make tidy` calls it with TIDY_FLAGS, what the
# compiler gets. The checks, with reasons, are in .clang-tidy.
set -u
cd "${RAGD_SRCDIR:-.}" || exit 99
command -v clang-tidy >/dev/null || { echo "clang-tidy is missing"; exit 77; }
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT

if [ $# -eq 0 ]; then
	set -- $(git ls-files -- '*.c' '*.cpp' 2>/dev/null | grep -v /seeds/)
fi
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "${TIDY_JOBS:-2}" -I FILE sh -c '
	case $1 in *.cpp) std=c++17 ;; *) std=c11 ;; esac
	clang-tidy --quiet "$1" -- -std=$std -DVARIANT=1 -D_GNU_SOURCE -Iinclude -I. \
		'"${TIDY_FLAGS:-}"' 2>/dev/null' sh FILE > "$log"
sed "s|^$PWD/||" "$log" | grep -E '^[^ ].*(warning|error): ' | sort -u
if grep -qE '^[^ ].*(warning|error): ' "$log"; then
	echo "the first is explained by: clang-tidy FILE, as in tests/tidy.sh"
	exit 1
fi
echo "clang-tidy has nothing to say on $# files"
