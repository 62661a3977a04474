#include "daemon/records/metrics.h"

#include <config.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/abi_words.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/flow/findings.h"
#include "daemon/plugins/plugin_metrics.h"
#include "daemon/records/journal.h"

/* Upper bounds of the histograms' buckets: from a filter's work to a long answer's. */
static const int64_t bounds_us[] = { 50,      100,     250,      500,      1000,    2500,   5000,
				     10000,   25000,   50000,    100000,   250000,  500000, 1000000,
				     2500000, 5000000, 10000000, 30000000, 60000000 };

struct histogram {
	uint64_t n;
	int64_t sum_us;
	uint64_t bucket[ARRAY_LEN(bounds_us) + 1]; /* the last: beyond all bounds */
};

static const char *const outcome_names[METRICS_N_OUTCOMES] = {
	[METRICS_ANSWERED] = "answered",
	[METRICS_ABSTAINED] = "abstained",
	[METRICS_BLOCKED_PROMPT] = "blocked_prompt",
	[METRICS_BLOCKED_RESPONSE] = "blocked_response",
	[METRICS_FAILED] = "failed",
	[METRICS_CANCELLED] = "cancelled",
};

static const char *const time_names[METRICS_N_TIMES] = {
	[METRICS_SCREEN] = "screen",     [METRICS_RETRIEVE] = "retrieve",
	[METRICS_INSPECT] = "inspect",   [METRICS_COMPOSE] = "compose",
	[METRICS_GENERATE] = "generate", [METRICS_FIRST_TEXT] = "first_text",
	[METRICS_TOTAL] = "total",
};

struct metrics {
	uint64_t outcome[METRICS_N_OUTCOMES];
	uint64_t n_prompt;
	uint64_t n_output;
	uint64_t finding[RAGD_STAGE_RESPONSE + 1][RAGD_BLOCK + 1];
	uint64_t failure[RAGD_STAGE_RESPONSE + 1][2]; /* closed, open */
	struct histogram time[METRICS_N_TIMES];
};

struct metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
	free(m);
}

void metrics_answer(struct metrics *m, enum metrics_outcome outcome, uint32_t n_prompt,
		    uint32_t n_output)
{
	m->outcome[outcome]++;
	m->n_prompt += n_prompt;
	m->n_output += n_output;
}

void metrics_time(struct metrics *m, enum metrics_time what, int64_t us)
{
	struct histogram *h = &m->time[what];
	size_t i = 0;

	while (i < ARRAY_LEN(bounds_us) && us > bounds_us[i])
		i++;
	h->bucket[i]++;
	h->n++;
	h->sum_us += us;
}

void metrics_finding(struct metrics *m, enum ragd_stage stage, enum ragd_action action)
{
	if ((unsigned)stage <= RAGD_STAGE_RESPONSE && (unsigned)action <= RAGD_BLOCK)
		m->finding[stage][action]++;
}

void metrics_failure(struct metrics *m, enum ragd_stage stage, bool open)
{
	if ((unsigned)stage <= RAGD_STAGE_RESPONSE)
		m->failure[stage][open]++;
}

uint64_t metrics_answers(const struct metrics *m)
{
	uint64_t n = 0;

	for (int i = 0; i < METRICS_N_OUTCOMES; i++)
		n += m->outcome[i];
	return n;
}

static void print_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_one(struct buf *b, const char *name, const char *type, const char *help,
		      uint64_t value)
{
	print_head(b, name, type, help);
	buf_printf(b, "%s %" PRIu64 "\n", name, value);
}

static void print_times(const struct metrics *m, struct buf *b)
{
	print_head(b, "ragd_step_seconds", "histogram",
		   "Time of an answer's steps, to its first text, and in all.");
	for (int t = 0; t < METRICS_N_TIMES; t++) {
		const struct histogram *h = &m->time[t];
		uint64_t sum = 0;

		for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++) {
			sum += h->bucket[i];
			buf_printf(b,
				   "ragd_step_seconds_bucket{step=\"%s\",le=\"%g\"} %" PRIu64 "\n",
				   time_names[t], (double)bounds_us[i] / 1e6, sum);
		}
		buf_printf(b,
			   "ragd_step_seconds_bucket{step=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
			   "ragd_step_seconds_sum{step=\"%s\"} %.6f\n"
			   "ragd_step_seconds_count{step=\"%s\"} %" PRIu64 "\n",
			   time_names[t], h->n, time_names[t], (double)h->sum_us / 1e6,
			   time_names[t], h->n);
	}
}

