#!/bin/bash
# info, tokenize and quantize on small models.
. "$RAGD_SRCDIR/tests/tools/lib.sh"
need_models

tiny=$models/llm/stories260K/stories260K-F32.gguf

# ---- info
got=$(model info -m "$tiny")
has "info: name" "$got" "name          stories260K"
has "info: shape" "$got" "5 layers, 64 embedding, 8 heads, 4 KV heads, 172 feed-forward"
has "info: vocabulary" "$got" "llama, 512 tokens"
has "info: types" "$got" "47 F32"
got=$(model info -m "$models/llm/stories260K/stories260K-Q8_0.gguf" --json)
has "info --json: architecture" "$got" '"architecture":"llama"'
has "info --json: types" "$got" '"Q8_0":{"tensors":31,'
has "info --json: context" "$got" '"context":512'
is "info --digest" "$(model info -m "$tiny" --digest | sed -n 's/^digest *sha256://p')" \
	"$(sha256sum <"$tiny" | cut -d' ' -f1)"
has "info --tensors" "$(model info -m "$tiny" --tensors)" "token_embd.weight  F32  64 x 512"
has "info --metadata" "$(model info -m "$tiny" --metadata)" "llama.block_count = 5"
is "info: a vocabulary has no weights" \
	"$(model info --json -m "$models/tokenizers/ggml-vocab-qwen2.gguf" | grep -o '"n_tensors":[0-9]*')" \
	'"n_tensors":0'

# ---- tokenize
spm=$models/tokenizers/ggml-vocab-llama-spm.gguf
is "tokenize: BOS, and <s> is a token" "$(printf 'Hello <s> world' | model tokenize -m "$spm" --ids)" \
	"1 15043 29871 1 29871 3186"
is "tokenize --no-special: neither" \
	"$(printf 'Hello <s> world' | model tokenize -m "$spm" --ids --no-special)" \
	"15043 529 29879 29958 3186"
is "tokenize: nothing" "$(printf '' | model tokenize -m "$spm" --ids --no-special)" ""
is "tokenize: texts" "$(printf 'Hello' | model tokenize -m "$spm" --no-special)" "$(printf '15043\t▁Hello')"
is "tokenize --json" "$(printf 'a' | model tokenize -m "$spm" --no-special --json)" \
	'{"n":1,"tokens":[{"id":263,"text":"▁a"}]}'
printf 'a\0b' | model tokenize -m "$spm" --ids --no-special >"$T/ids" || fail "tokenize: a NUL"
check "tokenize: nothing is lost after a NUL" [ "$(wc -w <"$T/ids")" -ge 3 ]

# ---- quantize
for type in q8_0 q4_0 q4_k; do
	got=$(model quantize -m "$tiny" -o "$T/$type.gguf" --type $type) || fail "quantize $type"
	has "quantize $type: vectors" "$got" "11: vectors stay F32"
	has "quantize $type: rows" "$got" "rows are no whole blocks"
	model info -m "$T/$type.gguf" >/dev/null || fail "quantize $type: the file is read"
done
has "quantize: types" "$(model info -m "$T/q8_0.gguf" --json)" '"Q8_0":{"tensors":31,'
has "quantize: rows of 172 are F16" "$(model info -m "$T/q8_0.gguf" --tensors)" \
	"blk.0.ffn_down.weight  F16  172 x 64"
has "quantize: the output has 8 bits" "$(model info -m "$T/q4_0.gguf" --tensors)" \
	"token_embd.weight  Q8_0"
model quantize -m "$tiny" -o "$T/pure.gguf" --type q4_0 --pure >/dev/null
has "quantize --pure" "$(model info -m "$T/pure.gguf" --tensors)" "token_embd.weight  Q4_0"
has "quantize: what it is, is in the file" "$(model info -m "$T/q4_0.gguf")" "quantisation  Q4_0"
has "quantize --json" "$(model quantize -m "$tiny" -o "$T/x.gguf" --type q8_0 --json)" '"vectors":11'
has "quantize: twice is told" "$(model quantize -m "$T/q8_0.gguf" -o "$T/y.gguf" --type q4_0)" \
	"were quantised before"
# One thread or several, the same file; a file in place of itself; metadata comes along.
model quantize -m "$tiny" -o "$T/t1.gguf" --type q4_k -t 1 >/dev/null
check "quantize: threads make no difference" cmp "$T/t1.gguf" "$T/q4_k.gguf"
cp "$tiny" "$T/self.gguf"
model quantize -m "$T/self.gguf" -o "$T/self.gguf" --type q4_k >/dev/null || fail "quantize in place"
check "quantize in place: the same file" cmp "$T/self.gguf" "$T/q4_k.gguf"
is "quantize: metadata comes along" \
	"$(model info -m "$T/q4_k.gguf" --metadata | grep -v 'general.file_type\|quantization_version' |
		sed -n '/^metadata/,$p')" \
	"$(model info -m "$tiny" --metadata | grep -v 'general.file_type\|quantization_version' |
		sed -n '/^metadata/,$p')"
refuses "quantize: a vocabulary only" 1 "there are no weights" \
	quantize -m "$spm" -o "$T/z.gguf" --type q8_0
refuses "quantize: no such folder" 1 "No such file or directory" \
	quantize -m "$tiny" -o "$T/no/z.gguf" --type q8_0
is "nothing is left over" "$(find "$T" -name '*.tmp')" ""
