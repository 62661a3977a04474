#include "daemon/flow/filters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/flow/failures.h"
#include "daemon/plugins/validate.h"

/* One filter's part of a stream. */
struct stage {
	const struct plugin *plugin;
	const bool *lost; /* of the filters: it is not to be called any more */
	void *stream;     /* NULL: it has no streaming form, or failed to open and is left out */
	bool whole;       /* no streaming form: held text is checked at the end */
	bool skip;        /* failed open: passes everything through */
	struct buf held;  /* the text it was given so far */
	bool holds_piece; /* the piece under way is in held */
	size_t n_out;     /* bytes of held that it let out as they were */
	bool changed;     /* it let out others: what it still holds is not known */
	size_t n_fed;     /* bytes it was given */
	struct validate_tail tail;
};

struct filters_stream {
	const struct filters *filters;
	struct ragd_screen screen;
	struct findings *findings;
	struct ragd_str failure; /* set when a filter failed to open and fails closed */
	size_t n_opened;         /* of the filters */
	size_t n;
	struct stage stage[CONFIG_FILTERS_MAX];

	/* The piece under way: how far it has come. */
	bool feeding;
	bool last;
	size_t at; /* stage */
	struct filters_release out;
};

static const struct ragd_safety_ops *ops_of(const struct plugin *p)
{
	return p->descriptor->ops.safety;
}

static bool plugin_grounds(const struct plugin *p)
{
	return (ops_of(p)->traits & RAGD_SAFETY_GROUNDS) != 0;
}

int filters_init(struct filters *f, const struct config_policy *policy,
		 const struct plugin_set *set, struct ragd_err *err)
{
	*f = (struct filters){ .policy = policy };
	/* Two rounds, so that what cites evidence sees the text as it will leave. */
	for (int round = 0; round < 2; round++) {
		for (const char *const *name = policy->filters; *name != NULL; name++) {
			const struct plugin *p = plugin_set_find(set, RAGD_KIND_SAFETY, *name);

			if (p == NULL)
				return ragd_err_set(err, -ENOENT,
						    "policy '%s': no safety plugin '%s'",
						    policy->name, *name);
			if (plugin_grounds(p) != (round == 1))
				continue;
			assert(f->n < CONFIG_FILTERS_MAX); /* config_validate() saw to it */
			f->plugin[f->n++] = p;
		}
	}
	return 0;
}

static void findings_from(struct findings *list, enum ragd_stage stage, const struct plugin *p,
			  const struct ragd_finding *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct finding f = {
			.stage = stage,
			.action = from[i].action,
			.plugin = p->name,
			.category = from[i].category,
			.rule = from[i].rule,
			.score = from[i].score,
		};

		findings_add(list, &f);
	}
}

/* A filter did not do its work: a finding, and the verdict its configuration asks for. */
static enum ragd_action filter_failed(struct findings *list, enum ragd_stage stage,
				      const struct plugin *p, const struct ragd_err *err)
{
	struct finding f = {
		.stage = stage,
		.action = p->on_failure == CONFIG_OPEN ? RAGD_ALLOW : RAGD_BLOCK,
		.plugin = p->name,
		.category = "filter_failure",
		.rule = err->msg[0] != '\0' ? err->msg : NULL,
		.score = 1,
		.failure = true,
	};

	findings_add(list, &f);
	failures_tell(p, stage, err);
	return f.action;
}

/* Zero, or the filter's failure: its own, or that it overran its deadline. */
static int deadline_check(int rc, const struct call *call, const struct plugin *p,
			  struct ragd_err *err)
{
	if (rc < 0)
		return rc;
	if (call->base.deadline_ms != 0 && clock_ms() > call->base.deadline_ms)
		return ragd_err_set(err, -ETIMEDOUT, "%s: took longer than its deadline of %lld ms",
				    p->name, (long long)p->deadline_ms);
	return 0;
}

static int lost_fail(const struct plugin *p, struct ragd_err *err)
{
	return ragd_err_set(err, -ETIMEDOUT, "%s: did not return within its deadline of %lld ms",
			    p->name, (long long)p->deadline_ms);
}

void filters_lose(struct filters *f, const struct plugin *p)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->plugin[i] == p)
			f->lost[i] = true;
}

