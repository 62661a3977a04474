/*
 * inference_extract: answers from the passages it is given by quoting the sentences that answer,
 * each with the number of its passage, and says so where none does. No model; see docs/extract.md.
 *
 * Answers are written before generate returns. Several threads may call: each takes a reader of its
 * own from a shelf, which keeps those that were made.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ragd/plugin.h>

#include "base/buf.h"
#include "base/text/ascii.h"
#include "config.h"
#include "engine/poll.h"
#include "engine/reader/extract.h"
#include "engine/reader/lexicon.h"
#include "engine/reader/plain.h"

#define SHELF_MAX 16 /* readers that are kept; more threads than that make and free theirs */

/* Where the language has no sentence for it. */
#define NO_ANSWER "I found no answer to this in the documents."

struct extract_instance {
	const char *language;
	struct lexicon *lexicon;
	struct extract_options options;
	pthread_mutex_t lock;
	struct extract_reader *shelf[SHELF_MAX];
	size_t n_shelf;
};

static const struct ragd_option options[] = {
	{ "max_sentences", RAGD_OPT_INT, "3", 1, EXTRACT_MAX, NULL,
	  "Most sentences in an answer, including those added because a pronoun refers to them.",
	  true },
	{ "threshold", RAGD_OPT_FLOAT, "0.4", 0, 1, NULL,
	  "How sure to be that the passages answer the question: 0 always answers, 1 never does.",
	  true },
	{ "language", RAGD_OPT_STRING, "english", 0, 0, NULL,
	  "Language of the documents, by its Snowball name; lang/ in data_dir has what is known "
	  "about it.",
	  true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static struct extract_reader *reader_take(struct extract_instance *e)
{
	struct extract_reader *x = NULL;

	pthread_mutex_lock(&e->lock);
	if (e->n_shelf > 0)
		x = e->shelf[--e->n_shelf];
	pthread_mutex_unlock(&e->lock);
	return x != NULL ? x : extract_new(e->language, e->lexicon);
}

static void reader_put(struct extract_instance *e, struct extract_reader *x)
{
	pthread_mutex_lock(&e->lock);
	if (e->n_shelf < SHELF_MAX) {
		e->shelf[e->n_shelf++] = x;
		x = NULL;
	}
	pthread_mutex_unlock(&e->lock);
	extract_free(x);
}

static void extractor_card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "extract", .family = "extractive reader", .licence = "Apache-2.0",
		  .summary =
			  "Not a neural model: quotes the one to five sentences of the documents "
			  "that share most with the question. It cannot reason, calculate, "
			  "summarise, translate or speak without documents, and may quote a "
			  "sentence that is near the question but does not answer it.");
}

/* White space ends a token: what such a reader counts, since it has no vocabulary. */
static uint32_t count_words(struct ragd_str text)
{
	uint32_t n = 0;
	bool inside = false;

	for (size_t i = 0; i < text.len; i++) {
		n += !ascii_is_space(text.s[i]) && !inside;
		inside = !ascii_is_space(text.s[i]);
	}
	return n;
}

static ssize_t extractor_count(void *self, struct ragd_str text, struct ragd_err *err)
{
	(void)self;
	(void)err;
	return (ssize_t)count_words(text);
}

/* The question in parts, or the last thing that the user said. */
static struct ragd_str question_of(const struct ragd_generate *req)
{
	struct ragd_str text = req->question;

	for (size_t i = req->n_messages; i > 0 && text.len == 0; i--)
		if (req->messages[i - 1].role == RAGD_ROLE_USER)
			text = req->messages[i - 1].text;
	return text;
}

/* Bytes of s[0..len) in its first n words. */
static size_t first_words(const char *s, size_t len, uint32_t n)
{
	size_t i = 0;

	for (; n > 0 && i < len; n--) {
		while (i < len && ascii_is_space(s[i]))
			i++;
		while (i < len && !ascii_is_space(s[i]))
			i++;
	}
	return i;
}

/*
 * What stands before a further sentence: a blank line where a space would not show that it begins.
 */
static const char *gap_after(const struct buf *sentence)
{
	char c = sentence->data[0];

	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) ? " " : "\n\n";
}

/*
 * Write the picked sentences. Returns 0 with *finish set, or a negative errno. An answer that
 * reaches max_tokens, or the host's limit, ends there.
 */
static int answer_write(const struct ragd_call *call, const struct ragd_generate *req,
			const struct extract_pick *picks, size_t n, struct ragd_sink *sink,
			struct ragd_usage *usage, enum ragd_finish *finish)
{
	uint32_t max = req->sampling->max_tokens > 0 ? req->sampling->max_tokens : UINT32_MAX;
	struct buf b = BUF_INIT, piece = BUF_INIT;
	int rc = 0;

