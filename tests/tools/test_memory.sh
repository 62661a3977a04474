#!/bin/bash
# A model that is larger than the machine is refused at once, with figures; it takes no memory and no time.
. "$RAGD_SRCDIR/tests/tools/lib.sh"

"$RAGD_BUILDDIR/tests/engine/model/sparse" "$T/huge.gguf" || exit 1
# The time that processes of ours took, in seconds: how busy the machine is does not matter.
cpu_s() { times >"$T/times"; tail -n 1 "$T/times" | awk -F'[ms ]' '{ print int($1 * 60 + $2 + $4 * 60 + $5) }'; }
for command in "generate -p hi" "perplexity" "logits --ids 1" "bench" "embed"; do
	# shellcheck disable=SC2086
	refuses "${command%% *}" 1 "the model needs 917572 MiB (weights 917572, " $command -m "$T/huge.gguf"
	has "${command%% *}: what there is" "$(cat "$T/err")" "are available: a smaller model"
done
check "at once" [ "$(cpu_s)" -lt 60 ]
has "info: says what it is" "$(model info -m "$T/huge.gguf")" "1 layers"
