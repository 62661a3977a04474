#include "engine/chat/chat.h"

#include <string.h>

#include "base/util.h"
#include "engine/chat/family.h"

/* Templates of real models have some 20 KB with all their tools; beyond this none is looked at. */
#define TEMPLATE_MAX 65536

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '-';
}

/* Whether the mark stands at the beginning of s. */
static bool str_begins(struct ragd_str s, const char *mark)
{
	size_t at = 0;

	for (; *mark != '\0'; mark++) {
		if (*mark == '~') {
			while (at < s.len && is_blank(s.s[at]))
				at++;
			continue;
		}
		if (*mark == '\n' && s.len - at >= 2 && memcmp(s.s + at, "\\n", 2) == 0)
			at++;
		else if (at == s.len || !(s.s[at] == *mark || (*mark == '\'' && s.s[at] == '"')))
			return false;
		at++;
	}
	return true;
}

static bool str_contains(struct ragd_str s, const char *mark)
{
	for (; s.len > 0; s.s++, s.len--)
		if (str_begins(s, mark))
			return true;
	return false;
}

static bool family_matches(const struct chat_family *f, struct ragd_str jinja)
{
	if (f->has[0] == NULL)
		return false;
	for (size_t i = 0; i < CHAT_MARKS && f->has[i] != NULL; i++)
		if (!str_contains(jinja, f->has[i]))
			return false;
	for (size_t i = 0; i < CHAT_MARKS && f->hasnt[i] != NULL; i++)
		if (str_contains(jinja, f->hasnt[i]))
			return false;
	return true;
}

const struct chat_family *chat_recognise(struct ragd_str jinja)
{
	if (jinja.len > TEMPLATE_MAX)
		return NULL;
	for (size_t i = 0; i < chat_n_families; i++)
		if (family_matches(&chat_families[i], jinja))
			return &chat_families[i];
	return NULL;
}

const struct chat_family *chat_family(const char *name)
{
	for (size_t i = 0; i < chat_n_families; i++)
		if (strcmp(chat_families[i].name, name) == 0)
			return &chat_families[i];
	return NULL;
}

const char *chat_family_name(const struct chat_family *f)
{
	return f->name;
}

const char *chat_family_list(size_t i)
{
	return i < chat_n_families ? chat_families[i].name : NULL;
}

/*
 * Messages with those of the system in front put into the user's that follows them, or made one of
 * the user's where none follows.
 */
static int merge_system(struct arena *arena, const struct ragd_message **messages, size_t *n)
{
	const struct ragd_message *m = *messages;
	size_t n_system = 0, n_merged, len = 0, at = 0;
	struct ragd_message *out;
	char *text;

	while (n_system < *n && m[n_system].role == RAGD_ROLE_SYSTEM)
		n_system++;
	if (n_system == 0)
		return 0;
	n_merged = n_system + (n_system < *n && m[n_system].role == RAGD_ROLE_USER);
	for (size_t i = 0; i < n_merged; i++)
		len += m[i].text.len + 2;
	text = arena_alloc(arena, len, 1);
	out = arena_alloc(arena, *n, sizeof(*out));
	if (text == NULL || out == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_merged; i++) {
		if (i > 0) {
			memcpy(text + at, "\n\n", 2);
			at += 2;
		}
		if (m[i].text.len > 0)
			memcpy(text + at, m[i].text.s, m[i].text.len);
		at += m[i].text.len;
	}
	out[0] = (struct ragd_message){ RAGD_ROLE_USER, { text, at } };
	memcpy(out + 1, m + n_merged, (*n - n_merged) * sizeof(*out));
	*messages = out;
	*n -= n_merged - 1;
	return 0;
}

/*
 * Neighbours that are the template's become one piece, so that no control token has a border in it.
 */
static int pieces_join(struct chat_out *o)
{
	size_t n = 0;

	for (size_t i = 0, next; i < o->n; i = next) {
		struct vocab_piece piece = o->pieces[i];
		size_t len = piece.text.len;

		for (next = i + 1; piece.own && next < o->n && o->pieces[next].own; next++)
			len += o->pieces[next].text.len;
		if (len > piece.text.len) {
			char *text = arena_alloc(o->arena, len, 1);
			size_t at = 0;

			if (text == NULL)
				return -ENOMEM;
			for (size_t j = i; j < next; j++) {
				memcpy(text + at, o->pieces[j].text.s, o->pieces[j].text.len);
				at += o->pieces[j].text.len;
			}
			piece.text = (struct ragd_str){ text, len };
		}
		o->pieces[n++] = piece;
	}
	o->n = n;
	return 0;
}

/*
 * Say of pieces how much of them lies in the first bytes of this text, where trimming has left
 * them.
 */
static void mark_configured(struct chat_out *o, const char *text, size_t n_configured)
{
	uintptr_t from = (uintptr_t)text, to = from + n_configured;

	for (size_t i = 0; i < o->n; i++) {
		struct vocab_piece *p = &o->pieces[i];
		uintptr_t at = (uintptr_t)p->text.s;

		if (!p->own && at >= from && at < to)
			p->n_configured = MIN(p->text.len, (size_t)(to - at));
	}
}

int chat_render(const struct chat_family *f, const struct chat_context *ctx,
		const struct ragd_message *messages, size_t n, struct arena *arena,
		const struct vocab_piece **pieces, size_t *n_pieces, struct ragd_err *err)
{
	struct chat_out o = { .ctx = ctx, .arena = arena, .err = err };
	size_t n_given = n, n_configured = n > 0 ? MIN(ctx->n_configured, messages[0].text.len) : 0;
	int rc = 0;

	if (ctx->merge_system && f->no_system)
		rc = merge_system(arena, &messages, &n);
	if (rc == 0)
		rc = f->render(f->form, &o, messages, n);
	if (rc == 0)
		rc = o.failed ? -ENOMEM : pieces_join(&o);
	if (rc == -ENOMEM)
		return ragd_err_set(err, rc, "render a conversation of %zu messages: out of memory",
				    n_given);
	if (rc < 0)
		return rc;
	if (n > 0)
		mark_configured(&o, messages[0].text.s, n_configured);
	*pieces = o.pieces;
	*n_pieces = o.n;
	return 0;
}
