/* Rule files of any content: either rules or an error with a sentence, never anything else. */
#include <stdint.h>
#include <stdlib.h>

#include "safety/rules/patterns.h"
#include "safety/rules/rules.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules *r = rules_new();
	struct ragd_err err = { 0 };
	int rc;

	if (r == NULL)
		return 0;
	rc = rules_parse(r, "fuzz", (const char *)data, size, LEVEL_STRICT, &err);
	if (rc == 0)
		rc = rules_check(r, &err);
	if ((rc < 0) != (err.msg[0] != '\0') || rc != err.code)
		abort();
	rules_free(r);
	return 0;
}
