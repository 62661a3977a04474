/* ragd-model info: what a file is. */
#include <string.h>

#include "base/util.h"
#include "engine/chat/chat.h"
#include "engine/gguf/card.h"
#include "engine/token/vocab.h"
#include "tools/model/tool.h"

static const struct args_opt opts[] = {
	{ .name = "digest",
	  .help = "also the SHA-256 of the file, which takes a while for a large one",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, digest) },
	{ .name = "metadata",
	  .help = "also all keys of the file",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, metadata) },
	{ .name = "tensors",
	  .help = "also all tensors",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, tensors) },
	{ .name = NULL },
};

/* What is gathered of a file, for both ways to print it. */
struct facts {
	const struct model_args *args;
	const struct gguf *g;
	const struct gguf_card *card;
	const struct vocab *vocab; /* NULL: none, or one that is not supported */
	struct ragd_err vocab_err;
	const struct chat_family *chat;
	char digest[GGUF_DIGEST_SIZE];
};

/* Keys of the architecture that tell the model's shape. */
static const struct {
	const char *key, *label;
} shape[] = {
	{ "block_count", "layers" },
	{ "embedding_length", "embedding" },
	{ "attention.head_count", "heads" },
	{ "attention.head_count_kv", "KV heads" },
	{ "feed_forward_length", "feed-forward" },
};

static void types_count(const struct gguf *g, uint64_t n[QUANT_BF16 + 1],
			uint64_t bytes[QUANT_BF16 + 1])
{
	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);

		n[t->type]++;
		bytes[t->type] += t->n_bytes;
	}
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
	return s != NULL ? tool_json_text(s, strlen(s)) : json_null();
}

static json_t *types_json(const struct gguf *g)
{
	uint64_t n[QUANT_BF16 + 1] = { 0 }, bytes[QUANT_BF16 + 1] = { 0 };
	json_t *types = json_object();

	types_count(g, n, bytes);
	for (uint32_t i = 0; i < ARRAY_LEN(n); i++)
		if (n[i] > 0)
			json_object_set_new(types, quant_info(i)->name,
					    json_pack("{s:I,s:I}", "tensors", (json_int_t)n[i],
						      "bytes", (json_int_t)bytes[i]));
	return types;
}

static json_t *shape_json(const struct gguf *g)
{
	json_t *j = json_object();
	uint32_t n;

	for (size_t i = 0; i < ARRAY_LEN(shape); i++)
		if (gguf_arch_u32(g, shape[i].key, &n))
			json_object_set_new(j, shape[i].key, json_integer(n));
	return j;
}

static json_t *number_json(const struct gguf_array *a, uint64_t i)
{
	if (a->strings != NULL)
		return tool_json_text(a->strings[i].s, a->strings[i].len);
	if (a->type == GGUF_F32 || a->type == GGUF_F64)
		return json_real((double)gguf_array_float(a, i));
	return json_integer(gguf_array_int(a, i));
}

#define ARRAY_SHOWN 8 /* elements of an array; vocabularies have a hundred thousand */

static json_t *entry_json(const struct gguf_entry *e)
{
	json_t *list;

	if (e->type == GGUF_STRING)
		return tool_json_text(e->text.s, e->text.len);
	if (e->type == GGUF_BOOL)
		return json_boolean(e->number != 0);
	if (e->type == GGUF_F32 || e->type == GGUF_F64)
		return json_real(e->number);
	if (e->type != GGUF_ARRAY)
		return json_integer((json_int_t)e->number);
	list = json_array();
	for (uint64_t i = 0; i < MIN(e->array.n, ARRAY_SHOWN); i++)
		json_array_append_new(list, number_json(&e->array, i));
	return json_pack("{s:I,s:o}", "n", (json_int_t)e->array.n, "first", list);
}

static json_t *metadata_json(const struct gguf *g)
{
	json_t *all = json_object(), *key;
	struct gguf_entry e;

	for (size_t i = 0; i < gguf_n_entries(g); i++) {
		gguf_entry(g, i, &e);
		key = tool_json_text(e.key.s, e.key.len);
		json_object_set_new(all, json_string_value(key), entry_json(&e));
		json_decref(key);
	}
	return all;
}