static struct ragd_str or_refusal(struct ragd_str message, const struct filters *f)
{
	if (message.len > 0)
		return message;
	return (struct ragd_str){ f->policy->refusal, strlen(f->policy->refusal) };
}

/* What a call that was given up returns is not looked at: then call_leave does not return. */
static int plugin_check(const struct plugin *p, struct call *call, const struct ragd_screen *screen,
			struct ragd_verdict *out, struct ragd_err *err)
{
	int rc = call_enter(call, p, "check", err);

	if (rc < 0)
		return rc;
	rc = ops_of(p)->check(p->self, &call->base, screen, out, err);
	call_leave(call);
	rc = validate_verdict(p->name, rc, screen, out, err);
	return deadline_check(rc, call, p, err);
}

void filters_check(const struct filters *f, struct call *call, const struct ragd_screen *screen,
		   struct findings *list, struct filters_verdict *out)
{
	struct ragd_screen at = *screen;
	int64_t latest_ms = call->base.deadline_ms;
	struct notes notes = { 0 };

	list->n_before = list->n;
	*out = (struct filters_verdict){ .action = RAGD_ALLOW, .text = screen->text };
	for (size_t i = 0; i < f->n && out->action != RAGD_BLOCK; i++) {
		const struct plugin *p = f->plugin[i];
		struct ragd_verdict v = { .size = sizeof(v) };
		struct ragd_err err = { 0 };
		int rc;

		if ((ops_of(p)->stages & 1u << screen->stage) == 0)
			continue;
		at.text = out->text;
		call_deadline(call, p->deadline_ms, latest_ms);
		rc = f->lost[i] ? lost_fail(p, &err) : plugin_check(p, call, &at, &v, &err);
		if (rc < 0) {
			out->action = action_max(out->action,
						 filter_failed(list, screen->stage, p, &err));
			continue;
		}
		findings_from(list, screen->stage, p, v.findings, v.n_findings);
		for (size_t j = 0; j < v.n_findings; j++)
			out->score = MAX(out->score, v.findings[j].score);
		out->action = action_max(out->action, v.action);
		if (v.action == RAGD_REDACT)
			out->text = v.text;
		notes_add(&notes, call->arena, v.note);
		out->message = v.message;
	}
	out->note = notes_str(&notes);
	if (out->action == RAGD_BLOCK)
		out->message = or_refusal(out->message, f);
	call->base.deadline_ms = latest_ms;
}

struct ragd_str filters_quote(const struct filters *f, struct call *call, struct ragd_str text)
{
	struct filters without = { .policy = f->policy };
	struct findings none = { .arena = call->arena };
	/* It is evidence itself, also for the links in it. */
	const struct ragd_passage passage = { .text = text };
	struct ragd_screen screen = {
		.size = sizeof(screen),
		.stage = RAGD_STAGE_RESPONSE,
		.text = text,
		.passages = &passage,
		.n_passages = 1,
	};
	struct filters_verdict v;

	if (text.len == 0)
		return text;
	/* What grounds has no opinion on it. */
	for (size_t i = 0; i < f->n; i++)
		if (!plugin_grounds(f->plugin[i])) {
			without.lost[without.n] = f->lost[i];
			without.plugin[without.n++] = f->plugin[i];
		}
	filters_check(&without, call, &screen, &none, &v);
	return v.action == RAGD_BLOCK ? (struct ragd_str){ NULL, 0 } : v.text;
}

static void stage_open(struct filters_stream *s, struct stage *st, struct call *call)
{
	const struct ragd_safety_ops *ops = ops_of(st->plugin);
	int64_t latest_ms = call->base.deadline_ms;
	struct ragd_err err = { 0 };
	void *stream = NULL;
	int rc;

	if (ops->stream_open == NULL) {
		st->whole = true;
		return;
	}
	call_deadline(call, st->plugin->deadline_ms, latest_ms);
	rc = *st->lost ? lost_fail(st->plugin, &err)
		       : call_enter(call, st->plugin, "stream_open", &err);
	if (rc == 0) {
		rc = ops->stream_open(st->plugin->self, &call->base, &s->screen, &stream, &err);
		if (rc == 0) /* also if it comes too late: it is closed with the others */
			st->stream = stream;
		call_leave(call);
		rc = validate_rc(st->plugin->name, "stream_open", rc, &err);
	}
	call->base.deadline_ms = latest_ms;
	if (rc == 0)
		return;
	st->skip = true;
	if (filter_failed(s->findings, RAGD_STAGE_RESPONSE, st->plugin, &err) == RAGD_BLOCK)
		s->failure = or_refusal((struct ragd_str){ NULL, 0 }, s->filters);
}

