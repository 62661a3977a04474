/*
 * An example of a safety plugin: words of a list never pass; asterisks take their place.
 * A response is filtered while it arrives, wherever it is cut. docs/plugins.md walks
 * through this file. Build it with
 *
 *     cc -shared -fPIC -fvisibility=hidden -o blocklist.so blocklist.c
 *
 * It ignores the case of ASCII letters and sees through no disguise: for
 * real use there is safety_basic.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <ragd/plugin.h>

#define WORD_MAX 64

/* The word that is being read. It is held back until its end shows whether it is on the list. */
struct stream {
	const char *const *words; /* the list; NULL-ended */
	size_t at;                /* bytes of input so far */
	size_t len;               /* bytes of the word so far */
	char word[WORD_MAX];
};

static bool in_word(char c)
{
	return isalnum((unsigned char)c) ||
	       (c & 0x80) != 0; /* all beyond ASCII counts as letters */
}

/*
 * The word ends before byte s->at, or is too long to be listed: let it
 * go, or asterisks and a finding.
 */
static void word_release(struct stream *s, struct ragd_finding *found, char *text,
			 struct ragd_release *out)
{
	memcpy(text + out->text.len, s->word, s->len);
	for (size_t i = 0; s->words[i] != NULL; i++) {
		if (strlen(s->words[i]) != s->len || strncasecmp(s->words[i], s->word, s->len) != 0)
			continue;
		memset(text + out->text.len, '*', s->len);
		found[out->n_findings++] =
			(struct ragd_finding){ RAGD_REDACT, "blocklist",    s->words[i],
					       1.0f,        s->at - s->len, s->at };
		out->action = RAGD_REDACT;
		break;
	}
	out->text.len += s->len;
	s->len = 0;
}

static int blocklist_feed(void *stream, const struct ragd_call *call, const char *in, size_t len,
			  bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct stream *s = stream;
	char *text = call->alloc(call, s->len + len + 1, 1);
	struct ragd_finding *found = call->alloc(call, len / 2 + 2, sizeof(*found));

	if (text == NULL || found == NULL)
		return ragd_err_set(err, -ENOMEM, "blocklist: no memory for %zu bytes", len);
	RAGD_FILL(out, .text = { text, 0 }, .findings = found);
	for (size_t i = 0; i < len; i++, s->at++) {
		if (s->len == WORD_MAX || !in_word(in[i]))
			word_release(s, found, text, out);
		if (in_word(in[i]))
			s->word[s->len++] = in[i];
		else
			text[out->text.len++] = in[i];
	}
	if (last)
		word_release(s, found, text, out);
	return 0;
}

static int blocklist_stream_open(void *self, const struct ragd_call *call,
				 const struct ragd_screen *screen, void **stream,
				 struct ragd_err *err)
{
	struct stream *s = calloc(1, sizeof(*s));

	(void)call;
	(void)screen;
	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "blocklist: out of memory");
	s->words = self;
	*stream = s;
	return 0;
}

/* A whole text is a stream that comes in one piece. */
static int blocklist_check(void *self, const struct ragd_call *call,
			   const struct ragd_screen *screen, struct ragd_verdict *out,
			   struct ragd_err *err)
{
	struct stream s = { .words = self };
	struct ragd_release r = { .size = sizeof(r) };
	int rc = blocklist_feed(&s, call, screen->text.s, screen->text.len, true, &r, err);

	if (rc == 0)
		RAGD_FILL(out, .action = r.action, .findings = r.findings,
			  .n_findings = r.n_findings, .text = r.text);
	return rc;
}

static size_t blocklist_holdback(void *self)
{
	(void)self;
	return WORD_MAX;
}

/* Before anything is opened, also for `ragd -t`: a word that could never match is a mistake. */
static int blocklist_check_words(const struct ragd_config *cfg, struct ragd_err *err)
{
	for (const char *const *w = ragd_config_get(cfg, "words")->list; *w != NULL; w++) {
		size_t len = strlen(*w), n = 0;

		while (n < len && in_word((*w)[n]))
			n++;
		if (len == 0 || len >= WORD_MAX || n < len)
			return ragd_err_set(err, -EINVAL,
					    "words: '%s' is not one word of up to %d bytes", *w,
					    WORD_MAX - 1);
	}
	return 0;
}

static int blocklist_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
			  struct ragd_err *err)
{
	(void)host;
	(void)err;
	*self = (void *)ragd_config_get(cfg, "words")->list; /* lives as long as the instance */
	return 0;
}

static const struct ragd_option options[] = {
	{ "words", RAGD_OPT_LIST, "", 0, 0, NULL, "Words that never pass.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_DOCUMENT | 1u << RAGD_STAGE_RESPONSE,
	.holdback = blocklist_holdback,
	.check = blocklist_check,
	.stream_open = blocklist_stream_open,
	.stream_feed = blocklist_feed,
	.stream_close = free,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = "blocklist",
	.version = "1.0",
	.licence = "Apache-2.0",
	.summary = "Puts asterisks in the place of listed words",
	.options = options,
	.check = blocklist_check_words,
	.open = blocklist_open,
	.ops = { .safety = &ops },
};
