#include "tools/model/requant.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define PIECE_NUMBERS ((size_t)1 << 20) /* unpacked at once, by all threads */

static bool name_is(const struct gguf_tensor *t, const char *name)
{
	return t->name.len == strlen(name) && memcmp(t->name.s, name, t->name.len) == 0;
}

static bool type_fits(const struct gguf_tensor *t, enum quant_type type)
{
	return t->dims[0] % quant_info(type)->n_elements == 0;
}

enum quant_type requant_type(const struct gguf_tensor *t, enum quant_type want, bool output,
			     enum requant_why *why)
{
	*why = REQUANT_VECTOR;
	if (t->n_dims < 2)
		return QUANT_F32;
	*why = REQUANT_SMALL_TABLE;
	if (name_is(t, "position_embd.weight") || name_is(t, "token_types.weight"))
		return t->type == QUANT_F32 ? QUANT_F32 : QUANT_F16;
	*why = REQUANT_OUTPUT;
	if (output && want != QUANT_Q8_0 && type_fits(t, QUANT_Q8_0))
		return QUANT_Q8_0;
	*why = REQUANT_ASKED;
	if (type_fits(t, want))
		return want;
	*why = REQUANT_ROWS;
	if (want == QUANT_Q4_K && type_fits(t, QUANT_Q4_0))
		return QUANT_Q4_0;
	return QUANT_F16;
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct requant_job {
	uint8_t *in, *out;
	float *numbers;
	enum quant_type from, to;
	size_t n_row; /* numbers */
	size_t in_row, out_row;
};

static void rows_cb(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct requant_job *j = arg;

	(void)worker;
	for (size_t r = from; r < to; r++) {
		float *numbers = j->numbers + r * j->n_row;

		quant_unpack(j->from, j->in + r * j->in_row, numbers, j->n_row);
		quant_pack(j->to, numbers, j->out + r * j->out_row, j->n_row);
	}
}

int requant_tensor(const struct gguf *g, const struct gguf_tensor *t, enum quant_type type,
		   struct threads *threads, struct gguf_writer *w, struct ragd_err *err)
{
	uint64_t n_rows = t->dims[1] * t->dims[2] * t->dims[3], n;
	struct requant_job j = { .from = t->type, .to = type, .n_row = (size_t)t->dims[0] };
	size_t rows = MAX(PIECE_NUMBERS / j.n_row, 1);
	int rc = 0;

	rows = (size_t)MIN((uint64_t)rows, n_rows);
	j.in_row = quant_row_bytes(t->type, t->dims[0]);
	j.out_row = quant_row_bytes(type, t->dims[0]);
	j.numbers = reallocarray(NULL, rows, j.n_row * sizeof(*j.numbers));
	j.in = reallocarray(NULL, rows, j.in_row);
	j.out = reallocarray(NULL, rows, j.out_row);
	if (j.numbers == NULL || j.in == NULL || j.out == NULL)
		rc = ragd_err_set(err, -ENOMEM, "quantise '%.*s': out of memory", (int)t->name.len,
				  t->name.s);
	for (uint64_t at = 0; at < n_rows && rc == 0; at += n) {
		n = MIN((uint64_t)rows, n_rows - at);
		rc = gguf_tensor_read(g, t, (size_t)at * j.in_row, j.in, (size_t)n * j.in_row, err);
		if (rc < 0)
			break;
		threads_run(threads, (size_t)n, MAX((size_t)1, 4096 / j.n_row), rows_cb, &j);
		rc = gguf_writer_data(w, j.out, (size_t)n * j.out_row, err);
	}
	free(j.numbers);
	free(j.in);
	free(j.out);
	return rc;
}
