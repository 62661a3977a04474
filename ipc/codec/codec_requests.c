/* Requests that are one flat object. */
#include "ipc/codec/codec_json.h"

#include <stdio.h>
#include <string.h>

#include "base/abi_words.h"
#include "base/util.h"

/* The index of the word, -1 if it is none of them. */
static int word_find(const json_t *v, const char *const *words, size_t n)
{
	for (size_t i = 0; json_is_string(v) && i < n; i++)
		if (strcmp(json_string_value(v), words[i]) == 0)
			return (int)i;
	return -1;
}

static int fail_missing(struct codec_err *err, const char *param)
{
	return codec_fail(err, "missing_value", param, "'%s' is missing.", param);
}

/* `input` of embeddings and moderations. */
static int input_decode(struct arena *a, const json_t *root, size_t n_max, size_t min,
			const struct ragd_str **out, size_t *n, struct codec_err *err)
{
	const json_t *v = codec_member(root, "input");
	int rc;

	if (v == NULL)
		return fail_missing(err, "input");
	rc = codec_texts(a, v, "input", true, n_max, min, SIZE_MAX, out, n, err);
	if (rc == 0 && *n == 0)
		return codec_fail(err, "invalid_value", "input", "'input' must not be empty.");
	return rc;
}

/* ---- embeddings ----------------------------------------------------------------------------- */

/* Some clients send the tokens that they count: by another model's vocabulary. */
static bool input_is_tokens(const json_t *v)
{
	const json_t *first = json_array_get(v, 0);

	return json_is_integer(first) || json_is_array(first);
}

static int blanks_refuse(const struct codec_embeddings *e, struct codec_err *err)
{
	char at[32];

	for (size_t i = 0; i < e->n_input; i++) {
		if (!codec_blank(e->input[i]))
			continue;
		snprintf(at, sizeof(at), "input[%zu]", i);
		return codec_fail(err, "invalid_value", at, "'%s' is blank: it has no vector.", at);
	}
	return 0;
}

static int embeddings_decode(struct arena *a, const json_t *root, struct codec_embeddings *out,
			     struct codec_err *err)
{
	static const char *const formats[] = { "float", "base64" };
	const json_t *format = codec_member(root, "encoding_format");
	int rc = codec_name(a, codec_member(root, "model"), "model", 256, &out->model, err);
	int i = word_find(format, formats, ARRAY_LEN(formats));
	json_int_t dimensions = 0;
	bool is_set;

	if (rc == 0 && input_is_tokens(codec_member(root, "input")))
		return codec_fail(err, "invalid_value", "input",
				  "'input' has token ids; send text (LangChain: "
				  "check_embedding_ctx_length=False).");
	if (rc == 0)
		rc = input_decode(a, root, CODEC_EMBED_MAX, 1, &out->input, &out->n_input, err);
	if (rc == 0)
		rc = blanks_refuse(out, err);
	if (rc == 0)
		rc = codec_int(codec_member(root, "dimensions"), "dimensions", 1, CODEC_DIM_MAX,
			       &dimensions, &is_set, err);
	if (rc < 0)
		return rc;
	out->dimensions = (uint32_t)dimensions;
	if (format != NULL && i < 0)
		return codec_fail(err, "invalid_value", "encoding_format",
				  "'encoding_format' must be float or base64.");
	out->base64 = i == 1;
	return 0;
}

/* ---- moderations ---------------------------------------------------------------------------- */

static int moderations_decode(struct arena *a, const json_t *root, struct codec_moderations *out,
			      struct codec_err *err)
{
	const json_t *stage = codec_member(root, "stage");
	int rc = codec_name(a, codec_member(root, "model"), "model", 256, &out->model, err);

	if (rc == 0)
		rc = input_decode(a, root, CODEC_INPUTS_MAX, 0, &out->input, &out->n_input, err);
	if (rc < 0)
		return rc;
	out->stage = RAGD_STAGE_PROMPT;
	if (stage != NULL && !(json_is_string(stage) &&
			       abi_stage_find((struct ragd_str){ json_string_value(stage),
								 json_string_length(stage) },
					      &out->stage)))
		return codec_fail(err, "invalid_value", "stage",
				  "'stage' must be prompt, document or response.");
	return 0;
}

/* ---- search --------------------------------------------------------------------------------- */

static int search_decode(struct arena *a, const json_t *root, struct codec_search *out,
			 struct codec_err *err)
{
	const json_t *query = codec_member(root, "query");
	json_int_t k = 10;
	bool has_k;
	int rc;

	if (query == NULL)
		return fail_missing(err, "query");
	rc = codec_text(a, query, "query", 0, CODEC_QUERY_MAX, &out->query, err);
	if (rc == 0 && codec_blank(out->query))
		return codec_fail(err, "invalid_value", "query",
				  "'query' is empty; write what to search for.");
	if (rc == 0)
		rc = codec_int(codec_member(root, "k"), "k", 1, CODEC_SEARCH_K_MAX, &k, &has_k,
			       err);
	if (rc == 0)
		rc = codec_collection_names(a, codec_member(root, "collections"), "collections",
					    &out->collections, &out->n_collections, err);
	if (rc == 0)
		rc = codec_texts(a, codec_member(root, "tags"), "tags", false, CODEC_NAMES_MAX, 1,
				 256, &out->tags, &out->n_tags, err);
	if (rc == 0)
		rc = codec_bool(codec_member(root, "per_document"), "per_document",
				&out->per_document, err);
	out->k = (uint32_t)k;
	return rc;
}

