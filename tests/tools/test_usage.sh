#!/bin/bash
# What ragd-model is told wrongly is answered in a sentence; its help and its page say the same.
. "$RAGD_SRCDIR/tests/tools/lib.sh"

refuses "no command" 2 "which command?"
refuses "an unknown command" 2 "there is no command 'fly'" fly
refuses "a misspelt command" 2 "there is no command 'inof'; did you mean 'info'?" inof
refuses "an unknown option" 2 "there is no option '--fast'" info --fast
refuses "a misspelt option" 2 "there is no option '--tensrs'; did you mean '--tensors'?" info --tensrs
refuses "an unknown letter" 2 "there is no option '-z'" info -z
refuses "a value is missing" 2 "'-m' needs a value" info -m
refuses "no model" 2 "-m FILE is missing" info
refuses "a word too many" 2 "unexpected argument 'twice'" info -m x twice
refuses "a choice that is none" 2 "takes one of: q8_0 q4_0 q4_k; not 'q3_k'" quantize --type q3_k
refuses "a number that is none" 2 "takes a whole number from 0 to 256, not 'many'" quantize -t many
refuses "a number out of range" 2 "from 0 to 256, not '257'" quantize -t 257
refuses "quantize without a file" 2 "-o FILE is missing" quantize -m x
refuses "quantize without a type" 2 "--type is missing" quantize -m x -o y
refuses "a file that is not there" 1 "open model '$T/none': No such file" info -m "$T/none"
echo rubbish >"$T/rubbish"
refuses "a file of another kind" 1 "not a GGUF file" info -m "$T/rubbish"
refuses "rubbish to quantise" 1 "not a GGUF file" quantize -m "$T/rubbish" -o "$T/y" --type q8_0
check "a failed quantize leaves nothing" [ ! -e "$T/y" ]

is "version" "$(model --version)" "ragd-model $(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$RAGD_BUILDDIR/config.h")"

# A full disk shows as an error, not as success.
if [ -w /dev/full ]; then
	model --help >/dev/full 2>"$T/err"
	is "a full disk: exit status" $? 1
	has "a full disk: sentence" "$(cat "$T/err")" "No space left"
fi

commands=$(model --help | sed -n '/^usage/,/^Options/s/^  \([a-z]*\) .*/\1/p')
check "the commands are listed" [ "$(wc -w <<<"$commands")" -ge 3 ]
page=$RAGD_BUILDDIR/man/ragd-model.1
is "the page: every place was filled" "$(grep @ "$page")" ""
for section in NAME SYNOPSIS DESCRIPTION COMMANDS OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
	check "the page has a section $section" grep -qx "\.SH $section" "$page"
done
for c in $commands; do
	check "the page has a section on $c" grep -qx "\.SS $c" "$page"
	has "$c: help" "$(model "$c" --help)" "usage: ragd-model $c [OPTION]... -m FILE"
	help=$(model "$c" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	known=$(sed 's/\\-/-/g' "$page" | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	is "$c: the page has all options" "$(comm -23 <(echo "$help") <(echo "$known"))" ""
done
if command -v man >/dev/null && command -v groff >/dev/null; then
	is "the page renders without a warning" \
		"$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)" ""
fi
