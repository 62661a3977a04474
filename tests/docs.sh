#!/bin/sh
# The documentation points at what is there: paths of files that pages name, links between pages, and every
# test program in tests/README.md.
set -u
srcdir=${RAGD_SRCDIR:-.}
cd "$srcdir" || exit 99
failed=0
complain() { echo "$*"; failed=1; }

pages=$(ls ./*.md docs/*.md tests/*.md tests/*/*.md 2>/dev/null)
for page in $pages; do
	# `folder/file.c`, with the folders of the tree in front; a {c,h} stands for both.
	for path in $(grep -oE '`(base|engine|retrieval|safety|upstream|ipc|daemon|clients|tools|plugins|include|tests|data|m4|man)/[A-Za-z0-9_./-]+`' "$page" |
		tr -d '\`' | sort -u); do
		[ -e "$path" ] || [ -e "$path.c" ] || [ -e "$path.in" ] || [ -e "$(dirname "$page")/$path" ] ||
			grep -q "$path" tests/*/Makefile.inc || # a program that is built
			complain "$page names $path, which is not there"
	done
	for link in $(grep -oE '\]\([^)#: ]+(#[^) ]*)?\)' "$page" | sed 's/^](//; s/[#)].*//' | sort -u); do
		[ -e "$(dirname "$page")/$link" ] || complain "$page links to $link, which is not there"
	done
done

for test in tests/*/test_* tests/*/*/test_*; do
	case $test in
	*.c) name=$(basename "$test" .c) ;;
	*.sh) name=$(basename "$test") ;;
	*) continue ;;
	esac
	grep -qE "\`([a-z]+/)?$name\`" tests/README.md || complain "tests/README.md does not name $test"
done
[ $failed = 1 ] || echo "paths, links and tests are there"
exit $failed