/* ---- feedback ------------------------------------------------------------------------------- */

static bool answer_id_valid(const char *id)
{
	size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= 64 && id[len] == '\0';
}

static int feedback_decode(struct arena *a, const json_t *root, struct codec_feedback *out,
			   struct codec_err *err)
{
	static const char *const ratings[] = { "up", "down" };
	static const char *const reasons[] = { "wrong",   "not_in_sources", "unsafe",
					       "refused", "incomplete",     "other" };
	const json_t *rating = codec_member(root, "rating"), *reason = codec_member(root, "reason");
	int i, rc;

	rc = codec_name(a, codec_member(root, "answer_id"), "answer_id", 64, &out->answer_id, err);
	if (rc < 0)
		return rc;
	if (out->answer_id == NULL)
		return fail_missing(err, "answer_id");
	if (!answer_id_valid(out->answer_id))
		return codec_fail(err, "invalid_value", "answer_id",
				  "'answer_id' must be the 'id' of an answer.");
	if (rating == NULL)
		return fail_missing(err, "rating");
	i = word_find(rating, ratings, ARRAY_LEN(ratings));
	if (i < 0)
		return codec_fail(err, "invalid_value", "rating", "'rating' must be up or down.");
	out->up = i == 0;
	i = word_find(reason, reasons, ARRAY_LEN(reasons));
	if (reason != NULL && i < 0)
		return codec_fail(err, "invalid_value", "reason",
				  "'reason' must be wrong, not_in_sources, unsafe, refused, "
				  "incomplete or other.");
	out->reason = reason != NULL ? reasons[i] : "";
	rc = codec_text(a, codec_member(root, "comment"), "comment", 0, CODEC_NOTE_MAX,
			&out->comment, err);
	if (rc == 0)
		rc = codec_text(a, codec_member(root, "better"), "better", 0, CODEC_NOTE_MAX,
				&out->better, err);
	return rc;
}

/* ---- collections ---------------------------------------------------------------------------- */

static int mode_decode(const json_t *v, struct codec_collection_put *out, struct codec_err *err)
{
	const char *s = json_string_value(v);
	size_t len = s != NULL ? strspn(s, "01234567") : 0;
	unsigned mode = 0;

	if (v == NULL)
		return 0;
	for (size_t i = 0; i < len && i < 4; i++)
		mode = mode << 3 | (unsigned)(s[i] - '0');
	if (len < 3 || len > 4 || s[len] != '\0' || (mode & ~0666u) != 0 || (mode & 0600) != 0600)
		return codec_fail(err, "invalid_value", "mode",
				  "'mode' must be a file's mode from \"0600\" to \"0666\", without "
				  "execute bits.");
	out->mode = mode;
	out->has_mode = true;
	return 0;
}

/* A name, or a number as number or text. */
static int holder_decode(struct arena *a, const json_t *v, const char *param, const char **out,
			 struct codec_err *err)
{
	struct ragd_str s = { NULL, 0 };
	int rc;

	if (json_is_integer(v) && json_integer_value(v) >= 0 &&
	    json_integer_value(v) < UINT32_MAX) {
		*out = arena_printf(a, "%lld", (long long)json_integer_value(v));
		return *out != NULL ? 0 : codec_no_memory(err);
	}
	rc = codec_text(a, v, param, 1, 255, &s, err);
	if (rc == 0 && s.s != NULL)
		*out = s.s;
	return rc;
}

static int collection_decode(struct arena *a, const json_t *root, struct codec_collection_put *out,
			     struct codec_err *err)
{
	int rc = mode_decode(codec_member(root, "mode"), out, err);

	if (rc == 0)
		rc = holder_decode(a, codec_member(root, "owner"), "owner", &out->owner, err);
	if (rc == 0)
		rc = holder_decode(a, codec_member(root, "group"), "group", &out->group, err);
	return rc;
}

/* ---- the same frame for each ---------------------------------------------------------------- */

#define DECODE(name, type, ...)                                                                    \
	int codec_##name##_decode(struct arena *a, struct ragd_str body, struct type *out,         \
				  struct codec_err *err)                                           \
	{                                                                                          \
		struct type req = __VA_ARGS__;                                                     \
		json_t *root;                                                                      \
		int rc = codec_parse(body, &root, err);                                            \
                                                                                                   \
		if (rc < 0)                                                                        \
			return rc;                                                                 \
		rc = name##_decode(a, root, &req, err);                                            \
		json_decref(root);                                                                 \
		if (rc == 0)                                                                       \
			*out = req;                                                                \
		return rc;                                                                         \
	}

DECODE(embeddings, codec_embeddings, { .model = "default" })
DECODE(moderations, codec_moderations, { .model = NULL })
DECODE(search, codec_search, { .k = 10 })
DECODE(feedback, codec_feedback, { .reason = "" })

int codec_collection_decode(struct arena *a, struct ragd_str body, struct codec_collection_put *out,
			    struct codec_err *err)
{
	struct codec_collection_put req = { .has_mode = false };
	json_t *root;
	int rc;

	if (codec_blank(body)) {
		*out = req;
		return 0;
	}
	rc = codec_parse(body, &root, err);
	if (rc < 0)
		return rc;
	rc = collection_decode(a, root, &req, err);
	json_decref(root);
	if (rc == 0)
		*out = req;
	return rc;
}
