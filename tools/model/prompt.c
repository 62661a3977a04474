#include "tools/model/prompt.h"

#include <string.h>
#include <time.h>

#include "engine/chat/chat.h"

#define ARENA_MAX ((size_t)64 << 20)

/* What the vocabulary put behind the text: an answer is to follow, no end. */
static void drop_end(const struct loaded *l, struct tokens *t)
{
	struct tokens ends = { .ids = NULL };
	int32_t bos;
	size_t n_bos = load_bos(l, &bos), n;

	if (vocab_encode(l->vocab, (struct ragd_str){ NULL, 0 }, VOCAB_ENDS, &ends, NULL) == 0 &&
	    ends.n > n_bos) {
		n = ends.n - n_bos;
		if (t->n >= n + n_bos &&
		    memcmp(t->ids + t->n - n, ends.ids + n_bos, n * sizeof(*t->ids)) == 0)
			t->n -= n;
	}
	tokens_fini(&ends);
}

int prompt_text(const struct loaded *l, struct ragd_str text, bool special, struct tokens *out,
		struct ragd_err *err)
{
	int rc = vocab_encode(l->vocab, text, VOCAB_ENDS | (special ? VOCAB_SPECIAL : 0), out, err);

	if (rc == 0)
		drop_end(l, out);
	return rc;
}

static struct ragd_str token_text(const struct vocab *v, int32_t id)
{
	return id != TOKEN_NONE ? vocab_text(v, id) : (struct ragd_str){ NULL, 0 };
}

static int find_family(const struct loaded *l, const struct chat_family **out, struct ragd_err *err)
{
	struct ragd_str jinja;

	if (!gguf_str(l->gguf, "tokenizer.chat_template", &jinja) || jinja.len == 0)
		return ragd_err_set(err, -ENOTSUP,
				    "--chat: the file has no chat template; ask without --chat");
	*out = chat_recognise(jinja);
	if (*out == NULL)
		return ragd_err_set(err, -ENOTSUP, "--chat: the file's chat template is not known");
	return 0;
}

int prompt_chat(const struct loaded *l, const char *system, struct ragd_str question,
		struct tokens *out, struct ragd_err *err)
{
	struct ragd_message messages[2];
	struct chat_context ctx = { .generation_prompt = true, .merge_system = true };
	const struct chat_family *family;
	const struct vocab_piece *pieces;
	size_t n = 0, n_pieces;
	struct arena *arena;
	time_t now = time(NULL);
	struct tm tm;
	char date[32];
	int32_t bos;
	int rc;

	rc = find_family(l, &family, err);
	if (rc < 0)
		return rc;
	if (system != NULL)
		messages[n++] =
			(struct ragd_message){ RAGD_ROLE_SYSTEM, { system, strlen(system) } };
	messages[n++] = (struct ragd_message){ RAGD_ROLE_USER, question };
	ctx.bos = token_text(l->vocab, vocab_bos(l->vocab));
	ctx.eos = token_text(l->vocab, vocab_eos(l->vocab));
	ctx.bos_is_added = load_bos(l, &bos) > 0;
	if (localtime_r(&now, &tm) != NULL && strftime(date, sizeof(date), "%d %b %Y", &tm) > 0)
		ctx.date = date;
	arena = arena_new(ARENA_MAX);
	if (arena == NULL)
		return ragd_err_set(err, -ENOMEM, "--chat: out of memory");
	rc = chat_render(family, &ctx, messages, n, arena, &pieces, &n_pieces, err);
	if (rc == 0)
		rc = vocab_encode_pieces(l->vocab, pieces, n_pieces,
					 ctx.bos_is_added ? VOCAB_ENDS : 0, out, err);
	if (rc == 0 && ctx.bos_is_added)
		drop_end(l, out);
	arena_free(arena);
	return rc;
}
