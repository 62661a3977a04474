/*
 * Modules for test_load.c: this file is built once for each VARIANT, into VARIANT.so, with
 * SYMBOL_VARIANT defined for the preprocessor. All but the good ones have exactly one thing wrong.
 */
#define _DEFAULT_SOURCE /* setenv */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <ragd/plugin.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define IS(x)      (VARIANT == x)

/* clang-format off */
enum {
	good, good_retrieval, good_safety, stateless,
	inference_older, retrieval_older, safety_older, inference_newer, ops_no_size,
	crashes, aborts, hangs, exits, intruder,
	no_symbol, symbol_function, symbol_tiny,
	abi_other, size_small, size_lies,
	kind_unknown, name_other, name_none, name_odd, version_none, licence_empty, summary_none,
	open_none, close_none, ops_none,
	inference_no_card, inference_no_generate, retrieval_no_stats, retrieval_no_put,
	safety_no_check, safety_some_stream, safety_no_holdback, safety_no_stages,
	safety_unknown_stage, safety_unknown_trait,
	option_range, option_twice, option_no_help, option_type, option_endless, option_choice,
	option_no_choices, option_bool, option_min_max, option_no_default, option_name,
};
/* clang-format on */

__attribute__((constructor)) static void on_load(void)
{
	if (IS(crashes))
		raise(SIGSEGV);
	if (IS(aborts))
		abort();
	if (IS(exits))
		_exit(0);
	if (IS(intruder))
		setenv("RAGD_TEST_INTRUDER", "was here", 1);
	while (IS(hangs))
		pause();
}

static int open_any(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		    struct ragd_err *err)
{
	(void)host;
	(void)cfg;
	(void)err;
	*self = NULL;
	return 0;
}

static void close_any(void *self)
{
	(void)self;
}

static void card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "none");
}

static int generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
		    struct ragd_sink *sink, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)req;
	(void)sink;
	return ragd_err_set(err, -ENOTSUP, "never called");
}

/* Never called either: what a pointer points to is no question of loading. */
static void nothing(void)
{
}

#define OP(type) ((type)nothing)
#pragma GCC diagnostic ignored "-Wcast-function-type"

/*
 * Older modules: what stands behind the end of their table is no operation, and must be taken for
 * none. A newer one has more than the host knows.
 */
#define OLDER(op) IS(inference_older) ? OP(__typeof__(((struct ragd_inference_ops *)0)->op)) : NULL

static const struct {
	struct ragd_inference_ops known;
	void (*more)(void);
} inference = {
	.known = { .size = IS(inference_older)   ? offsetof(struct ragd_inference_ops, embed)
			   : IS(inference_newer) ? sizeof(inference)
			   : IS(ops_no_size)     ? 0
						 : sizeof(struct ragd_inference_ops),
		   .card = IS(inference_no_card) ? NULL : card,
		   .generate = IS(inference_no_generate) ? NULL : generate,
		   .embed = OLDER(embed),
		   .score = OLDER(score),
		   .count = OLDER(count),
		   .rerank = OLDER(rerank) },
	.more = nothing,
};

#define RETRIEVAL(op) .op = OP(__typeof__(((struct ragd_retrieval_ops *)0)->op))

static const struct ragd_retrieval_ops retrieval = {
	.size = IS(retrieval_older) ? offsetof(struct ragd_retrieval_ops, embed)
				    : sizeof(struct ragd_retrieval_ops),
	RETRIEVAL(collection_put),
	RETRIEVAL(collection_remove),
	RETRIEVAL(collections),
	.put = IS(retrieval_no_put) ? NULL : OP(__typeof__(((struct ragd_retrieval_ops *)0)->put)),
	RETRIEVAL(remove),
	RETRIEVAL(list),
	RETRIEVAL(get),
	RETRIEVAL(search),
	.stats = IS(retrieval_no_stats) ? NULL
					: OP(__typeof__(((struct ragd_retrieval_ops *)0)->stats)),
	.embed = IS(retrieval_older) ? OP(__typeof__(((struct ragd_retrieval_ops *)0)->embed))
				     : NULL,
};

#define SAFETY(op) OP(__typeof__(((struct ragd_safety_ops *)0)->op))

static const struct ragd_safety_ops safety = {
	.size = IS(safety_older) ? offsetof(struct ragd_safety_ops, stream_open)
				 : sizeof(struct ragd_safety_ops),
	.traits = IS(safety_unknown_trait) ? 0x80 : RAGD_SAFETY_GROUNDS,
	.stages = IS(safety_no_stages)       ? 0
		  : IS(safety_unknown_stage) ? 0x11
					     : 1u << RAGD_STAGE_RESPONSE,
	.holdback = IS(safety_no_holdback) ? NULL : SAFETY(holdback),
	.check = IS(safety_no_check) ? NULL : SAFETY(check),
	.stream_open = SAFETY(stream_open),
	.stream_feed = SAFETY(stream_feed),
	.stream_close = IS(safety_some_stream) ? NULL : SAFETY(stream_close),
};

