/* ragd-model quantize: a file with smaller weights. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tools/model/requant.h"
#include "tools/model/tool.h"

static const struct args_opt opts[] = {
	{ .letter = 'o',
	  .name = "output",
	  .arg = "FILE",
	  .help = "the file to write; what is there is replaced once the new one is complete",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, output),
	  .words = ARGS_WORDS_FILES },
	{ .name = "type",
	  .arg = "TYPE",
	  .help = "q8_0 (8.5 bits a weight, as good as the original), q4_0 or q4_k (4.5 bits; q4_k "
		  "is the better one)",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct model_args, type),
	  .choices = "q8_0 q4_0 q4_k" },
	{ .name = "pure",
	  .help = "the output matrix gets the type, too; else it stays at 8 bits, since it decides "
		  "every token",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, pure) },
	OPT_THREADS,
	{ .name = NULL },
};

/* What --type means, and general.file_type for it. */
static const struct quantize_target {
	const char *name;
	enum quant_type type;
	uint32_t file_type;
} targets[] = {
	{ "q8_0", QUANT_Q8_0, 7 },
	{ "q4_0", QUANT_Q4_0, 2 },
	{ "q4_k", QUANT_Q4_K, 14 },
};

struct quantize_plan {
	enum quant_type *types; /* of each tensor */
	uint64_t n_why[N_REQUANT_WHYS];
	uint64_t n_type[QUANT_BF16 + 1];
	uint64_t n_again; /* were quantised already */
};

static bool name_is(struct ragd_str s, const char *name)
{
	return s.len == strlen(name) && memcmp(s.s, name, s.len) == 0;
}

static bool is_output(const struct gguf *g, const struct gguf_tensor *t)
{
	const char *name =
		gguf_tensor(g, "output.weight") != NULL ? "output.weight" : "token_embd.weight";

	return name_is(t->name, name) && gguf_tensor(g, "output_norm.weight") != NULL;
}

static int plan_make(struct quantize_plan *p, const struct gguf *g,
		     const struct quantize_target *target, bool pure, struct ragd_err *err)
{
	size_t n = gguf_n_tensors(g);
	enum requant_why why;

	if (n == 0)
		return ragd_err_set(err, -EINVAL, "there are no weights in it");
	p->types = calloc(n, sizeof(*p->types));
	if (p->types == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);

		p->types[i] = requant_type(t, target->type, !pure && is_output(g, t), &why);
		p->n_why[why]++;
		p->n_type[p->types[i]]++;
		if (t->n_dims > 1 && t->type != p->types[i] && quant_info(t->type)->n_elements > 1)
			p->n_again++;
	}
	return 0;
}

/* Keys that are the old file's own. */
static bool key_changes(struct ragd_str key)
{
	return name_is(key, "general.file_type") || name_is(key, "general.quantization_version") ||
	       name_is(key, "general.alignment") || name_is(key, "split.no") ||
	       name_is(key, "split.count") || name_is(key, "split.tensors.count");
}

static void declare_tensors(struct gguf_writer *w, const struct gguf *g,
			    const struct quantize_plan *p, const struct quantize_target *target)
{
	struct gguf_entry e;

	for (size_t i = 0; i < gguf_n_entries(g); i++) {
		gguf_entry(g, i, &e);
		if (!key_changes(e.key))
			gguf_writer_entry(w, g, i);
	}
	gguf_writer_u32(w, "general.file_type", target->file_type);
	gguf_writer_u32(w, "general.quantization_version", 2);
	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);

		gguf_writer_tensor(w, t->name, p->types[i], t->n_dims, t->dims);
	}
}

static int write_all(struct gguf_writer *w, const struct gguf *g, const struct quantize_plan *p,
		     const struct model_args *a, struct threads *threads, struct ragd_err *err)
{
	int rc = gguf_writer_begin(w, a->output, err);

	for (size_t i = 0; i < gguf_n_tensors(g) && rc == 0; i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);

		if (t->type == p->types[i])
			rc = gguf_writer_copy(w, g, t, err);
		else
			rc = requant_tensor(g, t, p->types[i], threads, w, err);
	}
	if (rc == 0)
		rc = gguf_writer_end(w, err);
	return rc;
}

