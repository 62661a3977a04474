#!/bin/bash
# Manual pages and guides say what the rows and the command line say.
. "$RAGD_SRCDIR/tests/flow/lib.sh"

# They speak of all parts, and so can only be compared where there are all.
if grep -q '^#define WITH_[A-Z]* 0' "$RAGD_BUILDDIR/config.h"; then
	echo "this build lacks a part: tables of options are not compared"
else
	check "tables of options are up to date" "$RAGD_BUILDDIR/daemon/optiondoc" \
		"$RAGD_SRCDIR/man/ragd.conf.5" "$RAGD_SRCDIR/docs/configuration.md"
	# Not cp: in a release under test the original may not be written to.
	sed 's/^| `threads` .*/| `threads` | gone |/' "$RAGD_SRCDIR/docs/configuration.md" >"$T/old.md"
	exits "an outdated table is found" 1 "$RAGD_BUILDDIR/daemon/optiondoc" "$T/old.md"
	check "and mended" "$RAGD_BUILDDIR/daemon/optiondoc" --write "$T/old.md"
	check "to what it was" cmp -s "$T/old.md" "$RAGD_SRCDIR/docs/configuration.md"
fi

page=$(sed 's/\\-/-/g' "$RAGD_BUILDDIR/man/ragd.8")
for option in $("$RAGD_BUILDDIR/ragd" --help | grep -o -- '--[a-z-]*' | sort -u); do
	has "ragd.8 has $option" "$page" "$option"
done
is "ragd.8: every place was filled" "$(grep '@[A-Z]*@' "$RAGD_BUILDDIR/man/ragd.8")" ""
if command -v man >/dev/null; then
	for m in "$RAGD_BUILDDIR/man/ragd.8" "$RAGD_SRCDIR/man/ragd.conf.5"; do
		is "$(basename "$m") formats without warnings" \
			"$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=w -l "$m" 2>&1 >/dev/null)" ""
	done
fi

# Names of the built-in plugins, without what the real ones need.
RAGD_PLUGIN_PATH=$RAGD_BUILDDIR/tests/daemon/modules \
	exits "the example configuration holds" 0 "$RAGD_BUILDDIR/ragd" -t -c "$RAGD_SRCDIR/packaging/ragd.conf.example"
