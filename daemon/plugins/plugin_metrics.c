#include "daemon/plugins/plugin_metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "daemon/service/log.h"

#define METRICS_MAX 64 /* names of one instance */

struct metric {
	char name[NAME_LEN_MAX + 1];
	bool counter;
	_Atomic uint64_t bits; /* the count, or the gauge's double */
};

/* Entries are only ever added, so readers look without a lock at those below n. */
struct plugin_meter {
	struct plugin_meter *next;
	unsigned refs; /* under meters.lock */
	char *instance;
	_Atomic unsigned n;
	atomic_bool warned;
	struct metric faults; /* the host's; shown once there is one */
	_Atomic uint64_t faults_of[PLUGIN_N_FAULTS];
	struct metric metrics[METRICS_MAX];
};

static struct {
	pthread_mutex_t lock;
	struct plugin_meter *first;
} meters = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct plugin_meter *plugin_meter_ref(const char *instance)
{
	struct plugin_meter *m;

	pthread_mutex_lock(&meters.lock);
	for (m = meters.first; m != NULL && strcmp(m->instance, instance) != 0; m = m->next)
		;
	if (m == NULL && (m = calloc(1, sizeof(*m))) != NULL) {
		m->instance = strdup(instance);
		m->faults = (struct metric){ .name = "faults", .counter = true };
		if (m->instance == NULL) {
			free(m);
			m = NULL;
		} else {
			m->next = meters.first;
			meters.first = m;
		}
	}
	if (m != NULL)
		m->refs++;
	pthread_mutex_unlock(&meters.lock);
	return m;
}

void plugin_meter_unref(struct plugin_meter *meter)
{
	struct plugin_meter **p;

	if (meter == NULL)
		return;
	pthread_mutex_lock(&meters.lock);
	if (--meter->refs == 0) {
		for (p = &meters.first; *p != meter; p = &(*p)->next)
			;
		*p = meter->next;
		free(meter->instance);
		free(meter);
	}
	pthread_mutex_unlock(&meters.lock);
}

static struct metric *metric_look(struct plugin_meter *meter, const char *name, bool counter)
{
	unsigned n = atomic_load_explicit(&meter->n, memory_order_acquire);

	if (counter && strcmp(meter->faults.name, name) == 0)
		return &meter->faults;
	for (unsigned i = 0; i < n; i++)
		if (meter->metrics[i].counter == counter &&
		    strcmp(meter->metrics[i].name, name) == 0)
			return &meter->metrics[i];
	return NULL;
}

/* NULL, and one warning for the instance's life, if the name or one name more is not to be had. */
static struct metric *metric_get(struct plugin_meter *meter, const char *name, bool counter)
{
	struct metric *m = metric_look(meter, name, counter);
	char quoted[100];
	unsigned n;

	if (m != NULL)
		return m;
	pthread_mutex_lock(&meters.lock);
	m = metric_look(meter, name, counter); /* another thread may have added it meanwhile */
	n = atomic_load_explicit(&meter->n, memory_order_relaxed);
	if (m == NULL && n < METRICS_MAX &&
	    name_is_identifier(name, strnlen(name, NAME_LEN_MAX + 1))) {
		m = &meter->metrics[n];
		snprintf(m->name, sizeof(m->name), "%s", name);
		m->counter = counter;
		atomic_store_explicit(&meter->n, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&meters.lock);
	if (m == NULL && !atomic_exchange(&meter->warned, true))
		log_warn("plugin=%s msg=\"metric not kept: names consist of a-z, 0-9 and _, up to "
			 "%d "
			 "bytes and "
			 "%d names\" name=%s",
			 meter->instance, NAME_LEN_MAX, METRICS_MAX,
			 log_quote(name, strnlen(name, NAME_LEN_MAX), quoted, sizeof(quoted)));
	return m;
}

void plugin_meter_count(struct plugin_meter *meter, const char *name, uint64_t add)
{
	struct metric *m = metric_get(meter, name, true);

	if (m != NULL)
		atomic_fetch_add_explicit(&m->bits, add, memory_order_relaxed);
}

void plugin_meter_gauge(struct plugin_meter *meter, const char *name, double value)
{
	struct metric *m = metric_get(meter, name, false);
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (m != NULL)
		atomic_store_explicit(&m->bits, bits, memory_order_relaxed);
}

static bool power_of_ten(uint64_t n)
{
	while (n > 1 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

void plugin_fault(const char *instance, enum plugin_fault kind, const char *sentence)
{
	struct plugin_meter *meter;
	uint64_t n = 1;
	char quoted[512];

	pthread_mutex_lock(&meters.lock);
	for (meter = meters.first; meter != NULL && strcmp(meter->instance, instance) != 0;
	     meter = meter->next)
		;
	if (meter != NULL) {
		atomic_fetch_add(&meter->faults.bits, 1);
		n = atomic_fetch_add(&meter->faults_of[kind], 1) + 1;
	}
	pthread_mutex_unlock(&meters.lock);
	if (power_of_ten(n))
		log_warn("event=plugin-fault plugin=%s of_this_kind=%llu error=%s", instance,
			 (unsigned long long)n,
			 log_quote(sentence, strlen(sentence), quoted, sizeof(quoted)));
}

struct sample {
	const struct plugin_meter *meter;
	const struct metric *metric;
};

/* By name, then instance: an exposition wants the samples of one metric together. */
static int sample_cmp(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int rc = strcmp(x->metric->name, y->metric->name);

	if (rc == 0)
		rc = (int)x->metric->counter - (int)y->metric->counter;
	return rc != 0 ? rc : strcmp(x->meter->instance, y->meter->instance);
}

static double metric_value(const struct metric *m)
{
	uint64_t bits = atomic_load_explicit(&m->bits, memory_order_relaxed);
	double value;

	if (m->counter)
		return (double)bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

void plugin_metrics(void (*each)(const char *instance, const char *name, bool counter, double value,
				 void *arg),
		    void *arg)
{
	struct sample *samples = NULL;
	size_t n = 0, max = 0;

	pthread_mutex_lock(&meters.lock);
	for (struct plugin_meter *m = meters.first; m != NULL; m = m->next)
		max += m->n + 1;
	samples = calloc(max + 1, sizeof(*samples));
	for (struct plugin_meter *m = meters.first; m != NULL && samples != NULL; m = m->next) {
		if (m->faults.bits > 0)
			samples[n++] = (struct sample){ m, &m->faults };
		for (unsigned i = 0; i < m->n && n < max; i++)
			samples[n++] = (struct sample){ m, &m->metrics[i] };
	}
	if (n > 0)
		qsort(samples, n, sizeof(*samples), sample_cmp);
	for (size_t i = 0; i < n; i++)
		each(samples[i].meter->instance, samples[i].metric->name,
		     samples[i].metric->counter, metric_value(samples[i].metric), arg);
	pthread_mutex_unlock(&meters.lock);
	free(samples);
}
