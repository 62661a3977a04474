/* What renderers write: pieces in order, with the tokens of the model put in, and trimming. */
#include "engine/chat/family.h"

#include <string.h>

#include "base/text/utf8.h"

static void piece_add(struct chat_out *o, struct ragd_str text, bool own)
{
	if (text.len == 0 || o->failed)
		return;
	if (o->n == o->cap) {
		size_t cap = o->cap > 0 ? 2 * o->cap : 32;
		struct vocab_piece *p = arena_alloc(o->arena, cap, sizeof(*p));

		if (p == NULL) {
			o->failed = true;
			return;
		}
		if (o->n > 0)
			memcpy(p, o->pieces, o->n * sizeof(*p));
		o->pieces = p;
		o->cap = cap;
	}
	o->pieces[o->n++] = (struct vocab_piece){ .text = text, .own = own };
}

void chat_text(struct chat_out *o, struct ragd_str text)
{
	piece_add(o, text, false);
}

void chat_own(struct chat_out *o, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, BOS EOS);

		piece_add(o, (struct ragd_str){ text, len }, true);
		text += len;
		if (*text == BOS[0] && !(o->ctx->bos_is_added && o->n == 0))
			piece_add(o, o->ctx->bos, true);
		else if (*text == EOS[0])
			piece_add(o, o->ctx->eos, true);
		text += *text != '\0';
	}
}

/* What str.strip() of Python takes off, which is what templates mean by trim. */
static bool is_space(uint32_t cp)
{
	return (cp >= 0x09 && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x20) || cp == 0x85 ||
	       cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
	       cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static struct ragd_str trim_left(struct ragd_str s)
{
	while (s.len > 0) {
		uint32_t cp;
		size_t n = utf8_next(s.s, s.len, &cp);

		if (!is_space(cp))
			break;
		s.s += n;
		s.len -= n;
	}
	return s;
}

static struct ragd_str trim_right(struct ragd_str s)
{
	while (s.len > 0) {
		size_t n = 1;
		uint32_t cp;

		while (n < 4 && n < s.len && ((unsigned char)s.s[s.len - n] & 0xc0) == 0x80)
			n++;
		if (utf8_next(s.s + s.len - n, n, &cp) != n || !is_space(cp))
			break;
		s.len -= n;
	}
	return s;
}

struct ragd_str chat_trimmed(struct ragd_str s)
{
	return trim_right(trim_left(s));
}

void chat_trim_from(struct chat_out *o, size_t first)
{
	size_t at = first;

	while (at < o->n) {
		o->pieces[at].text = trim_left(o->pieces[at].text);
		if (o->pieces[at].text.len > 0)
			break;
		at++;
	}
	while (o->n > at) {
		struct ragd_str *text = &o->pieces[o->n - 1].text;

		*text = trim_right(*text);
		if (text->len > 0)
			break;
		o->n--;
	}
	if (at == first || o->failed)
		return;
	memmove(o->pieces + first, o->pieces + at, (o->n - at) * sizeof(*o->pieces));
	o->n -= at - first;
}

int chat_alternate(const struct chat_out *o, const struct ragd_message *m, size_t n,
		   const char *complaint)
{
	for (size_t i = 0; i < n; i++)
		if (m[i].role != (i % 2 == 0 ? RAGD_ROLE_USER : RAGD_ROLE_ASSISTANT))
			return ragd_err_set(o->err, -EINVAL, "%s", complaint);
	return 0;
}

int chat_not_empty(const struct chat_out *o, size_t n)
{
	if (n == 0)
		return ragd_err_set(o->err, -EINVAL, "the conversation has no messages");
	return 0;
}

int chat_system_apart(const struct chat_out *o, const struct ragd_message **m, size_t *n,
		      const char *complaint, const struct ragd_message **system)
{
	int rc = chat_not_empty(o, *n);

	*system = NULL;
	if (rc < 0)
		return rc;
	if ((*m)[0].role == RAGD_ROLE_SYSTEM) {
		*system = (*m)++;
		--*n;
	}
	return chat_alternate(o, *m, *n, complaint);
}