static json_t *tensors_json(const struct gguf *g)
{
	json_t *all = json_array();

	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);
		json_t *dims = json_array();

		for (uint32_t d = 0; d < t->n_dims; d++)
			json_array_append_new(dims, json_integer((json_int_t)t->dims[d]));
		json_array_append_new(all, json_pack("{s:o,s:s,s:o,s:I}", "name",
						     tool_json_text(t->name.s, t->name.len), "type",
						     quant_info(t->type)->name, "dims", dims,
						     "bytes", (json_int_t)t->n_bytes));
	}
	return all;
}

static json_t *vocab_json(const struct facts *f)
{
	json_t *j;

	if (f->vocab == NULL)
		return json_null();
	j = json_pack("{s:s,s:i}", "kind", vocab_kind(f->vocab), "size", (int)vocab_size(f->vocab));
	if (vocab_bos(f->vocab) != TOKEN_NONE)
		json_object_set_new(j, "bos", json_integer(vocab_bos(f->vocab)));
	if (vocab_eos(f->vocab) != TOKEN_NONE)
		json_object_set_new(j, "eos", json_integer(vocab_eos(f->vocab)));
	if (vocab_unknown(f->vocab) != TOKEN_NONE)
		json_object_set_new(j, "unknown", json_integer(vocab_unknown(f->vocab)));
	return j;
}

static int print_json(const struct facts *f)
{
	const struct gguf_card *c = f->card;
	json_t *j = json_object();

	json_object_set_new(j, "file", text_or_null(f->args->model));
	json_object_set_new(j, "name", text_or_null(c->brief.name));
	json_object_set_new(j, "architecture", text_or_null(c->architecture));
	json_object_set_new(j, "parameters", json_integer((json_int_t)c->brief.n_parameters));
	json_object_set_new(j, "quantisation", text_or_null(c->brief.quantisation));
	json_object_set_new(j, "context", json_integer(c->brief.n_context));
	json_object_set_new(j, "shape", shape_json(f->g));
	json_object_set_new(j, "licence", text_or_null(c->brief.licence));
	json_object_set_new(j, "author", text_or_null(c->author));
	json_object_set_new(j, "base_model", text_or_null(c->base_model));
	json_object_set_new(j, "source", text_or_null(c->source));
	json_object_set_new(j, "summary", text_or_null(c->brief.summary));
	json_object_set_new(j, "vocabulary", vocab_json(f));
	json_object_set_new(j, "chat_template",
			    f->chat != NULL    ? json_string(chat_family_name(f->chat))
			    : c->chat_template ? json_string("unknown")
					       : json_null());
	json_object_set_new(j, "version", json_integer(gguf_version(f->g)));
	json_object_set_new(j, "bytes", json_integer((json_int_t)gguf_size(f->g)));
	json_object_set_new(j, "weight_bytes", json_integer((json_int_t)c->n_weight_bytes));
	json_object_set_new(j, "n_tensors", json_integer((json_int_t)gguf_n_tensors(f->g)));
	json_object_set_new(j, "types", types_json(f->g));
	if (f->args->digest)
		json_object_set_new(j, "digest", json_string(f->digest));
	if (f->args->metadata)
		json_object_set_new(j, "metadata", metadata_json(f->g));
	if (f->args->tensors)
		json_object_set_new(j, "tensors", tensors_json(f->g));
	return tool_print_json(j);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void text_row(const char *label, const char *text)
{
	if (text != NULL)
		printf("%-14s%s\n", label, text);
}

static void print_types(const struct gguf *g)
{
	uint64_t n[QUANT_BF16 + 1] = { 0 }, bytes[QUANT_BF16 + 1] = { 0 };
	const char *label = "tensors";
	char size[32];

	types_count(g, n, bytes);
	for (uint32_t i = 0; i < ARRAY_LEN(n); i++) {
		if (n[i] == 0)
			continue;
		printf("%-14s%llu %s, %s\n", label, (unsigned long long)n[i], quant_info(i)->name,
		       tool_bytes((double)bytes[i], size, sizeof(size)));
		label = "";
	}
}

static void print_shape(const struct gguf *g)
{
	const char *between = "";
	uint32_t n;

	for (size_t i = 0; i < ARRAY_LEN(shape); i++) {
		if (!gguf_arch_u32(g, shape[i].key, &n))
			continue;
		if (*between == '\0')
			printf("%-14s", "shape");
		printf("%s%u %s", between, (unsigned)n, shape[i].label);
		between = ", ";
	}
	if (*between != '\0')
		putchar('\n');
}

/* Control characters of a hostile file do not reach the terminal. */
static void print_safe(struct ragd_str s, size_t most)
{
	for (size_t i = 0; i < MIN(s.len, most); i++)
		putchar((unsigned char)s.s[i] < ' ' || s.s[i] == 0x7f ? '?' : s.s[i]);
	if (s.len > most)
		printf("… (%zu bytes)", s.len);
}

static void print_metadata(const struct gguf *g)
{
	struct gguf_entry e;

	puts("\nmetadata");
	for (size_t i = 0; i < gguf_n_entries(g); i++) {
		gguf_entry(g, i, &e);
		fputs("  ", stdout);
		print_safe(e.key, 80);
		fputs(" = ", stdout);
		if (e.type == GGUF_STRING)
			print_safe(e.text, 100);
		else if (e.type == GGUF_ARRAY)
			printf("[%llu]", (unsigned long long)e.array.n);
		else
			printf("%.10g", e.number);
		putchar('\n');
	}
}

static void print_tensors(const struct gguf *g)
{
	puts("\ntensors");
	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);

		fputs("  ", stdout);
		print_safe(t->name, 64);
		printf("  %s", quant_info(t->type)->name);
		for (uint32_t d = 0; d < t->n_dims; d++)
			printf("%s%llu", d == 0 ? "  " : " x ", (unsigned long long)t->dims[d]);
		putchar('\n');
	}
}

