/* retemplate IN OUT TEMPLATE: the model IN with TEMPLATE's text as its chat template. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "engine/gguf/write.h"

static int fail(const struct ragd_err *err)
{
	fprintf(stderr, "retemplate: %s\n", err->msg);
	return 1;
}

int main(int argc, char **argv)
{
	struct gguf_writer *w = gguf_writer_new();
	struct ragd_err err = { 0 };
	struct buf text = BUF_INIT;
	const struct gguf_tensor *t;
	char piece[4096];
	struct gguf *g;
	FILE *f;
	int rc;

	if (argc != 4 || w == NULL || (f = fopen(argv[3], "r")) == NULL)
		return fail(&(struct ragd_err){ .msg = "IN OUT TEMPLATE" });
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add(&text, piece, n);
	fclose(f);
	if (gguf_open(argv[1], &g, &err) < 0)
		return fail(&err);
	for (size_t i = 0; i < gguf_n_entries(g); i++)
		gguf_writer_entry(w, g, i);
	gguf_writer_str(w, "tokenizer.chat_template", buf_str(&text));
	for (size_t i = 0; (t = gguf_tensor_at(g, i)) != NULL; i++)
		gguf_writer_tensor(w, t->name, t->type, t->n_dims, t->dims);
	rc = gguf_writer_begin(w, argv[2], &err);
	for (size_t i = 0; rc == 0 && (t = gguf_tensor_at(g, i)) != NULL; i++)
		rc = gguf_writer_copy(w, g, t, &err);
	if (rc == 0)
		rc = gguf_writer_end(w, &err);
	gguf_writer_free(w);
	gguf_close(g);
	buf_fini(&text);
	return rc < 0 ? fail(&err) : 0;
}
