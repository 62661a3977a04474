#include "daemon/flow/flow_private.h"

#include <inttypes.h>
#include <time.h>

#include "base/abi_words.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "daemon/records/journal.h"
#include "daemon/service/log.h"

static enum metrics_outcome outcome_of(const struct flow *f)
{
	if (f->err.code < 0)
		return METRICS_FAILED;
	if (f->blocked_by != NULL)
		return f->blocked_by->stage == RAGD_STAGE_RESPONSE ? METRICS_BLOCKED_RESPONSE
								   : METRICS_BLOCKED_PROMPT;
	if (flow_cancelled(f))
		return METRICS_CANCELLED;
	return flow_abstained(f) ? METRICS_ABSTAINED : METRICS_ANSWERED;
}

static const char *outcome_name(const struct flow *f)
{
	switch (outcome_of(f)) {
	case METRICS_FAILED:
		return "error";
	case METRICS_BLOCKED_PROMPT:
	case METRICS_BLOCKED_RESPONSE:
		return "content_filter";
	case METRICS_CANCELLED:
		return "cancelled";
	default:
		return f->finish == RAGD_FINISH_LENGTH ? "length" : "stop";
	}
}

/*
 * What the journal stores of an answer; *b is empty for none. Scores have all their digits, as in
 * the rows of before.
 */
static void findings_write(struct buf *b, const struct findings *list)
{
	struct json_writer w;

	if (list->n == 0)
		return;
	jsonw_init(&w, b);
	jsonw_array_begin(&w);
	for (size_t i = 0; i < list->n; i++) {
		const struct finding *f = &list->v[i];

		jsonw_object_begin(&w);
		jsonw_member_cstr(&w, "stage", abi_stage_name(f->stage));
		jsonw_member_cstr(&w, "plugin", f->plugin);
		jsonw_member_cstr(&w, "category", f->category);
		jsonw_member_cstr(&w, "rule", f->rule);
		jsonw_member_cstr(&w, "action", abi_action_name(f->action));
		jsonw_member_double(&w, "score", (double)f->score, 17);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
}

/* [["collection","document"],…] */
static void sources_write(struct buf *b, const struct sources *sources)
{
	struct json_writer w;

	if (sources->n == 0)
		return;
	jsonw_init(&w, b);
	jsonw_array_begin(&w);
	for (size_t i = 0; i < sources->n; i++) {
		jsonw_array_begin(&w);
		jsonw_cstr(&w, sources->v[i].collection);
		jsonw_cstr(&w, sources->v[i].document);
		jsonw_array_end(&w);
	}
	jsonw_array_end(&w);
}

static void count_finding(struct metrics *m, const struct finding *f)
{
	bool open = f->failure && f->action == RAGD_ALLOW;

	if (f->failure)
		metrics_failure(m, f->stage, open);
	if (!open)
		metrics_finding(m, f->stage, f->action);
}

enum flow_step flow_record(struct flow *f)
{
	struct metrics *m = f->table->d->metrics;
	int64_t total_us = clock_us() - f->received_us;
	struct buf findings = BUF_INIT, sources = BUF_INIT;
	struct journal_answer a = {
		.id = f->id,
		.uid = f->call->caller.uid,
		.at_s = (int64_t)time(NULL),
		.assistant = f->assistant->name,
		.finish = outcome_name(f),
		.abstained = flow_abstained(f),
		.n_prompt = f->usage.n_prompt,
		.n_output = f->usage.n_output,
		.first_us = f->first_us,
		.total_us = total_us,
		.question = f->messages[f->n_messages - 1].text,
		.answer = buf_str(&f->answer),
	};

	findings_write(&findings, &f->findings);
	sources_write(&sources, &f->sources);
	a.findings = buf_failed(&findings) ? NULL : findings.data;
	a.sources = buf_failed(&sources) ? NULL : sources.data;
	journal_add(f->table->d->journal, &a);
	buf_fini(&findings);
	buf_fini(&sources);
	metrics_answer(m, outcome_of(f), f->usage.n_prompt, f->usage.n_output);
	for (size_t i = 0; i < f->findings.n; i++)
		count_finding(m, &f->findings.v[i]);
	f->took_us[METRICS_FIRST_TEXT] = f->first_us;
	f->took_us[METRICS_TOTAL] = total_us;
	for (int i = 0; i < METRICS_N_TIMES; i++)
		if (f->took_us[i] > 0)
			metrics_time(m, (enum metrics_time)i, f->took_us[i]);
	log_debug("event=answer id=%s assistant=%s finish=%s us=%" PRId64, f->id,
		  f->assistant->name, a.finish, total_us);
	return FLOW_DONE;
}
