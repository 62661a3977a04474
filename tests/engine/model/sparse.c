/*
 * sparse FILE: a model of one layer with 820 GB of weights, more than any machine has memory, in a
 * file of holes that takes hardly any of the disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/gguf/parse.h"
#include "tests/engine/token/toy.h"

#define EMBD ((uint64_t)1 << 17)
#define FF   ((uint64_t)1 << 20)

static uint64_t put_weights(struct buf *b, uint64_t n_vocab)
{
	const struct {
		const char *name;
		uint64_t cols, rows;
		enum quant_type type;
	} tensors[] = {
		{ "token_embd.weight", EMBD, n_vocab, QUANT_F16 },
		{ "output_norm.weight", EMBD, 1, QUANT_F32 },
		{ "blk.0.attn_norm.weight", EMBD, 1, QUANT_F32 },
		{ "blk.0.attn_q.weight", EMBD, EMBD, QUANT_F16 },
		{ "blk.0.attn_k.weight", EMBD, EMBD, QUANT_F16 },
		{ "blk.0.attn_v.weight", EMBD, EMBD, QUANT_F16 },
		{ "blk.0.attn_output.weight", EMBD, EMBD, QUANT_F16 },
		{ "blk.0.ffn_norm.weight", EMBD, 1, QUANT_F32 },
		{ "blk.0.ffn_gate.weight", EMBD, FF, QUANT_F16 },
		{ "blk.0.ffn_up.weight", EMBD, FF, QUANT_F16 },
		{ "blk.0.ffn_down.weight", FF, EMBD, QUANT_F16 },
	};
	uint64_t at = 0, n = ARRAY_LEN(tensors);

	memcpy(b->data + 8, &n, sizeof(n)); /* behind magic and version */
	for (size_t i = 0; i < ARRAY_LEN(tensors); i++) {
		put_tensor(b, tensors[i].name, tensors[i].cols, tensors[i].rows, tensors[i].type,
			   at);
		at += tensors[i].rows * quant_row_bytes(tensors[i].type, tensors[i].cols);
	}
	put_pad(b, GGUF_ALIGNMENT);
	return at;
}

int main(int argc, char **argv)
{
	static struct toy t;
	struct buf b = BUF_INIT;
	uint64_t n_bytes;
	float eps = 1e-5f;
	int fd;

	toy_spm(&t, true);
	toy_str(&t, "general.architecture", "llama");
	toy_u32(&t, "llama.block_count", 1);
	toy_u32(&t, "llama.embedding_length", EMBD);
	toy_u32(&t, "llama.feed_forward_length", FF);
	toy_u32(&t, "llama.attention.head_count", EMBD / 128);
	toy_u32(&t, "llama.context_length", 256);
	put_scalar(&t.keys, "llama.attention.layer_norm_rms_epsilon", GGUF_F32, &eps, sizeof(eps));
	t.n_keys++;
	toy_write(&t, &b);
	n_bytes = put_weights(&b, t.n);
	fd = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || buf_failed(&b) || write(fd, b.data, b.len) != (ssize_t)b.len ||
	    ftruncate(fd, (off_t)(b.len + n_bytes)) < 0) {
		perror("sparse FILE");
		return 1;
	}
	close(fd);
	buf_fini(&b);
	buf_fini(&t.keys);
	return 0;
}
