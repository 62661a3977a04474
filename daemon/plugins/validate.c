#include "daemon/plugins/validate_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>

#include "base/text/utf8.h"

/* More than the memory of any request: no honest length is beyond it. */
#define RESULT_MAX ((size_t)256 << 20)
/* The kernel's numbers of errors end here. */
#define ERRNO_MAX 4095
/* What rounding may add to 1. */
#define ROUNDING 1e-3f

/*
 * What a filter makes of a text is at most so many times as long, and so much
 * more; what it says of it is short.
 */
#define GROWTH_MAX 4
#define SAID_MAX   ((size_t)64 << 10)

#define CATEGORY_MAX 128
#define RULE_MAX     512

/* ---- the checks ----------------------------------------------------------------------------- */

int returned_fault(const struct returned *r, enum plugin_fault kind, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	ragd_err_set(r->err, -EPROTO, "%s: %s returned %s", r->plugin, r->op, what);
	plugin_fault(r->plugin, kind, r->err->msg);
	return -EPROTO;
}

/* A plugin's sentence as one line of UTF-8; its own, or what the code says. */
static void sentence_clean(const struct returned *r, int rc)
{
	struct ragd_err *err = r->err;
	size_t len = strnlen(err->msg, sizeof(err->msg) - 1);

	err->msg[len] = '\0';
	err->code = rc;
	if (len == 0) {
		ragd_err_set(err, rc, "%s: %s: %s", r->plugin, r->op, strerror(-rc));
		return;
	}
	err->msg[utf8_whole(err->msg, len)] = '\0';
	for (char *c = err->msg; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (utf8_invalid_at(err->msg, strlen(err->msg)) >= 0)
		for (char *c = err->msg; *c != '\0'; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
}

int returned_code(const struct returned *r, int rc)
{
	if (rc == 0)
		return 0;
	if (rc > 0 || rc < -ERRNO_MAX)
		return returned_fault(r, PLUGIN_FAULT_CODE,
				      "%d, which is neither 0 nor a negative errno", rc);
	sentence_clean(r, rc);
	return rc;
}

int validate_rc(const char *plugin, const char *op, int rc, struct ragd_err *err)
{
	return returned_code(&(struct returned){ plugin, op, err }, rc);
}

int returned_array(const struct returned *r, const char *what, const void *v, size_t n, size_t size)
{
	if (n > RESULT_MAX / size)
		return returned_fault(r, PLUGIN_FAULT_LENGTH,
				      "%s of %zu, more than a request has memory for", what, n);
	if (n > 0 && v == NULL)
		return returned_fault(r, PLUGIN_FAULT_POINTER, "%s of %zu and no pointer to them",
				      what, n);
	return 0;
}

int returned_text(const struct returned *r, const char *what, struct ragd_str s)
{
	int rc = returned_array(r, what, s.s, s.len, 1);

	if (rc == 0 && s.len > 0 && utf8_invalid_at(s.s, s.len) >= 0)
		rc = returned_fault(r, PLUGIN_FAULT_TEXT, "%s that is not UTF-8", what);
	return rc;
}

int returned_string(const struct returned *r, const char *what, const char *s, size_t max)
{
	size_t len;

	if (s == NULL)
		return returned_fault(r, PLUGIN_FAULT_POINTER, "%s that is not there", what);
	len = strnlen(s, max + 1);
	if (len > max)
		return returned_fault(r, PLUGIN_FAULT_NAME, "%s that does not end within %zu bytes",
				      what, max);
	return returned_text(r, what, (struct ragd_str){ s, len });
}

int returned_name(const struct returned *r, const char *what, const char *s, size_t max)
{
	int rc = returned_string(r, what, s, max);
	size_t at = 0, len;
	uint32_t cp;

	if (rc < 0)
		return rc;
	len = strlen(s);
	if (len == 0)
		return returned_fault(r, PLUGIN_FAULT_NAME, "an empty %s", what);
	while (at < len) {
		at += utf8_next(s + at, len - at, &cp);
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			return returned_fault(r, PLUGIN_FAULT_NAME, "%s with control characters",
					      what);
	}
	return 0;
}

int returned_share(const struct returned *r, const char *what, float x)
{
	if (isfinite(x) && x >= -ROUNDING && x <= 1 + ROUNDING)
		return 0;
	return returned_fault(r, PLUGIN_FAULT_NUMBER, "%s of %g, which is not in 0 .. 1", what,
			      (double)x);
}

/* ---- safety --------------------------------------------------------------------------------- */

static bool action_known(enum ragd_action action)
{
	return (unsigned)action <= RAGD_BLOCK;
}

static int action_wrong(const struct returned *r, const char *what, enum ragd_action action)
{
	return returned_fault(r, PLUGIN_FAULT_ACTION, "%s %d, which does not exist", what,
			      (int)action);
}

/* A note or a message. */
static int said_check(const struct returned *r, const char *what, struct ragd_str s)
{
	if (s.len > SAID_MAX)
		return returned_fault(r, PLUGIN_FAULT_LENGTH, "%s of %zu bytes, more than %zu",
				      what, s.len, SAID_MAX);
	return returned_text(r, what, s);
}

/* Before anything looks into it: n bytes in place of n_input. */
static int growth_check(const struct returned *r, size_t n, size_t n_input)
{
	if (n <= SAID_MAX + GROWTH_MAX * n_input)
		return 0;
	return returned_fault(r, PLUGIN_FAULT_LENGTH, "%zu bytes of text in place of %zu", n,
			      n_input);
}

/* n_input: bytes that the spans may lie in. */
static int findings_check(const struct returned *r, const struct ragd_finding *f, size_t n,
			  size_t n_input)
{
	int rc = returned_array(r, "findings", f, n, sizeof(*f));

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (!action_known(f[i].action))
			return action_wrong(r, "a finding of action", f[i].action);
		rc = returned_name(r, "a finding's category", f[i].category, CATEGORY_MAX);
		if (rc == 0 && f[i].rule != NULL)
			rc = returned_name(r, "a finding's rule", f[i].rule, RULE_MAX);
		if (rc == 0)
			rc = returned_share(r, "a finding's score", f[i].score);
		if (rc == 0 && (f[i].start > f[i].end || f[i].end > n_input))
			rc = returned_fault(r, PLUGIN_FAULT_SPAN,
					    "a finding at bytes %zu to %zu of %zu", f[i].start,
					    f[i].end, n_input);
	}
	return rc;
}

int validate_verdict(const char *plugin, int rc, const struct ragd_screen *screen,
		     const struct ragd_verdict *v, struct ragd_err *err)
{
	const struct returned r = { plugin, "check", err };

	rc = returned_code(&r, rc);
	if (rc < 0)
		return rc;
	if (!action_known(v->action))
		return action_wrong(&r, "action", v->action);
	rc = findings_check(&r, v->findings, v->n_findings, screen->text.len);
	if (rc == 0)
		rc = said_check(&r, "a note", v->note);
	if (rc == 0)
		rc = said_check(&r, "a message", v->message);
	if (rc < 0 || v->action != RAGD_REDACT)
		return rc;
	if (v->text.s == NULL && screen->text.len > 0)
		return returned_fault(&r, PLUGIN_FAULT_POINTER,
				      "no text in place of a redacted one");
	rc = growth_check(&r, v->text.len, screen->text.len);
	return rc < 0 ? rc : returned_text(&r, "a redacted text", v->text);
}

/* Is `at` where a character begins, or the end. */
static bool between_characters(struct ragd_str s, size_t at)
{
	return at == s.len || (at < s.len && ((unsigned char)s.s[at] & 0xc0) != 0x80);
}

static int cites_check(const struct returned *r, const struct ragd_release *out,
		       const struct ragd_screen *screen)
{
	int rc = returned_array(r, "cites", out->cites, out->n_cites, sizeof(*out->cites));
	size_t before = 0;

	for (size_t i = 0; rc == 0 && i < out->n_cites; i++) {
		const struct ragd_cite *c = &out->cites[i];
		struct ragd_str text;

		if (c->at < before || !between_characters(out->text, c->at))
			return returned_fault(r, PLUGIN_FAULT_CITE,
					      "a cite at byte %zu of %zu, after one at %zu", c->at,
					      out->text.len, before);
		before = c->at;
		if (c->passage >= screen->n_passages)
			return returned_fault(r, PLUGIN_FAULT_CITE, "a cite of passage %u of %zu",
					      (unsigned)c->passage, screen->n_passages);
		text = screen->passages[c->passage].text;
		if (c->start > c->end || !between_characters(text, c->start) ||
		    !between_characters(text, c->end))
			return returned_fault(r, PLUGIN_FAULT_CITE,
					      "a cite of bytes %u to %u of a passage of %zu",
					      (unsigned)c->start, (unsigned)c->end, text.len);
		rc = returned_share(r, "a cite's score", c->score);
	}
	return rc;
}

/* Put what the piece before cut in front of this one; the cites move along. */
static int tail_join(const struct returned *r, const struct ragd_call *call,
		     struct validate_tail *tail, struct ragd_release *out)
{
	struct ragd_cite *cites;
	char *text;

	if (tail->n == 0)
		return 0;
	text = call->alloc(call, tail->n + out->text.len, 1);
	cites = call->alloc(call, out->n_cites, sizeof(*cites));
	if (text == NULL || cites == NULL)
		return ragd_err_set(r->err, -ENOMEM, "%s: out of memory", r->plugin);
	memcpy(text, tail->byte, tail->n);
	if (out->text.len > 0)
		memcpy(text + tail->n, out->text.s, out->text.len);
	for (size_t i = 0; i < out->n_cites; i++) {
		cites[i] = out->cites[i];
		if (__builtin_add_overflow(cites[i].at, tail->n, &cites[i].at))
			cites[i].at = SIZE_MAX;
	}
	out->text = (struct ragd_str){ text, tail->n + out->text.len };
	out->cites = cites;
	tail->n = 0;
	return 0;
}

/* Keep the beginning of a character that the piece ends in. */
static void tail_cut(struct validate_tail *tail, struct ragd_str *text)
{
	size_t whole = text->len > 0 ? utf8_whole(text->s, text->len) : 0;

	tail->n = text->len - whole;
	if (tail->n > 0)
		memcpy(tail->byte, text->s + whole, tail->n);
	text->len = whole;
}

int validate_release(const char *plugin, int rc, const struct ragd_screen *screen,
		     const struct ragd_call *call, size_t n_fed, bool last,
		     struct validate_tail *tail, struct ragd_release *out, struct ragd_err *err)
{
	const struct returned r = { plugin, "stream_feed", err };

	rc = returned_code(&r, rc);
	if (rc < 0)
		return rc;
	if (!action_known(out->action))
		return action_wrong(&r, "action", out->action);
	rc = returned_array(&r, "text", out->text.s, out->text.len, 1);
	if (rc == 0)
		rc = growth_check(&r, tail->n_out + out->text.len, n_fed);
	if (rc == 0) {
		tail->n_out += out->text.len;
		rc = returned_array(&r, "cites", out->cites, out->n_cites, sizeof(*out->cites));
	}
	if (rc == 0)
		rc = tail_join(&r, call, tail, out);
	if (rc < 0)
		return rc;
	if (!last && out->action != RAGD_BLOCK)
		tail_cut(tail, &out->text);
	rc = returned_text(&r, "text", out->text);
	if (rc == 0)
		rc = findings_check(&r, out->findings, out->n_findings, n_fed);
	if (rc == 0)
		rc = cites_check(&r, out, screen);
	if (rc == 0)
		rc = said_check(&r, "a message", out->message);
	return rc;
}