static void print_answers(const struct metrics *m, struct buf *b)
{
	print_head(b, "ragd_answers_total", "counter", "Answers by how they ended.");
	for (int i = 0; i < METRICS_N_OUTCOMES; i++)
		buf_printf(b, "ragd_answers_total{outcome=\"%s\"} %" PRIu64 "\n", outcome_names[i],
			   m->outcome[i]);
	print_head(b, "ragd_findings_total", "counter",
		   "Decisions of the filters by stage and action.");
	for (int s = 0; s <= RAGD_STAGE_RESPONSE; s++)
		for (int a = RAGD_ALLOW; a <= RAGD_BLOCK; a++)
			buf_printf(b,
				   "ragd_findings_total{stage=\"%s\",action=\"%s\"} %" PRIu64 "\n",
				   abi_stage_name((enum ragd_stage)s),
				   abi_action_name((enum ragd_action)a), m->finding[s][a]);
	print_head(b, "ragd_filter_failures_total", "counter", "Filters that failed, by stage.");
	for (int s = 0; s <= RAGD_STAGE_RESPONSE; s++)
		for (int open = 0; open < 2; open++)
			buf_printf(b,
				   "ragd_filter_failures_total{stage=\"%s\",on_failure=\"%s\"} "
				   "%" PRIu64 "\n",
				   abi_stage_name((enum ragd_stage)s), open ? "open" : "closed",
				   m->failure[s][open]);
	print_one(b, "ragd_prompt_tokens_total", "counter", "Tokens read.", m->n_prompt);
	print_one(b, "ragd_output_tokens_total", "counter", "Tokens written.", m->n_output);
}

/*
 * What plugins count comes sorted by name: the head of a name
 * stands once, above all that have it.
 */
struct plugin_rows {
	struct buf *out;
	const char *name; /* of the row above; NULL: none */
	bool counter;
};

static void print_plugin(const char *instance, const char *name, bool counter, double value,
			 void *arg)
{
	struct plugin_rows *r = arg;
	const char *suffix = counter ? "_total" : "";

	if (r->name == NULL || r->counter != counter || strcmp(r->name, name) != 0)
		buf_printf(r->out, "# TYPE ragd_plugin_%s%s %s\n", name, suffix,
			   counter ? "counter" : "gauge");
	r->name = name;
	r->counter = counter;
	buf_printf(r->out, "ragd_plugin_%s%s{plugin=\"%s\"} %.17g\n", name, suffix, instance,
		   value);
}

void metrics_print(struct ragd *d, size_t n_answers, struct buf *out)
{
	struct http_stats http;
	struct journal_stats journal;
	struct pool_stats pool;

	pool_stats(d->pool, &pool);
	http_server_stats(d->http, &http);
	journal_stats(d->journal, &journal);
	print_head(out, "ragd_info", "gauge", "The version that runs.");
	buf_printf(out, "ragd_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	print_head(out, "ragd_uptime_seconds", "gauge", "Since the daemon was ready.");
	buf_printf(out, "ragd_uptime_seconds %.3f\n", (double)(clock_us() - d->started_us) / 1e6);
	print_one(out, "ragd_generation", "gauge", "Configurations loaded so far.",
		  d->current->number);
	print_one(out, "ragd_answers_active", "gauge", "Answers at work.", n_answers);
	print_one(out, "ragd_connections", "gauge", "Open connections.", http.n_connections);
	print_one(out, "ragd_exchanges", "gauge", "Requests at work.", http.n_exchanges);
	print_one(out, "ragd_requests_total", "counter", "Requests received.", http.n_requests);
	print_one(out, "ragd_refused_total", "counter", "Connections and requests beyond a bound.",
		  http.n_refused);
	print_one(out, "ragd_foreign_total", "counter",
		  "Requests refused for their Origin or Host: made by web pages.", http.n_foreign);
	print_one(out, "ragd_threads", "gauge", "Threads of the pool, its reserve included.",
		  pool.n_threads);
	print_one(out, "ragd_threads_lost", "gauge",
		  "Threads in calls given up that have not come back.", pool.n_lost);
	print_one(out, "ragd_waiting", "gauge", "Work without a thread yet.", pool.n_waiting);
	print_one(out, "ragd_journal_written_total", "counter", "Answers recorded.",
		  journal.n_written);
	print_one(out, "ragd_journal_lost_total", "counter",
		  "Answers that the disk or the queue did not take.", journal.n_lost);
	print_answers(d->metrics, out);
	print_times(d->metrics, out);
	plugin_metrics(print_plugin, &(struct plugin_rows){ .out = out });
}
