/*
 * The plugin ABI: everything that a ragd plugin and the daemon know about each other.
 *
 * A plugin is one shared object that exports one symbol, `ragd_plugin`: a const descriptor, which
 * the loader validates before any code of the plugin runs. All it needs is this header, which
 * includes those of the three kinds, and the C library:
 *
 *     cc -shared -fPIC -fvisibility=hidden -o my_filter.so my_filter.c
 *
 * The contract, for every call unless it says otherwise
 * -----------------------------------------------------
 * threads    open and close run once each, never at the same time as another call on the instance.
 *            Every other operation may be called from several threads at once. A call may block,
 *            but it holds one of the daemon's few pool threads while it does.
 * data       Plain data in, plain data out. Arguments are borrowed for the length of the call (for
 *            generate: until done() has been called). A copy could stand in for everything that
 *            they point to, so a plugin could also run in a process of its own.
 * results    Come from call->alloc() or live as long as the instance. The caller copies or uses
 *            them before it resets the call. Never free() them, and never return a pointer into an
 *            argument, except to a text that is returned unchanged.
 * text       UTF-8, not NUL-terminated (struct ragd_str); offsets and lengths are in bytes. Names
 *            are NUL-terminated C strings.
 * errors     0 or a negative errno, with one sentence in *err. Other out-parameters are written
 *            only on success. A plugin never exits, aborts or prints.
 * validation The host checks what comes back before anyone uses it: return codes, actions, names,
 *            lengths without a pointer, UTF-8, spans, citations, numbers. Whatever this header does
 *            not allow is the plugin's fault: it is logged with the plugin's name, counted, and
 *            treated like any other failure, so nothing of that result is used.
 * deadline   call->deadline_ms. A call that notices it has passed returns -ETIMEDOUT. A call that
 *            does not return in time is abandoned; what it returns later is ignored.
 *
 * How it grows
 * ------------
 * As long as RAGD_PLUGIN_ABI stays the same, members are only ever added, and only at the end of
 * structs that begin with their `size` (in the descriptor it comes second). The side that provides
 * a struct sets its size; the other side, which may have been built with another header, obeys it:
 *
 *   tables     The descriptor and the table of operations are the plugin's. The host takes members
 *              beyond their end for NULL, and ignores those that it does not know.
 *   arguments  The host sets the size of what it passes. RAGD_HAS(query, k) tells whether a member
 *              is there; only members that came after the first version of this ABI need this
 *              check.
 *   results    The host passes a struct that is zero except for its size. Fill it with RAGD_FILL,
 *              which writes no further than that size; an assignment, `*out = …`, could.
 *   arrays     Their elements (passages, messages, findings, hits …) keep their size, and structs
 *              without a size their members.
 *
 * Any other change raises RAGD_PLUGIN_ABI, and the loader refuses every number but its own.
 */
#ifndef RAGD_PLUGIN_H
#define RAGD_PLUGIN_H

#include <ragd/plugin_inference.h>
#include <ragd/plugin_retrieval.h>
#include <ragd/plugin_safety.h>
#include <ragd/plugin_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

#define RAGD_PLUGIN_ABI 4

#define RAGD_EXPORT __attribute__((visibility("default")))

enum ragd_kind {
	RAGD_KIND_INFERENCE = 1,
	RAGD_KIND_RETRIEVAL = 2,
	RAGD_KIND_SAFETY    = 3,
};

enum ragd_log_level { RAGD_LOG_ERR = 3, RAGD_LOG_WARN = 4, RAGD_LOG_INFO = 6, RAGD_LOG_DEBUG = 7 };

/* Services of the daemon, valid from open to close. Any thread may call them. */
struct ragd_host {
	uint32_t    size;
	const char *instance;  /* this instance's name in the configuration */
	const char *state_dir; /* absolute; exists, writable, private to the instance */
	const char *data_dir;  /* absolute, read-only: what came with ragd (rules, policies) */

