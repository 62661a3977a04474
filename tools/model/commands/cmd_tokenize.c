/* ragd-model tokenize: text on standard input to ids. */
#include <string.h>

#include "base/text/utf8.h"
#include "engine/token/vocab.h"
#include "tools/model/tool.h"

static const struct args_opt opts[] = {
	{ .name = "ids",
	  .help = "write the ids on one line, with spaces between them (default: each id and its "
		  "text on a line)",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, print_ids) },
	{ .name = "no-special",
	  .help = "add no tokens at the ends (BOS, EOS), and read special tokens as plain "
		  "text",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, no_special) },
	{ .name = NULL },
};

static void print_ids(const struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++)
		printf("%s%d", i > 0 ? " " : "", (int)t->ids[i]);
	putchar('\n');
}

static json_t *as_json(const struct vocab *v, const struct tokens *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n; i++) {
		struct ragd_str s = vocab_text(v, t->ids[i]);

		json_array_append_new(list, json_pack("{s:i,s:o}", "id", (int)t->ids[i], "text",
						      tool_json_text(s.s, s.len)));
	}
	return json_pack("{s:i,s:o}", "n", (int)t->n, "tokens", list);
}

/* The token's text with control characters and bytes that are no UTF-8 as \xNN. */
static void print_texts(const struct vocab *v, const struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct ragd_str s = vocab_text(v, t->ids[i]);

		printf("%d\t", (int)t->ids[i]);
		for (size_t k = 0, n; k < s.len; k += n) {
			uint32_t cp;

			n = utf8_next(s.s + k, s.len - k, &cp);
			if (cp < ' ' || cp == 0x7f || (cp == 0xfffd && n == 1))
				printf("\\x%02x", (unsigned)(unsigned char)s.s[k]);
			else
				fwrite(s.s + k, 1, n, stdout);
		}
		putchar('\n');
	}
}

static int tokenize_run(const struct model_args *a)
{
	unsigned flags = a->no_special ? 0 : VOCAB_SPECIAL | VOCAB_ENDS;
	struct tokens tokens = { .ids = NULL };
	struct vocab *v = NULL;
	struct ragd_err err = { 0 };
	struct buf text = BUF_INIT;
	struct gguf *g = NULL;
	int rc;

	rc = gguf_open(a->model, &g, &err);
	if (rc == 0)
		rc = vocab_open(g, &v, &err);
	if (rc == 0)
		rc = tool_stdin(&text, &err);
	if (rc == 0)
		rc = vocab_encode(v, buf_str(&text), flags, &tokens, &err);
	if (rc < 0)
		rc = tool_fail(&err);
	else if (a->json)
		rc = tool_print_json(as_json(v, &tokens));
	else if (a->print_ids)
		print_ids(&tokens);
	else
		print_texts(v, &tokens);
	tokens_fini(&tokens);
	buf_fini(&text);
	vocab_close(v);
	gguf_close(g);
	return rc;
}

const struct model_command tokenize_command = {
	.args = { .name = "tokenize",
		  .usage = "-m FILE <TEXT",
		  .summary = "turn text on standard input into tokens",
		  .opts = opts },
	.run = tokenize_run,
};