	*finish = RAGD_FINISH_STOP;
	for (size_t i = 0; i < n && rc == 0 && *finish == RAGD_FINISH_STOP; i++) {
		const struct ragd_passage *p = &req->passages[picks[i].passage];
		uint32_t words;

		rc = poll_call(call);
		if (rc < 0)
			break;
		buf_clear(&b);
		buf_clear(&piece);
		plain_sentence(&b, p->text.s + picks[i].start, picks[i].end - picks[i].start);
		if (b.len == 0) /* nothing but markup */
			continue;
		if (usage->n_output > 0)
			buf_adds(&piece, gap_after(&b));
		buf_add(&piece, b.data, b.len);
		buf_printf(&piece, " [%u]", (unsigned)picks[i].passage + 1);
		if (buf_failed(&b) || buf_failed(&piece)) {
			rc = -ENOMEM;
			break;
		}
		words = count_words(buf_str(&piece));
		if (words > max - usage->n_output) {
			*finish = RAGD_FINISH_LENGTH;
			words = max - usage->n_output;
			piece.len = first_words(piece.data, piece.len, words);
		}
		if (piece.len > 0)
			rc = sink->text(sink, piece.data, piece.len);
		usage->n_output += words;
		if (rc == -ENOBUFS) {
			*finish = RAGD_FINISH_LENGTH;
			rc = 0;
		}
	}
	buf_fini(&piece);
	buf_fini(&b);
	return rc;
}

static int extractor_generate(void *self, const struct ragd_call *call,
			      const struct ragd_generate *req, struct ragd_sink *sink,
			      struct ragd_err *err)
{
	struct extract_instance *e = self;
	struct extract_reader *x = reader_take(e);
	struct extract_pick picks[EXTRACT_MAX];
	enum ragd_finish finish = RAGD_FINISH_NO_ANSWER;
	struct ragd_usage usage = { .size = sizeof(usage) };
	const char *none = lexicon_no_answer(e->lexicon);
	struct ragd_err why = { 0 };
	double sure;
	ssize_t n;
	int rc = 0;

	if (x == NULL)
		return ragd_err_set(err, -ENOMEM, "extract: out of memory");
	if (none == NULL)
		none = NO_ANSWER;
	n = extract_read(x, question_of(req), req->passages, req->n_passages, &e->options, call,
			 picks, &sure);
	reader_put(e, x);
	for (size_t i = 0; i < req->n_messages; i++)
		usage.n_prompt += count_words(req->messages[i].text);
	if (n > 0) {
		rc = answer_write(call, req, picks, (size_t)n, sink, &usage, &finish);
	} else if (n == 0) {
		usage.n_output = count_words((struct ragd_str){ none, strlen(none) });
		rc = sink->text(sink, none, strlen(none));
		if (rc == -ENOBUFS)
			rc = 0;
	} else {
		rc = (int)n;
	}
	if (rc == -ECANCELED)
		ragd_err_set(&why, rc, "nobody is waiting for the answer any more");
	else if (rc == -ETIMEDOUT)
		ragd_err_set(&why, rc, "the deadline passed while reading %zu passages",
			     req->n_passages);
	else if (rc < 0)
		ragd_err_set(&why, rc, "read %zu passages: %s", req->n_passages, strerror(-rc));
	sink->done(sink, rc, finish, rc == 0 ? &usage : NULL, rc < 0 ? &why : NULL);
	return 0;
}

static void extractor_close(void *self)
{
	struct extract_instance *e = self;

	while (e->n_shelf > 0)
		extract_free(e->shelf[--e->n_shelf]);
	lexicon_close(e->lexicon);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

/* The words of the language, from what ragd installed. */
static int lexicon_read(struct extract_instance *e, const struct ragd_host *host,
			struct ragd_err *err)
{
	char dir[4096];
	int rc;

	if (snprintf(dir, sizeof(dir), "%s/lang", host->data_dir) >= (int)sizeof(dir))
		return ragd_err_set(err, -ENAMETOOLONG,
				    "extract: the data folder's path is too long");
	rc = lexicon_open(dir, e->language, &e->lexicon, err);
	if (rc == 0 && lexicon_is_empty(e->lexicon))
		host->log(host, RAGD_LOG_WARN,
			  "'%s' has no file for the language '%s': what a question asks for is not "
			  "known, only its words are looked for",
			  dir, e->language);
	return rc;
}

static int extractor_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
			  struct ragd_err *err)
{
	struct extract_instance *e = calloc(1, sizeof(*e));
	struct extract_reader *x;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "extract: out of memory");
	pthread_mutex_init(&e->lock, NULL);
	e->language = ragd_config_get(cfg, "language")->s;
	e->options.max_sentences = (unsigned)ragd_config_get(cfg, "max_sentences")->i;
	e->options.threshold = ragd_config_get(cfg, "threshold")->f;
	rc = lexicon_read(e, host, err);
	if (rc < 0) {
		extractor_close(e);
		return rc;
	}
	x = extract_new(e->language, e->lexicon);
	if (x == NULL) {
		extractor_close(e);
		return ragd_err_set(err, -EINVAL,
				    "extract: language '%s' is not one that Snowball knows: try "
				    "\"english\"",
				    ragd_config_get(cfg, "language")->s);
	}
	reader_put(e, x);
	*self = e;
	return 0;
}

static const struct ragd_inference_ops extractor_ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = extractor_card,
	.generate = extractor_generate,
	.count = extractor_count,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "inference_extract",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Answers by quoting the sentences of the passages that answer; no model",
	.options = options,
	.open = extractor_open,
	.close = extractor_close,
	.ops = { .inference = &extractor_ops },
};