#define HELP "one sentence"
#define ROW(n)                                                                                     \
	{                                                                                          \
		"r" #n, RAGD_OPT_BOOL, "no", 0, 0, NULL, HELP, false                               \
	}
#define ROWS(n)                                                                                    \
	ROW(n##0), ROW(n##1), ROW(n##2), ROW(n##3), ROW(n##4), ROW(n##5), ROW(n##6), ROW(n##7)

static const struct ragd_option endless[] = {
	ROWS(0), ROWS(1), ROWS(2), ROWS(3), ROWS(4), ROWS(5), ROWS(6), ROWS(7), ROWS(8),
};

static const struct ragd_option options[] = {
	{ "threads", RAGD_OPT_INT,
	  IS(option_range)        ? "65"
	  : IS(option_no_default) ? NULL
				  : "4",
	  IS(option_min_max) ? 65 : 1, 64, NULL, HELP, false },
	{ "cache", RAGD_OPT_SIZE, "64 MiB", 0, 1 << 30, NULL, HELP, false },
	{ IS(option_twice)  ? "cache"
	  : IS(option_name) ? "Not-A-Name"
			    : "wait",
	  RAGD_OPT_DURATION, "5 s", 0, 0, NULL, IS(option_no_help) ? NULL : HELP, false },
	{ "mode", IS(option_type) ? (enum ragd_option_type)77 : RAGD_OPT_CHOICE,
	  IS(option_choice) ? "pale" : "dark", 0, 0, IS(option_no_choices) ? NULL : "light|dark",
	  HELP, false },
	{ "loud", RAGD_OPT_BOOL, IS(option_bool) ? "maybe" : "yes", 0, 0, NULL, HELP, false },
	{ "words", RAGD_OPT_LIST, "a,b", 0, 0, NULL, HELP, false },
	{ "file", RAGD_OPT_PATH, NULL, 0, 0, NULL, HELP, false },
	{ "part", RAGD_OPT_FLOAT, "0.5", 0, 1, NULL, HELP, false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

#define IS_RETRIEVAL                                                                               \
	(IS(good_retrieval) || IS(retrieval_older) || IS(retrieval_no_stats) ||                    \
	 IS(retrieval_no_put))
#define IS_SAFETY                                                                                  \
	(IS(good_safety) || IS(safety_older) || IS(safety_no_check) || IS(safety_some_stream) ||   \
	 IS(safety_no_holdback) || IS(safety_no_stages) || IS(safety_unknown_stage) ||             \
	 IS(safety_unknown_trait))

#if SYMBOL_no_symbol || SYMBOL_symbol_function || SYMBOL_symbol_tiny
__attribute__((used)) static const struct ragd_plugin descriptor = {
#else
RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
#endif
	.abi = IS(abi_other) ? 99 : RAGD_PLUGIN_ABI,
	.size = IS(size_small)  ? sizeof(struct ragd_plugin) - 8
		: IS(size_lies) ? sizeof(struct ragd_plugin) + 64
				: sizeof(struct ragd_plugin),
	.kind = IS(kind_unknown) ? (enum ragd_kind)9
		: IS_RETRIEVAL   ? RAGD_KIND_RETRIEVAL
		: IS_SAFETY      ? RAGD_KIND_SAFETY
				 : RAGD_KIND_INFERENCE,
	.name = IS(name_other)  ? "somebody_else"
		: IS(name_none) ? NULL
		: IS(name_odd)  ? "Name Odd"
				: STRING(VARIANT),
	.version = IS(version_none) ? NULL : "1",
	.licence = IS(licence_empty) ? "" : "Apache-2.0",
	.summary = IS(summary_none) ? NULL : "A module for tests",
	.options = IS(option_endless) ? endless : options,
	.open = IS(open_none) || IS(stateless) ? NULL : open_any,
	.close = IS(close_none) || IS(stateless) ? NULL : close_any,
	.ops = { .inference = IS(ops_none)   ? NULL
			      : IS_RETRIEVAL ? (const void *)&retrieval
			      : IS_SAFETY    ? (const void *)&safety
					     : (const void *)&inference },
};

/* The header knows ragd_plugin as a descriptor, hence the symbols' names by hand. */
#if SYMBOL_no_symbol
RAGD_EXPORT const struct ragd_plugin *not_by_that_name(void);
RAGD_EXPORT const struct ragd_plugin *not_by_that_name(void)
{
	return &descriptor;
}
#elif SYMBOL_symbol_function
RAGD_EXPORT const struct ragd_plugin *a_function(void) __asm__("ragd_plugin");
RAGD_EXPORT const struct ragd_plugin *a_function(void)
{
	return &descriptor;
}
#elif SYMBOL_symbol_tiny
RAGD_EXPORT extern const int tiny __asm__("ragd_plugin");
RAGD_EXPORT const int tiny = sizeof(descriptor) + RAGD_PLUGIN_ABI;
#endif
