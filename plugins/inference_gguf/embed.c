/* Texts as vectors: what is put before them, how much of them is read, and the stamp of it all. */
#include "plugins/inference_gguf/llm.h"

#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/poll.h"

/* ---- what encoders were trained with --------------------------------------------------------- */

/* By a part of the model's name; the first that fits. Names not listed take texts as they come. */
static const struct habit {
	const char *name;
	const char *query, *passage;
	bool nested; /* trained so that the first numbers of a vector will do */
} habits[] = {
#define RETRIEVE "Represent this sentence for searching relevant passages: "
#define INSTRUCT                                                                                   \
	"Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
#define NOMIC(v) "search_query: ", "search_document: ", v
	{ "e5-mistral", INSTRUCT "Query: ", "", false },
	{ "e5-large-instruct", INSTRUCT "Query: ", "", false },
	{ "e5-small", "query: ", "passage: ", false },
	{ "e5-base", "query: ", "passage: ", false },
	{ "e5-large", "query: ", "passage: ", false },
	{ "nomic-embed-text-v1.5", NOMIC(true) },
	{ "nomic-embed-text", NOMIC(false) },
	{ "bge-small-en", RETRIEVE, "", false },
	{ "bge-base-en", RETRIEVE, "", false },
	{ "bge-large-en", RETRIEVE, "", false },
	{ "mxbai-embed-large", RETRIEVE, "", true },
	{ "snowflake-arctic-embed-m-v1.5", RETRIEVE, "", true },
	{ "snowflake-arctic-embed-m-v2", "query: ", "", true },
	{ "snowflake-arctic-embed-l-v2", "query: ", "", true },
	{ "snowflake-arctic-embed", RETRIEVE, "", false },
	{ "qwen3-embedding", INSTRUCT "Query:", "", true },
#undef RETRIEVE
#undef INSTRUCT
#undef NOMIC
};

/* "Multilingual E5 Small" and "multilingual_e5_small" are one name. */
static bool name_holds(const char *name, const char *part)
{
	size_t n = strlen(part);

	for (; *name != '\0'; name++) {
		size_t i = 0;

		while (i < n && (ascii_to_lower(name[i]) == part[i] ||
				 (part[i] == '-' && (name[i] == ' ' || name[i] == '_'))))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static struct habit habit_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(habits); i++)
		if (name_holds(name, habits[i].name))
			return habits[i];
	return (struct habit){ name, "", "", false };
}

static const char *prefix_choose(const char *option, const char *usual)
{
	return strcmp(option, "auto") == 0 ? usual : option;
}

int llm_embed_open(struct llm *l, const struct ragd_config *cfg, uint32_t n_context,
		   struct ragd_err *err)
{
	struct habit habit = habit_of(l->card.name);
	struct tokens prefix = { 0 };
	int rc = 0;

	l->prefixes[RAGD_EMBED_PLAIN] = "";
	l->prefixes[RAGD_EMBED_QUERY] =
		prefix_choose(ragd_config_get(cfg, "query_prefix")->s, habit.query);
	l->prefixes[RAGD_EMBED_PASSAGE] =
		prefix_choose(ragd_config_get(cfg, "passage_prefix")->s, habit.passage);
	for (size_t i = 0; rc == 0 && i < N_EMBED_USES; i++) {
		struct ragd_str text = { l->prefixes[i], strlen(l->prefixes[i]) };

		prefix.n = 0;
		rc = vocab_encode(l->vocab, text, 0, &prefix, err);
		l->prefix_tokens[i] = prefix.n;
	}
	tokens_fini(&prefix);
	l->embed_card = (struct ragd_embed_card){
		.size = sizeof(l->embed_card),
		.dim = model_shape(l->model)->n_embd,
		.n_context = n_context,
		.nested = habit.nested,
	};
	return rc;
}

