#include "daemon/flow/inspect.h"

#include <string.h>

#include "base/text/utf8.h"

/* A passage as it is read: its parts, one below the other. */
enum part { TITLE, HEADING, TEXT, N_PARTS };

/* The parts joined by line breaks; an empty one has none. */
struct joined {
	struct ragd_str text;
	size_t at[N_PARTS]; /* where each begins */
};

static bool breaks_line(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029;
}

/*
 * A title that breaks the line could pass for another part of the
 * prompt. {NULL, 0}: out of memory.
 */
static struct ragd_str one_line(struct arena *arena, struct ragd_str s)
{
	size_t at = 0, len = 0;
	char *out = NULL;
	uint32_t cp;

	while (at < s.len) {
		size_t n = utf8_next(s.s + at, s.len - at, &cp);

		if (breaks_line(cp) && out == NULL) {
			out = arena_alloc(arena, s.len, 1);
			if (out == NULL)
				return (struct ragd_str){ NULL, 0 };
			memcpy(out, s.s, at);
			len = at;
		}
		if (out != NULL && breaks_line(cp)) {
			out[len++] = ' ';
		} else if (out != NULL) {
			memcpy(out + len, s.s + at, n);
			len += n;
		}
		at += n;
	}
	return out != NULL ? (struct ragd_str){ out, len } : s;
}

/* text.s NULL, but for three empty parts: out of memory. */
static struct joined parts_join(struct arena *arena, const struct ragd_str part[N_PARTS])
{
	struct joined j = { .text = part[TEXT] };
	size_t len = 0;
	char *s;

	if (part[TITLE].len == 0 && part[HEADING].len == 0)
		return j;
	s = arena_alloc(arena, part[TITLE].len + part[HEADING].len + part[TEXT].len + 2, 1);
	j.text = (struct ragd_str){ s, 0 };
	for (int i = 0; s != NULL && i < N_PARTS; i++) {
		if (len > 0 && part[i].len > 0)
			s[len++] = '\n';
		j.at[i] = len;
		if (part[i].len > 0)
			memcpy(s + len, part[i].s, part[i].len);
		len += part[i].len;
	}
	j.text.len = s != NULL ? len : 0;
	return j;
}

static struct filters_verdict text_check(const struct inspect *in, struct ragd_str text,
					 struct findings *findings)
{
	struct ragd_screen screen = {
		.size = sizeof(screen),
		.stage = RAGD_STAGE_DOCUMENT,
		.text = text,
		.question = in->question,
	};
	struct filters_verdict v;

	filters_check(in->filters, in->call, &screen, findings, &v);
	return v;
}

static bool verdict_passes(const struct filters_verdict *v)
{
	return v->action <= RAGD_STEER;
}

/* What holds goes on record. */
static void verdict_record(const struct inspect *in, const struct filters_verdict *v,
			   const struct findings *findings)
{
	if (v != NULL)
		notes_add(in->notes, in->call->arena, v->note);
	for (size_t i = 0; i < findings->n; i++)
		findings_add(in->findings, &findings->v[i]);
}

/*
 * If all that differs between the joined parts and what the filters made of them lies within one
 * part, that part is what the filters made of it, and the others are as they were.
 */
static bool parts_put_back(const struct joined *j, struct ragd_str now,
			   struct ragd_str part[N_PARTS])
{
	struct ragd_str was = j->text;
	size_t least = was.len < now.len ? was.len : now.len, head = 0, tail = 0;

	while (head < least && was.s[head] == now.s[head])
		head++;
	while (tail < least - head && was.s[was.len - 1 - tail] == now.s[now.len - 1 - tail])
		tail++;
	for (int i = 0; i < N_PARTS; i++) {
		size_t after = was.len - j->at[i] - part[i].len;

		if (part[i].len > 0 && head >= j->at[i] && tail >= after) {
			part[i] = (struct ragd_str){ now.s + j->at[i], now.len - j->at[i] - after };
			return true;
		}
	}
	return false;
}

/* The parts together. True if they may stay, or what was changed could be put back. */
static bool joined_check(const struct inspect *in, struct ragd_str part[N_PARTS], bool record)
{
	struct joined j = parts_join(in->call->arena, part);
	struct findings findings = { .arena = in->call->arena };
	struct filters_verdict v;
	bool ok;

	if (j.text.s == NULL)
		return part[TEXT].len == 0 && part[TITLE].len == 0 && part[HEADING].len == 0;
	v = text_check(in, j.text, &findings);
	ok = verdict_passes(&v) || (v.action == RAGD_REDACT && parts_put_back(&j, v.text, part));
	if (ok || record)
		verdict_record(in, ok ? &v : NULL, &findings);
	return ok;
}

/* One part by itself; false if it may not stay in any form. */
static bool part_check(const struct inspect *in, struct ragd_str *part)
{
	struct findings findings = { .arena = in->call->arena };
	struct filters_verdict v;

	if (part->len == 0)
		return true;
	v = text_check(in, *part, &findings);
	verdict_record(in, v.action != RAGD_BLOCK ? &v : NULL, &findings);
	if (v.action == RAGD_BLOCK)
		return false;
	*part = v.text;
	return true;
}

/* The document's id, if it may be shown as it is. */
static struct ragd_str clean_id(const struct inspect *in, const char *id)
{
	struct findings unused = { .arena = in->call->arena };
	struct ragd_str s = { id, strlen(id) };
	struct filters_verdict v = text_check(in, s, &unused);

	return verdict_passes(&v) ? s : (struct ragd_str){ NULL, 0 };
}

/*
 * More than one part is concerned, or the whole is refused: filter each by itself, then all
 * together again. What is still wrong then stands across them, so parts are taken away until it
 * is gone; the text, which passed by itself, goes last.
 */
static bool parts_check(const struct inspect *in, const char *id, struct ragd_str part[N_PARTS])
{
	const struct ragd_str none = { NULL, 0 };
	bool tried = false;

	if (!part_check(in, &part[TEXT]))
		return false;
	if (!part_check(in, &part[HEADING]))
		part[HEADING] = none;
	if (!part_check(in, &part[TITLE])) {
		part[TITLE] = clean_id(in, id);
		tried = true;
	}
	if (joined_check(in, part, true))
		return true;
	part[HEADING] = none;
	if (joined_check(in, part, false))
		return true;
	part[TITLE] = tried ? none : clean_id(in, id);
	if (part[TITLE].len > 0 && !joined_check(in, part, false))
		part[TITLE] = none;
	return true;
}

bool inspect_passage(const struct inspect *in, const char *id, struct ragd_passage *p)
{
	struct ragd_str part[N_PARTS] = {
		[TITLE] = one_line(in->call->arena, p->title),
		[HEADING] = one_line(in->call->arena, p->heading),
		[TEXT] = p->text,
	};

	if (!joined_check(in, part, false) && !parts_check(in, id, part))
		return false;
	/* A marker may be of several lines. */
	p->title = one_line(in->call->arena, part[TITLE]);
	p->heading = one_line(in->call->arena, part[HEADING]);
	p->text = part[TEXT];
	return true;
}