int filters_stream_open(const struct filters *f, struct call *call,
			const struct ragd_screen *screen, struct findings *list,
			struct filters_stream **out)
{
	struct filters_stream *s = *out;

	if (s == NULL) {
		s = *out = calloc(1, sizeof(*s));
		if (s == NULL)
			return -ENOMEM;
		s->filters = f;
		s->screen = *screen;
		s->screen.stage = RAGD_STAGE_RESPONSE;
		s->findings = list;
	}
	for (; s->n_opened < f->n; s->n_opened++) {
		struct stage *st = &s->stage[s->n];

		if ((ops_of(f->plugin[s->n_opened])->stages & 1u << RAGD_STAGE_RESPONSE) == 0)
			continue;
		if (st->plugin == NULL) { /* else a lost call may be reading it */
			st->plugin = f->plugin[s->n_opened];
			st->lost = &f->lost[s->n_opened];
		}
		stage_open(s, st, call);
		s->n++;
	}
	return 0;
}

/* A filter without a streaming form: everything is held, and checked at the end. */
static int stage_whole(struct filters_stream *s, struct stage *st, struct call *call, bool last,
		       struct ragd_release *out, struct ragd_err *err)
{
	struct ragd_screen screen = s->screen;
	struct ragd_verdict v = { .size = sizeof(v) };
	int rc;

	if (buf_failed(&st->held))
		return ragd_err_set(err, -ENOMEM, "%s: out of memory", st->plugin->name);
	if (!last)
		return 0;
	screen.text = buf_str(&st->held);
	rc = plugin_check(st->plugin, call, &screen, &v, err);
	if (rc < 0)
		return rc;
	out->action = v.action;
	out->findings = v.findings;
	out->n_findings = v.n_findings;
	out->message = v.message;
	if (v.action != RAGD_BLOCK)
		out->text = v.action == RAGD_REDACT ? v.text : screen.text;
	return 0;
}

static int stage_piece(struct filters_stream *s, struct stage *st, struct call *call,
		       struct ragd_str piece, bool last, struct ragd_release *out,
		       struct ragd_err *err)
{
	const struct plugin *p = st->plugin;
	int rc = call_enter(call, p, "stream_feed", err);

	if (rc < 0)
		return rc;
	rc = ops_of(p)->stream_feed(st->stream, &call->base, piece.s, piece.len, last, out, err);
	call_leave(call);
	st->n_fed += piece.len;
	rc = validate_release(p->name, rc, &s->screen, &call->base, st->n_fed, last, &st->tail, out,
			      err);
	return deadline_check(rc, call, p, err);
}

static void note_out(struct stage *st, struct ragd_str text)
{
	size_t left = st->held.len - st->n_out;

	st->changed |= buf_failed(&st->held) || text.len > left ||
		       (text.len > 0 && memcmp(st->held.data + st->n_out, text.s, text.len) != 0);
	if (!st->changed)
		st->n_out += text.len;
}

/* What it was given and did not let out, the piece under way included. */
static struct ragd_str still_held(const struct stage *st, struct ragd_str piece)
{
	if (st->changed || buf_failed(&st->held) || st->held.len == 0)
		return piece;
	return (struct ragd_str){ st->held.data + st->n_out, st->held.len - st->n_out };
}

/* Run one piece through one filter; a failure is either a block or what it holds, unchanged. */
static void stage_feed(struct filters_stream *s, struct stage *st, struct call *call,
		       struct ragd_str piece, bool last, struct ragd_release *out)
{
	int64_t latest_ms = call->base.deadline_ms;
	struct ragd_err err = { 0 };
	int rc;

