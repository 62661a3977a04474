/*
 * A filter that puts asterisks over "swordfish", or what its text asks for; at one stage (option
 * `at`).
 */
#define KEY "filter="
#include "hostile.h"

#define SECRET "swordfish"

struct stream {
	bool acts;
	char *text;
	size_t len;
};

static const char *option_at(const void *self)
{
	return ragd_config_get(self, "at")->s;
}

static struct ragd_str redacted(const struct ragd_call *call, struct ragd_str text)
{
	char *s = call->alloc(call, text.len + 1, 1);
	char *at;

	if (text.len > 0)
		memcpy(s, text.s, text.len);
	while ((at = strstr(s, SECRET)) != NULL)
		memset(at, '*', sizeof(SECRET) - 1);
	return (struct ragd_str){ s, text.len };
}

static const struct ragd_finding *finding(const struct ragd_call *call, const char *mode,
					  struct ragd_str text)
{
	struct ragd_finding *f = call->alloc(call, 1, sizeof(*f));

	*f = (struct ragd_finding){ RAGD_REDACT, "word", "swordfish", 1, 0, text.len };
	if (IS("finding_action"))
		f->action = (enum ragd_action)77;
	if (IS("finding_negative"))
		f->action = (enum ragd_action) - 5;
	if (IS("category_missing"))
		f->category = NULL;
	if (IS("category_endless"))
		f->category = endless;
	if (IS("category_control"))
		f->category = "wo\nrd";
	if (IS("category_bytes"))
		f->category = NOT_UTF8;
	if (IS("rule_endless"))
		f->rule = endless;
	if (IS("score_nan"))
		f->score = NAN;
	if (IS("score_large"))
		f->score = 7;
	if (IS("span_reversed"))
		f->start = text.len, f->end = 0;
	if (IS("span_outside"))
		f->end = text.len + 1;
	return f;
}

/* What both forms can do wrong in the same way. True: rc is what to return. */
static bool returns(const char *mode, struct ragd_err *err, int *rc)
{
	*rc = IS("positive") ? EIO : IS("huge_errno") ? -70000 : 0;
	if (IS("honest_error"))
		*rc = ragd_err_set(err, -EIO, "it does not work today");
	if (IS("endless_error")) {
		*rc = err->code = -EIO;
		memset(err->msg, 'x', sizeof(err->msg));
	}
	if (IS("bytes_error"))
		*rc = ragd_err_set(err, -EIO, "what \n" NOT_UTF8);
	return *rc != 0;
}

static enum ragd_action action_of(const char *mode)
{
	return (enum ragd_action)(IS("action") ? 77 : IS("action_negative") ? -5 : RAGD_REDACT);
}

static struct ragd_str text_of(const char *mode, const struct ragd_call *call, struct ragd_str text)
{
	if (IS("text_missing"))
		return (struct ragd_str){ NULL, 40 };
	if (IS("text_forgotten"))
		return (struct ragd_str){ NULL, 0 };
	if (IS("text_long"))
		return (struct ragd_str){ text.s, (size_t)-1 / 2 };
	if (IS("text_bytes"))
		return RAGD_STR(SECRET NOT_UTF8);
	return redacted(call, text);
}

static int check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err)
{
	static const char *const stages[] = { "prompt", "document", "response" };
	char mode[MODE_LEN];
	int rc;

	RAGD_FILL(out, .action = RAGD_ALLOW);
	if (strcmp(option_at(self), stages[screen->stage]) != 0)
		return 0;
	mode_of(screen->text, mode);
	if (returns(mode, err, &rc))
		return rc;
	RAGD_FILL(out, .action = action_of(mode),
		  .findings = IS("findings_missing") ? NULL : finding(call, mode, screen->text),
		  .n_findings = IS("findings_missing") ? 3
				: IS("findings_many")  ? (size_t)-1 / 2
						       : 1,
		  .text = text_of(mode, call, screen->text));
	if (IS("note_bytes"))
		out->note = RAGD_STR(NOT_UTF8);
	if (IS("message_bytes"))
		out->message = RAGD_STR(NOT_UTF8);
	if (IS("message_missing"))
		out->message.len = 7;
	return 0;
}

/* ---- streams: all is held until the end ------------------------------------------------------ */

static size_t holdback(void *self)
{
	(void)self;
	return 65536;
}

static int stream_open(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		       void **stream, struct ragd_err *err)
{
	char mode[MODE_LEN];

	struct stream *s;
	bool acts = strcmp(option_at(self), "response") == 0;

	(void)call;
	(void)err;
	mode_of(screen->question, mode);
	if (acts && IS("open_positive"))
		return EIO;
	s = calloc(1, sizeof(*s));
	s->acts = acts;
	*stream = s;
	return 0;
}

static const struct ragd_cite *cites(const struct ragd_call *call, const char *mode, size_t *n)
{
	struct ragd_cite *c = call->alloc(call, 2, sizeof(*c));

	*n = 2;
	c[0] = (struct ragd_cite){ 1, 0, 0, 1, 0.5f };
	c[1] = (struct ragd_cite){ 2, 0, 0, 1, 0.5f };
	if (IS("cites_unsorted"))
		c[0].at = 3;
	if (IS("cite_outside"))
		c[1].at = 1000000;
	if (IS("cite_passage"))
		c[0].passage = 99;
	if (IS("cite_reversed"))
		c[0].start = 1, c[0].end = 0;
	if (IS("cite_beyond"))
		c[0].end = 4000000;
	if (IS("cite_nan"))
		c[0].score = NAN;
	if (IS("cites_missing"))
		return NULL;
	if (IS("cites_many"))
		*n = (size_t)-1 / 2;
	return c;
}

static int stream_feed(void *stream, const struct ragd_call *call, const char *text, size_t len,
		       bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct stream *s = stream;
	char mode[MODE_LEN];
	struct ragd_str all;
	int rc;

	RAGD_FILL(out, .action = RAGD_ALLOW);
	s->text = realloc(s->text, s->len + len + 1);
	if (len > 0)
		memcpy(s->text + s->len, text, len);
	s->len += len;
	if (!last)
		return 0;
	all = (struct ragd_str){ s->text, s->len };
	mode_of(all, mode);
	out->text = all;
	if (!s->acts)
		return 0;
	if (returns(mode, err, &rc))
		return rc;
	RAGD_FILL(out, .action = action_of(mode), .text = text_of(mode, call, all),
		  .findings = IS("findings_missing") ? NULL : finding(call, mode, all),
		  .n_findings = IS("findings_missing") ? 3
				: IS("findings_many")  ? (size_t)-1 / 2
						       : 1);
	if (strncmp(mode, "cite", 4) == 0)
		out->cites = cites(call, mode, &out->n_cites);
	if (IS("text_cut"))
		out->text = RAGD_STR(SECRET "\xc3");
	if (IS("message_bytes"))
		out->message = RAGD_STR(NOT_UTF8);
	if (IS("message_missing"))
		out->message.len = 7;
	return 0;
}

static void stream_close(void *stream)
{
	struct stream *s = stream;

	free(s->text);
	free(s);
}

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 7,
	.holdback = holdback,
	.check = check,
	.stream_open = stream_open,
	.stream_feed = stream_feed,
	.stream_close = stream_close,
};

static const struct ragd_option options[] = {
	{ "at", RAGD_OPT_CHOICE, "prompt", 0, 0, "prompt|document|response", "Where it acts.",
	  false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = "hostile_safety",
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "A filter that returns what it should not",
	.options = options,
	.open = hostile_open,
	.close = hostile_close,
	.ops = { .safety = &ops },
};