/* All that a vector depends on, but for the text. */
int llm_embed_stamp(struct llm *l, enum model_pooling pooling, struct ragd_err *err)
{
	const char *text = arena_printf(
		l->strings, "1\n%s\n%s\n%s\n%d\n%u", l->card.digest, l->prefixes[RAGD_EMBED_QUERY],
		l->prefixes[RAGD_EMBED_PASSAGE], (int)pooling, l->embed_card.n_context);
	_Static_assert(DIGEST_HEX < RAGD_STAMP_SIZE, "a stamp holds a digest");

	if (text == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the stamp of vectors");
	digest_hex(text, strlen(text), l->embed_card.stamp);
	return 0;
}

/* ---- the calls ------------------------------------------------------------------------------- */

/* For engine_score() and the like. */
bool llm_nobody_waits(void *arg)
{
	const struct ragd_call *call = arg;

	return poll_call(call) < 0;
}

int llm_why_stopped(const struct ragd_call *call, int rc, struct ragd_err *err)
{
	if (rc != -ECANCELED || poll_call(call) != -ETIMEDOUT)
		return rc;
	return ragd_err_set(err, -ETIMEDOUT, "the deadline passed while texts were being read");
}

/*
 * The length of their pieces says whether such vocabularies know a language. Others are made for
 * many, some of which are written with few letters a piece.
 */
static bool has_wordpieces(const struct llm *l)
{
	return strcmp(vocab_kind(l->vocab), "bert") == 0;
}

/* Letters and digits of ASCII, and every character beyond it. */
static size_t letters_count(struct ragd_str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ascii_is_alnum(text.s[i]) || (unsigned char)text.s[i] >= 0xC0;
	return n;
}

/*
 * The pieces that the letters of a text break into: punctuation tells nothing of a language. Which
 * letters an unknown token stands for, ids no longer tell; but those of all together are what the
 * known ones leave of the text.
 */
static size_t pieces_count(const struct llm *l, struct ragd_str text, const int32_t *ids, size_t n)
{
	static const char mark[] = "\xe2\x96\x81"; /* before the first piece of a word */
	int32_t unknown = vocab_unknown(l->vocab);
	size_t n_unknown = 0, n_known = 0, known = 0, all;

	for (size_t i = 0; i < n; i++) {
		struct ragd_str t = vocab_text(l->vocab, ids[i]);
		size_t letters = letters_count(t) - (t.len >= 3 && memcmp(t.s, mark, 3) == 0);

		if (ids[i] == unknown) {
			n_unknown++;
			continue;
		}
		n_known += letters > 0;
		known += letters;
	}
	if (n_unknown == 0)
		return n_known;
	all = letters_count(text);
	return n_known + MAX(n_unknown, all > known ? all - known : 0);
}

void llm_tokens_cut(const struct llm *l, struct tokens *t, size_t limit)
{
	int32_t last;

	if (t->n <= limit)
		return;
	last = t->ids[t->n - 1];
	t->n = limit;
	if (last == vocab_sep(l->vocab) || last == vocab_eos(l->vocab))
		t->ids[limit - 1] = last;
}

/* A text with its prefix, as tokens. */
static int text_encode(const struct llm *l, const struct ragd_call *call,
		       const struct ragd_embed *req, size_t i, struct tokens *out, uint32_t *pieces,
		       struct ragd_err *err)
{
	const char *prefix = l->prefixes[req->use];
	const struct vocab_piece parts[] = { { .text = { prefix, strlen(prefix) } },
					     { .text = req->texts[i] } };
	size_t skip = strlen(prefix) == 0, front, back;
	int rc = vocab_encode_pieces_for(l->vocab, call, parts + skip, 2 - skip, VOCAB_ENDS, out,
					 err);

	if (rc < 0)
		return rc;
	front = out->n > 0 &&
		(out->ids[0] == vocab_cls(l->vocab) || out->ids[0] == vocab_bos(l->vocab));
	back = out->n > front && (out->ids[out->n - 1] == vocab_sep(l->vocab) ||
				  out->ids[out->n - 1] == vocab_eos(l->vocab));
	front = MIN(front + l->prefix_tokens[req->use], out->n - back);
	*pieces = (uint32_t)pieces_count(l, req->texts[i], out->ids + front, out->n - back - front);
	llm_tokens_cut(l, out, l->embed_card.n_context);
	if (out->n == 0)
		return ragd_err_set(err, -EINVAL, "text %zu has nothing that the model can read",
				    i);
	return 0;
}

/* The numbers of an answer, all of them the call's. */
struct embed_rows {
	float *values;
	uint32_t *n_tokens, *n_pieces;
};

static int lists_embed(struct llm *l, const struct ragd_call *call, const struct ragd_embed *req,
		       struct tokens *lists, struct embed_rows *rows, struct ragd_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < req->n; i++) {
		rc = text_encode(l, call, req, i, &lists[i], &rows->n_pieces[i], err);
		rows->n_tokens[i] = (uint32_t)lists[i].n;
	}
	if (rc < 0)
		return rc;
	rc = (req->background ? engine_embed_background : engine_embed)(
		req->background && l->background != NULL ? l->background : l->engine,
		answer_client(call), lists, req->n, rows->values, llm_nobody_waits, (void *)call,
		err);
	llm_tell(l);
	return llm_why_stopped(call, rc, err);
}

int llm_embed(struct llm *l, const struct ragd_call *call, const struct ragd_embed *req,
	      struct ragd_embeddings *out, struct ragd_err *err)
{
	uint32_t dim = l->embed_card.dim;
	size_t n = MAX(req->n, 1);
	struct embed_rows rows = {
		.values = call->alloc(call, n, dim * sizeof(float)),
		.n_tokens = call->alloc(call, n, sizeof(uint32_t)),
		.n_pieces = call->alloc(call, n, sizeof(uint32_t)),
	};
	struct tokens *lists;
	int rc;

	if ((unsigned)req->use >= N_EMBED_USES)
		return ragd_err_set(err, -EINVAL, "texts of a use that is none: %d", (int)req->use);
	if (rows.values == NULL || rows.n_tokens == NULL || rows.n_pieces == NULL)
		return ragd_err_set(err, -ENOMEM, "no memory for %zu vectors of %u numbers", req->n,
				    (unsigned)dim);
	lists = calloc(n, sizeof(*lists));
	if (lists == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for %zu texts", req->n);
	rc = lists_embed(l, call, req, lists, &rows, err);
	for (size_t i = 0; i < req->n; i++)
		tokens_fini(&lists[i]);
	free(lists);
	if (rc == 0)
		RAGD_FILL(out, .dim = dim, .values = rows.values, .n_tokens = rows.n_tokens,
			  .n_pieces = has_wordpieces(l) ? rows.n_pieces : NULL);
	return rc;
}
