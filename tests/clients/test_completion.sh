#!/bin/bash
# The completion files that are installed, each in its own shell, for all three programs.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_gguf # the third program comes and goes with it
export PATH=$RAGD_BUILDDIR:$PATH
made=$RAGD_BUILDDIR/packaging

for program in rag ragd ragd-model; do
	for shell in bash zsh fish; do
		file=$made/$shell/$program
		[ $shell != zsh ] || file=$made/zsh/_$program
		[ $shell != fish ] || file=$file.fish
		is "$file is what the program writes" "$(cat "$file")" "$("$program" --completion $shell)"
		! command -v $shell >/dev/null || check "$shell reads $file" $shell -n "$file"
	done
	exits "$program knows no other shell" 2 "$program" --completion tcsh
done

# What is offered for the last of some words; bash cuts words at '=', as it does when it completes.
in_bash() {
	bash -c '. "$1/$2"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_${1//-/_}" "$1" "${!#}" 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' bash "$made/bash" "$@" | sort | xargs
}
in_fish() { fish -c ". '$made/fish/${1%% *}.fish'; complete -C '$1'" | cut -f1 | sort | xargs; }

while IFS='|' read -r line want; do
	IFS=' ' read -ra words <<<"${line//=/ = }"
	[ "${line% }" = "$line" ] || words+=("")
	is "bash: $line" "$(in_bash "${words[@]}")" "$want"
	! command -v fish >/dev/null ||
		is "fish: $line" "$(in_fish "$line" | sed 's/--[a-z]*=//g')" "$want"
done <<'END'
rag fee|feedback
rag ask --ba|--batch
rag ask --color a|always auto
rag --color=n|never
rag --socket /none --color n|never
ragd --state|--state-dir
ragd-model qu|quantize
ragd-model info --ten|--tensors
ragd-model info --kv |
ragd-model bench --kv |f16 q8_0
END

# zsh completes on a terminal only: one is made for it, and Tab is pressed there.
if command -v zsh >/dev/null && command -v python3 >/dev/null; then
	check "zsh completes" python3 "$RAGD_SRCDIR/tests/clients/tab.py" "$made/zsh" \
		'rag fee' 'rag feedback' 'ragd-model info --tens' 'ragd-model info --tensors' \
		'ragd --stat' 'ragd --state-dir'
fi
