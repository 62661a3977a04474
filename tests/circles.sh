#!/bin/sh
# No circle among the files of a folder: if what a.c calls comes, by however many steps, back to a.c, neither
# can be read, tested or taken away without the other. Seen in the objects, so that calls through macros and
# references to tables count, too. The check is tried on a planted circle first.
set -u
srcdir=${RAGD_SRCDIR:-.}
builddir=${RAGD_BUILDDIR:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
command -v nm >/dev/null || { echo "SKIP: nm is missing"; exit 77; }

# "FILE U NAME" or "FILE D NAME" for each name that an object below $1/$2 needs or defines. One source can be
# compiled for two libraries: the file is the source. Objects of sources that are gone do not count.
names() {
	find "$1/$2" -name '*.o' | while read -r o; do
		file=$(echo "${o#"$1"/}" | sed 's|\.libs/||; s|lib[a-z0-9_]*_la-||; s|\.o$||')
		[ -e "$3/$file.c" ] || [ -e "$3/$file.cpp" ] || continue
		nm -g "$o" 2>/dev/null | awk -v file="$file" 'NF >= 2 { print file, ($(NF - 1) == "U" ? "U" : "D"), $NF }'
	done
}

# The circles among the objects of the build folder $1 below $2, whose sources are in $3; one line a file.
circles() {
	names "$1" "$2" "$3" | sort -u | awk '
		$2 == "D" { home[$3] = $1 }
		$2 == "U" { n++; from[n] = $1; name[n] = $3 }
		END {
			for (i = 1; i <= n; i++)
				if (name[i] in home && home[name[i]] != from[i])
					print from[i], home[name[i]]
		}' | sort -u | tsort 2>&1 >/dev/null | sed 's/^tsort: //; s/^-: input contains a loop:$/a circle:/'
}

mkdir -p "$tmp/planted"
cat > "$tmp/planted/a.c" <<C
int b(void);
int a(void);
int a(void) { return b(); }
C
cat > "$tmp/planted/b.c" <<C
int a(void);
int b(void);
int b(void) { return a(); }
C
if command -v "${CC:-cc}" >/dev/null; then
	"${CC:-cc}" -c -o "$tmp/planted/a.o" "$tmp/planted/a.c" &&
		"${CC:-cc}" -c -o "$tmp/planted/b.o" "$tmp/planted/b.c" || exit 99
	circles "$tmp" planted "$tmp" | grep -q 'planted/a' || { echo "self-test: a planted circle was not seen"; exit 1; }
	rm "$tmp/planted/b.o"
	[ -z "$(circles "$tmp" planted "$tmp")" ] || { echo "self-test: a circle was seen where none is"; exit 1; }
fi

failed=0
seen=0
for folder in base engine retrieval safety upstream ipc daemon clients tools plugins; do
	[ -d "$builddir/$folder" ] || continue
	seen=$((seen + $(find "$builddir/$folder" -name '*.o' | wc -l)))
	found=$(circles "$builddir" "$folder" "$srcdir")
	[ -z "$found" ] || { printf '%s/: %s\n' "$folder" "$found"; failed=1; }
done
[ "$seen" -gt 100 ] || { echo "only $seen objects were looked at in $builddir"; exit 1; }
[ $failed = 1 ] || echo "no circle among the files of a folder ($seen objects)"
exit $failed
