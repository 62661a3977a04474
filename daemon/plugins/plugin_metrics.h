/*
 * What plugins count and gauge, and how often one returned what it may not.
 */
#ifndef DAEMON_PLUGIN_METRICS_H
#define DAEMON_PLUGIN_METRICS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The counters and gauges of an instance's name; shared by instances of that name across reloads.
 */
struct plugin_meter;

struct plugin_meter *plugin_meter_ref(const char *instance);
void plugin_meter_unref(struct plugin_meter *meter);

/* A name that is none, or one too many, is logged once and not kept. Any thread. */
void plugin_meter_count(struct plugin_meter *meter, const char *name, uint64_t add);
void plugin_meter_gauge(struct plugin_meter *meter, const char *name, double value);

/* What can be wrong with what a plugin returned. */
enum plugin_fault {
	PLUGIN_FAULT_CODE,    /* a return value that is neither 0 nor a negative errno */
	PLUGIN_FAULT_ACTION,  /* a number that its enumeration does not have */
	PLUGIN_FAULT_POINTER, /* a length, and nothing there */
	PLUGIN_FAULT_LENGTH,  /* too many, or too few */
	PLUGIN_FAULT_TEXT,    /* not UTF-8 */
	PLUGIN_FAULT_NAME,    /* a string without an end, or one that is no name */
	PLUGIN_FAULT_SPAN,    /* bytes that the text does not have */
	PLUGIN_FAULT_CITE,    /* a citation of nothing, or out of order */
	PLUGIN_FAULT_NUMBER,  /* not finite, or out of its range */
	PLUGIN_FAULT_ORDER,   /* a call that the ABI does not allow at this point */
	PLUGIN_N_FAULTS,
};

/*
 * `instance` returned what the ABI forbids, as `sentence` says: counted
 * (ragd_plugin_faults_total), and logged at the 1st, 10th, 100th … of its kind. Any thread.
 */
void plugin_fault(const char *instance, enum plugin_fault kind, const char *sentence);

/* What plugins counted and gauged so far, for /metrics: once per name and instance. */
void plugin_metrics(void (*each)(const char *instance, const char *name, bool counter, double value,
				 void *arg),
		    void *arg);

#endif