	*out = (struct ragd_release){ .size = sizeof(*out), .action = RAGD_ALLOW };
	if (st->skip) {
		out->text = piece;
		return;
	}
	if (!st->holds_piece)
		buf_add(&st->held, piece.s, piece.len);
	st->holds_piece = true;
	call_deadline(call, st->plugin->deadline_ms, latest_ms);
	rc = *st->lost   ? lost_fail(st->plugin, &err)
	     : st->whole ? stage_whole(s, st, call, last, out, &err)
			 : stage_piece(s, st, call, piece, last, out, &err);
	call->base.deadline_ms = latest_ms;
	st->holds_piece = false;
	if (rc == 0) {
		note_out(st, out->text);
		return;
	}
	*out = (struct ragd_release){ .action = filter_failed(s->findings, RAGD_STAGE_RESPONSE,
							      st->plugin, &err) };
	st->skip = true;
	if (out->action != RAGD_BLOCK)
		out->text = still_held(st, piece);
}

static unsigned count_unsupported(const struct ragd_release *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_findings; i++)
		n += strcmp(r->findings[i].category, "unsupported") == 0;
	return n;
}

/* The piece under way through the rest of the filters. */
static void stream_feed(struct filters_stream *s, struct call *call)
{
	struct filters_release *out = &s->out;

	for (; s->at < s->n; s->at++) {
		struct stage *st = &s->stage[s->at];
		struct ragd_release r = { .size = sizeof(r) };
		bool blocked;

		if (out->text.len == 0 && !s->last)
			break;
		stage_feed(s, st, call, out->text, s->last, &r);
		findings_from(s->findings, RAGD_STAGE_RESPONSE, st->plugin, r.findings,
			      r.n_findings);
		blocked = r.action == RAGD_BLOCK;
		out->action = action_max(out->action, r.action);
		out->text = r.text;
		out->cites = r.cites;
		out->n_cites = r.n_cites;
		out->n_dropped += plugin_grounds(st->plugin) ? count_unsupported(&r) : 0;
		if (blocked && out->message.len == 0)
			out->message = or_refusal(r.message, s->filters);
		/* What a filter let out before it blocked still passes through those after it. */
		s->last = s->last || blocked;
	}
}

void filters_stream_feed(struct filters_stream *s, struct call *call, struct ragd_str piece,
			 bool last, struct filters_release *out)
{
	if (s->failure.len > 0) {
		*out = (struct filters_release){ .action = RAGD_BLOCK, .message = s->failure };
		return;
	}
	if (!s->feeding) {
		s->feeding = true;
		s->last = last;
		s->at = 0;
		s->out = (struct filters_release){ .action = RAGD_ALLOW, .text = piece };
	}
	stream_feed(s, call);
	s->feeding = false;
	*out = s->out;
}

bool filters_stream_is_open(const struct filters_stream *s)
{
	for (size_t i = 0; s != NULL && i < CONFIG_FILTERS_MAX; i++)
		if (s->stage[i].stream != NULL)
			return true;
	return false;
}

void filters_stream_close(struct filters_stream *s, struct call *call)
{
	for (size_t i = 0; i < CONFIG_FILTERS_MAX;
	     i++) { /* also one that opened too late to count */
		struct stage *st = &s->stage[i];
		void *stream = st->stream;
		struct ragd_err err;

		if (stream == NULL)
			continue;
		st->stream = NULL; /* whoever goes on behind a lost call does not close it again */
		call_deadline(call, st->plugin->deadline_ms, 0);
		if (call_enter(call, st->plugin, "stream_close", &err) < 0)
			continue; /* given up: what it holds stays with it */
		ops_of(st->plugin)->stream_close(stream);
		call_leave(call);
	}
}

void filters_stream_free(struct filters_stream *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < CONFIG_FILTERS_MAX; i++)
		buf_fini(&s->stage[i].held);
	free(s);
}

size_t filters_holdback(const struct filters *f)
{
	size_t sum = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct ragd_safety_ops *ops = ops_of(f->plugin[i]);

		if ((ops->stages & 1u << RAGD_STAGE_RESPONSE) == 0)
			continue;
		if (ops->stream_open == NULL || ops->holdback == NULL)
			return SIZE_MAX;
		if (__builtin_add_overflow(sum, ops->holdback(f->plugin[i]->self), &sum))
			return SIZE_MAX;
	}
	return sum;
}