static void print_text(const struct facts *f)
{
	const struct gguf_card *c = f->card;
	char text[64];

	text_row("name", c->brief.name);
	text_row("architecture", c->architecture);
	if (c->brief.n_parameters > 0)
		text_row("parameters",
			 tool_count((double)c->brief.n_parameters, text, sizeof(text)));
	text_row("quantisation", c->brief.quantisation);
	if (c->brief.n_context > 0)
		printf("%-14s%u tokens\n", "context", (unsigned)c->brief.n_context);
	print_shape(f->g);
	text_row("licence", c->brief.licence);
	text_row("author", c->author);
	text_row("base model", c->base_model);
	text_row("source", c->source);
	if (f->vocab != NULL)
		printf("%-14s%s, %u tokens\n", "vocabulary", vocab_kind(f->vocab),
		       (unsigned)vocab_size(f->vocab));
	else
		printf("%-14snone (%s)\n", "vocabulary", f->vocab_err.msg);
	text_row("chat template", f->chat != NULL    ? chat_family_name(f->chat)
				  : c->chat_template ? "unknown"
						     : "none");
	printf("%-14sGGUF %u, %s\n", "file", (unsigned)gguf_version(f->g),
	       tool_bytes((double)gguf_size(f->g), text, sizeof(text)));
	print_types(f->g);
	if (f->args->digest)
		text_row("digest", f->digest);
	if (f->args->metadata)
		print_metadata(f->g);
	if (f->args->tensors)
		print_tensors(f->g);
}

static int info_run(const struct model_args *a)
{
	struct facts f = { .args = a };
	struct gguf_card *card = NULL;
	struct vocab *vocab = NULL;
	struct ragd_err err = { 0 };
	struct ragd_str jinja;
	struct gguf *g = NULL;
	int rc;

	rc = gguf_open(a->model, &g, &err);
	if (rc == 0)
		rc = gguf_card_new(g, a->model, &card, &err);
	if (rc == 0 && a->digest)
		rc = gguf_digest(g, NULL, NULL, NULL, f.digest, &err);
	if (rc < 0) {
		rc = tool_fail(&err);
		goto out;
	}
	f.g = g;
	f.card = card;
	/* A vocabulary that we cannot read is a fact like any other. */
	if (vocab_open(g, &vocab, &f.vocab_err) == 0)
		f.vocab = vocab;
	if (gguf_str(g, "tokenizer.chat_template", &jinja))
		f.chat = chat_recognise(jinja);
	if (a->json)
		rc = print_json(&f);
	else
		print_text(&f);
out:
	vocab_close(vocab);
	gguf_card_free(card);
	gguf_close(g);
	return rc;
}

const struct model_command info_command = {
	.args = { .name = "info",
		  .usage = "-m FILE",
		  .summary = "what a file is: name, architecture, size, licence, types",
		  .opts = opts },
	.run = info_run,
};
