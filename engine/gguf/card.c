/* From metadata and tensors to a card. */
#include "engine/gguf/card.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/gguf/parse.h"

#define TEXT_MAX  400 /* bytes of a text on a card */
#define ARENA_MAX ((size_t)64 << 10)

struct card {
	struct gguf_card public; /* first: what callers hold */
	struct arena *arena;
};

/* One line of valid UTF-8, blanks run together, cut at a character near TEXT_MAX; NULL if empty. */
static const char *one_line(struct arena *a, struct ragd_str s)
{
	char *out = arena_alloc(a, TEXT_MAX + 8, 1);
	size_t n = 0;
	uint32_t cp;

	for (size_t i = 0; out != NULL && i < s.len && n < TEXT_MAX;) {
		i += utf8_next(s.s + i, s.len - i, &cp);
		if (cp <= ' ' || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029) {
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		} else {
			n += utf8_put(cp, out + n);
		}
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	if (n == 0)
		return NULL;
	out[n] = '\0';
	return out;
}

/* The first of the keys that holds a text. */
static const char *text_of(const struct gguf *g, struct arena *a, const char *const *keys)
{
	const char *text = NULL;
	struct ragd_str s;

	for (; *keys != NULL && text == NULL; keys++)
		if (gguf_str(g, *keys, &s))
			text = one_line(a, s);
	return text;
}

/* The file's name without its folders and endings. */
static const char *name_of(struct arena *a, const char *path)
{
	const char *base = strrchr(path, '/');
	struct ragd_str s;

	base = base != NULL ? base + 1 : path;
	s = (struct ragd_str){ base, strlen(base) };
	if (s.len > 5 && strcmp(base + s.len - 5, ".gguf") == 0)
		s.len -= 5;
	if (s.len > 15 && memcmp(base + s.len - 15, "-00001-of-", 10) == 0)
		s.len -= 15;
	return one_line(a, s);
}

/* ---- how it is quantised -------------------------------------------------------------------- */

/* general.file_type, as llama.cpp numbers them. */
static const char *const file_types[] = {
	[0] = "F32",     [1] = "F16",     [2] = "Q4_0",    [3] = "Q4_1",    [7] = "Q8_0",
	[8] = "Q5_0",    [9] = "Q5_1",    [10] = "Q2_K",   [11] = "Q3_K_S", [12] = "Q3_K_M",
	[13] = "Q3_K_L", [14] = "Q4_K_S", [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",
	[18] = "Q6_K",   [21] = "Q2_K_S", [25] = "IQ4_NL", [30] = "IQ4_XS", [32] = "BF16",
};

/* The type that most bytes have. */
static const char *main_type(const struct gguf *g)
{
	uint64_t bytes[QUANT_BF16 + 1] = { 0 };
	size_t best = 0;

	for (size_t i = 0; i < g->n_tensors; i++)
		bytes[g->tensors[i].type] += g->tensors[i].n_bytes;
	for (size_t i = 1; i < ARRAY_LEN(bytes); i++)
		if (bytes[i] > bytes[best])
			best = i;
	return g->n_tensors > 0 ? quant_info((uint32_t)best)->name : NULL;
}

static const char *file_type(const struct gguf *g)
{
	uint32_t n;

	if (g->n_tensors > 0 && gguf_u32(g, "general.file_type", &n) && n < ARRAY_LEN(file_types) &&
	    file_types[n] != NULL)
		return file_types[n];
	return main_type(g);
}

/* ---- the card ------------------------------------------------------------------------------- */

static void card_count(const struct gguf *g, struct gguf_card *c)
{
	for (size_t i = 0; i < g->n_tensors; i++) {
		const struct gguf_tensor *t = &g->tensors[i];

		/*
		 * No overflow: tensors lie apart in the file, and a number takes some bits of it.
		 */
		c->n_weight_bytes += t->n_bytes;
		c->brief.n_parameters += t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
	}
}

/* What the file says of itself, else what was counted. */
static const char *card_summary(const struct gguf *g, struct arena *a, const struct gguf_card *c)
{
	static const char *const keys[] = { "general.description", NULL };
	const char *text = text_of(g, a, keys);
	double n = (double)c->brief.n_parameters;

	if (text != NULL)
		return text;
	if (c->brief.n_parameters == 0)
		return NULL;
	return arena_printf(a, "A %s model of %.*f %s parameters%s%s.",
			    c->architecture != NULL ? c->architecture : "nameless",
			    n >= 1e6 ? 1 : 0,
			    n >= 1e9   ? n / 1e9
			    : n >= 1e6 ? n / 1e6
				       : n / 1e3,
			    n >= 1e9   ? "billion"
			    : n >= 1e6 ? "million"
				       : "thousand",
			    c->brief.quantisation != NULL ? ", " : "",
			    c->brief.quantisation != NULL ? c->brief.quantisation : "");
}

int gguf_card_new(const struct gguf *g, const char *path, struct gguf_card **out,
		  struct ragd_err *err)
{
	/* clang-format off */
	static const char *const names[] = { "general.name", "general.basename", NULL };
	static const char *const archs[] = { "general.architecture", NULL };
	static const char *const authors[] = { "general.author", "general.organization", NULL };
	static const char *const licences[] = { "general.license", "general.license.name", NULL };
	static const char *const links[] = { "general.license.link", NULL };
	static const char *const bases[] = { "general.base_model.0.name",
					     "general.base_model.0.repo_url", NULL };
	static const char *const sources[] = { "general.source.url", "general.repo_url",
					       "general.url",
					       "general.source.huggingface.repository", NULL };
	/* clang-format on */
	struct card *card = calloc(1, sizeof(*card));
	struct gguf_card *c;
	struct arena *a;
	struct ragd_str s;

	if (card == NULL || (card->arena = arena_new(ARENA_MAX)) == NULL) {
		free(card);
		return ragd_err_set(err, -ENOMEM, "model card: out of memory");
	}
	c = &card->public;
	a = card->arena;
	card_count(g, c);
	c->architecture = text_of(g, a, archs);
	c->author = text_of(g, a, authors);
	c->base_model = text_of(g, a, bases);
	c->licence_link = text_of(g, a, links);
	c->source = text_of(g, a, sources);
	c->chat_template = gguf_str(g, "tokenizer.chat_template", &s) && s.len > 0;
	c->brief.name = text_of(g, a, names);
	if (c->brief.name == NULL && path != NULL)
		c->brief.name = name_of(a, path);
	c->brief.family = c->architecture;
	c->brief.quantisation = file_type(g);
	gguf_arch_u32(g, "context_length", &c->brief.n_context);
	c->brief.licence = text_of(g, a, licences);
	c->brief.summary = card_summary(g, a, c);
	*out = c;
	return 0;
}

void gguf_card_free(struct gguf_card *c)
{
	struct card *card;

	if (c == NULL)
		return;
	card = container_of(c, struct card, public);
	arena_free(card->arena);
	free(card);
}