	/* One line, no newline. Prompts and documents at RAGD_LOG_DEBUG only. */
	void (*log)(const struct ragd_host *host, enum ragd_log_level level, const char *fmt, ...)
		RAGD_PRINTF(3, 4);
	/* Add to a counter that /metrics shows as ragd_plugin_<name>_total{plugin="instance"}. */
	void (*count)(const struct ragd_host *host, const char *name, uint64_t add);
	/* Set a gauge that /metrics shows as ragd_plugin_<name>{plugin="instance"}. */
	void (*gauge)(const struct ragd_host *host, const char *name, double value);

	/*
	 * Call another instance, by its name in the configuration. -ENOENT if there is none of the
	 * right kind, -ENOTSUP if it can't do this. Not from open or close. A plugin's own thread
	 * passes a ragd_call of its own, with caller NULL where it works for nobody in particular.
	 * Until the configuration that both belong to is in use, and when it no longer is, they
	 * don't find each other: -ENOENT, too. Results are checked, and *out need only have its
	 * size set.
	 */
	int (*embed)(const struct ragd_host *host, const char *instance,
		     const struct ragd_call *call, const struct ragd_embed *req,
		     struct ragd_embeddings *out, struct ragd_err *err);
	/* -ENOTSUP also where the plugin doesn't say what its vectors are. Doesn't block. */
	int (*embed_card)(const struct ragd_host *host, const char *instance,
			  struct ragd_embed_card *out, struct ragd_err *err);
	int (*score)(const struct ragd_host *host, const char *instance,
		     const struct ragd_call *call, struct ragd_str prompt,
		     const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		     struct ragd_err *err);
	int (*generate)(const struct ragd_host *host, const char *instance,
			const struct ragd_call *call, const struct ragd_generate *req,
			struct ragd_sink *sink, struct ragd_err *err);

	/*
	 * For open() to call: how far it has come, 0 to 1, and what it is doing ("packing
	 * weights"). Shown in the log, to the service manager, and to anyone who asks for the
	 * status meanwhile.
	 */
	void (*progress)(const struct ragd_host *host, double done, const char *what);

	/*
	 * `ragd -t`: this instance will be closed without having been asked anything but its card.
	 * open() reads and checks its files as usual, but may skip what only serving needs: packing
	 * a model, threads, connections.
	 */
	bool trial;

	/* As embed: scores[n] are set, and finite. */
	int (*rerank)(const struct ragd_host *host, const char *instance,
		      const struct ragd_call *call, const struct ragd_rerank *req,
		      double *scores, struct ragd_err *err);
};

/* Also works with older daemons, which have no trials. */
static inline bool ragd_is_trial(const struct ragd_host *host)
{
	return RAGD_HAS(host, trial) && host->trial;
}

struct ragd_plugin {
	uint32_t                  abi;  /* RAGD_PLUGIN_ABI; refused unless equal */
	uint32_t                  size; /* sizeof(struct ragd_plugin) */
	enum ragd_kind            kind;
	const char               *name;    /* the file's: "safety_basic" for safety_basic.so */
	const char               *version;
	const char               *licence; /* an SPDX expression */
	const char               *summary; /* one line */
	const struct ragd_option *options; /* NULL: none */

	/*
	 * Check option values beyond types and ranges, and against each other. Opens nothing; may
	 * be NULL.
	 */
	int (*check)(const struct ragd_config *cfg, struct ragd_err *err);
	/*
	 * Once; may block (a model loads). On success *self is passed to every call. A plugin
	 * without state leaves out open and close; its self is NULL.
	 */
	int (*open)(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		    struct ragd_err *err);
	/* Once, after the last call has returned and the last sink is done. May be NULL. */
	void (*close)(void *self);

	union {
		const struct ragd_inference_ops *inference;
		const struct ragd_retrieval_ops *retrieval;
		const struct ragd_safety_ops    *safety;
	} ops;
};

/* The one symbol a plugin exports. */
extern RAGD_EXPORT const struct ragd_plugin ragd_plugin;

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
