/*
 * An example of an inference plugin: its answer is the first sentence of the passage
 * that shares the most words with the question. It reads what retrieval found; it
 * generates nothing. Build it with
 *
 *     cc -shared -fPIC -fvisibility=hidden -o quote.so quote.c
 */
#include <ctype.h>
#include <strings.h>

#include <ragd/plugin.h>

#define NO_ANSWER "I found nothing about that."

/* Length of the run of letters and digits at s[0..len). */
static size_t word_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (isalnum((unsigned char)s[n]) || (s[n] & 0x80) != 0))
		n++;
	return n;
}

static bool has_word(struct ragd_str text, const char *word, size_t len)
{
	size_t n;

	for (size_t i = 0; i < text.len; i += n + 1) {
		n = word_len(text.s + i, text.len - i);
		if (n == len && strncasecmp(text.s + i, word, len) == 0)
			return true;
	}
	return false;
}

/* Words of the question, of four bytes and more, that the passage has. */
static unsigned shared_words(struct ragd_str question, struct ragd_str passage)
{
	unsigned shared = 0;
	size_t n;

	for (size_t i = 0; i < question.len; i += n + 1) {
		n = word_len(question.s + i, question.len - i);
		if (n >= 4 && has_word(passage, question.s + i, n))
			shared++;
	}
	return shared;
}

/*
 * Up to the first full stop, question or exclamation mark before white
 * space, or the first blank line.
 */
static struct ragd_str first_sentence(struct ragd_str text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char next = i + 1 < text.len ? text.s[i + 1] : ' ';

		if (strchr(".!?", text.s[i]) != NULL && text.s[i] != '\0' &&
		    isspace((unsigned char)next))
			return (struct ragd_str){ text.s, i + 1 };
		if (text.s[i] == '\n' && next == '\n')
			break;
	}
	return (struct ragd_str){ text.s, i };
}

static void quote_card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "quote", .family = "none", .licence = "Apache-2.0",
		  .summary =
			  "Quotes one sentence of the best passage; an example, not an assistant.");
}

/*
 * Simple plugins write the answer and call done before they return;
 * see plugin.h for the other way.
 */
static int quote_generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			  struct ragd_sink *sink, struct ragd_err *err)
{
	struct ragd_str answer = RAGD_STR(NO_ANSWER);
	struct ragd_usage usage = { .size = sizeof(usage) };
	struct ragd_err why = { 0 };
	unsigned best = 0, shared;
	int rc;

	(void)self;
	(void)err;
	for (size_t i = 0; i < req->n_passages && !call->cancelled(call); i++) {
		shared = shared_words(req->question, req->passages[i].text);
		if (shared > best) {
			best = shared;
			answer = first_sentence(req->passages[i].text);
		}
	}
	rc = sink->text(sink, answer.s, answer.len);
	if (rc == -ECANCELED)
		ragd_err_set(&why, rc, "nobody is waiting for the quote any more");
	sink->done(sink, rc == -ECANCELED ? rc : 0,
		   best > 0 ? RAGD_FINISH_STOP : RAGD_FINISH_NO_ANSWER, &usage, &why);
	return 0;
}

static const struct ragd_inference_ops ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = quote_card,
	.generate = quote_generate,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "quote",
	.version = "1.0",
	.licence = "Apache-2.0",
	.summary = "Quotes one sentence of the best passage",
	.ops = { .inference = &ops },
};
