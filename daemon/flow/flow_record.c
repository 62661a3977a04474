#include "daemon/flow/flow_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
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

static char *findings_json(const struct findings *list)
{
	json_t *array;
	char *text;

	if (list->n == 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < list->n; i++) {
		const struct finding *f = &list->v[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s, s:s?, s:s, s:f}", "stage",
						stage_name(f->stage), "plugin", f->plugin,
						"category", f->category, "rule", f->rule, "action",
						action_name(f->action), "score", (double)f->score));
	}
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}

static char *sources_json(const struct sources *sources)
{
	json_t *array;
	char *text;

	if (sources->n == 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < sources->n; i++)
		json_array_append_new(array, json_pack("[s, s]", sources->v[i].collection,
						       sources->v[i].document));
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
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
	char *findings = findings_json(&f->findings);
	char *sources = sources_json(&f->sources);
	struct journal_answer a = {
		.id = f->id,
		.uid = f->call->caller.uid,
		.at_s = (int64_t)time(NULL),
		.assistant = f->assistant->name,
		.finish = outcome_name(f),
		.abstained = flow_abstained(f),
		.findings = findings,
		.sources = sources,
		.n_prompt = f->usage.n_prompt,
		.n_output = f->usage.n_output,
		.first_us = f->first_us,
		.total_us = total_us,
		.question = f->messages[f->n_messages - 1].text,
		.answer = buf_str(&f->answer),
	};

	journal_add(f->table->d->journal, &a);
	free(findings);
	free(sources);
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
