/* An engine on the model of fake.h. */
#ifndef TESTS_ENGINE_SERVE_FAKE_ENGINE_H
#define TESTS_ENGINE_SERVE_FAKE_ENGINE_H

#include "tests/engine/serve/ask.h"
#include "tests/engine/serve/fake.h"
#include "tests/test.h"

/* Everything counted begins at 0. Of what the options leave out: fake_causal, and so many pages. */
static inline struct engine *fake_engine_open(struct engine_options o, size_t n_pages)
{
	struct engine *e = NULL;
	struct ragd_err err = { 0 };

	fake_reset();
	ask_reset();
	o.model = o.model != NULL ? o.model : &fake_causal;
	if (o.cache_bytes == 0)
		o.cache_bytes = n_pages * model_page_bytes(o.model, o.kv);
	if (engine_open(&o, &e, &err) != 0)
		fail_msg("%s", err.msg);
	return e;
}

#endif
