#!/bin/bash
# A model that is larger than the machine is refused at once, with figures; it takes no memory and no time.
. "$RAGD_SRCDIR/tests/tools/lib.sh"

"$RAGD_BUILDDIR/tests/engine/model/sparse" "$T/huge.gguf" || exit 1
start=$SECONDS
for command in "generate -p hi" "perplexity" "logits --ids 1" "bench" "embed"; do
	# shellcheck disable=SC2086
	refuses "${command%% *}" 1 "the model needs 917572 MiB (weights 917572, " $command -m "$T/huge.gguf"
	has "${command%% *}: what there is" "$(cat "$T/err")" "are available: a smaller model"
done
check "at once" [ $((SECONDS - start)) -lt 20 ]
has "info: says what it is" "$(model info -m "$T/huge.gguf")" "1 layers"