static const char *const whys[N_REQUANT_WHYS] = {
	[REQUANT_VECTOR] = "vectors stay F32",
	[REQUANT_SMALL_TABLE] = "tables of positions or token types stay F16 or F32",
	[REQUANT_OUTPUT] = "the output matrix gets Q8_0 (--pure gives it the type)",
	[REQUANT_ROWS] = "rows are no whole blocks: the next type that fits",
};

static void plan_print(const struct model_args *a, const struct gguf *g,
		       const struct quantize_plan *p, uint64_t size)
{
	char from[32], to[32];

	printf("%s: %s to %s\n", a->output, tool_bytes((double)gguf_size(g), from, sizeof(from)),
	       tool_bytes((double)size, to, sizeof(to)));
	for (uint32_t i = 0; i < ARRAY_LEN(p->n_type); i++)
		if (p->n_type[i] > 0)
			printf("  %s: %llu tensors\n", quant_info(i)->name,
			       (unsigned long long)p->n_type[i]);
	for (size_t i = 0; i < N_REQUANT_WHYS; i++)
		if (p->n_why[i] > 0 && whys[i] != NULL)
			printf("  %llu: %s\n", (unsigned long long)p->n_why[i], whys[i]);
	if (p->n_again > 0)
		printf("  %llu were quantised before: a file made from F16 or F32 would be "
		       "better\n",
		       (unsigned long long)p->n_again);
}

static json_t *plan_json(const struct model_args *a, const struct gguf *g,
			 const struct quantize_plan *p, uint64_t size)
{
	json_t *types = json_object();

	for (uint32_t i = 0; i < ARRAY_LEN(p->n_type); i++)
		if (p->n_type[i] > 0)
			json_object_set_new(types, quant_info(i)->name,
					    json_integer((json_int_t)p->n_type[i]));
	return json_pack("{s:s,s:I,s:I,s:o,s:{s:I,s:I,s:I,s:I},s:I}", "file", a->output, "bytes_in",
			 (json_int_t)gguf_size(g), "bytes", (json_int_t)size, "types", types,
			 "kept", "vectors", (json_int_t)p->n_why[REQUANT_VECTOR], "tables",
			 (json_int_t)p->n_why[REQUANT_SMALL_TABLE], "output",
			 (json_int_t)p->n_why[REQUANT_OUTPUT], "rows",
			 (json_int_t)p->n_why[REQUANT_ROWS], "quantised_before",
			 (json_int_t)p->n_again);
}

static int quantize_run(const struct model_args *a)
{
	const struct quantize_target *target = NULL;
	struct quantize_plan plan = { .types = NULL };
	struct threads *threads = NULL;
	struct gguf_writer *w = NULL;
	struct ragd_err err = { 0 };
	struct gguf *g = NULL;
	uint64_t size = 0;
	int rc;

	if (a->output == NULL || a->type == NULL)
		return tool_usage("quantize: %s is missing",
				  a->output == NULL ? "-o FILE" : "--type");
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (strcmp(targets[i].name, a->type) == 0)
			target = &targets[i];
	rc = gguf_open(a->model, &g, &err);
	if (rc == 0)
		rc = plan_make(&plan, g, target, a->pure, &err);
	if (rc == 0)
		rc = threads_open((unsigned)a->n_threads, NULL, &threads, &err);
	if (rc == 0 && (w = gguf_writer_new()) == NULL)
		rc = ragd_err_set(&err, -ENOMEM, "quantize: out of memory");
	if (rc == 0) {
		declare_tensors(w, g, &plan, target);
		size = gguf_writer_size(w);
		rc = write_all(w, g, &plan, a, threads, &err);
	}
	if (rc < 0)
		rc = tool_fail(&err);
	else if (a->json)
		rc = tool_print_json(plan_json(a, g, &plan, size));
	else
		plan_print(a, g, &plan, size);
	gguf_writer_free(w);
	threads_close(threads);
	free(plan.types);
	gguf_close(g);
	return rc;
}

const struct model_command quantize_command = {
	.args = { .name = "quantize",
		  .usage = "-m FILE -o FILE --type TYPE",
		  .summary = "write a file with smaller weights: Q8_0, Q4_0 or Q4_K",
		  .opts = opts },
	.run = quantize_run,
};
