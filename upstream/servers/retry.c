#include "upstream/servers/retry.h"

#include "base/util.h"

enum attempt_result retry_classify(long status, int has_retry_after)
{
	if (status >= 200 && status < 300)
		return ATTEMPT_OK;
	switch (status) {
	case 401: /* another server may take the key, or have the model */
	case 403:
	case 404:
	case 405:
		return ATTEMPT_MISFIT;
	case 408:
	case 425:
		return ATTEMPT_FAILED;
	case 429:
		return ATTEMPT_BUSY;
	case 503:
		return has_retry_after ? ATTEMPT_BUSY : ATTEMPT_FAILED;
	default:
		break;
	}
	if (status >= 400 && status < 500)
		return ATTEMPT_REFUSED;
	return status >= 500 ? ATTEMPT_FAILED : ATTEMPT_MISFIT; /* redirects are not followed */
}

int64_t retry_delay_ms(int64_t base_ms, int64_t cap_ms, unsigned round, double random)
{
	int64_t ms = base_ms;

	for (unsigned i = 1; i < round && ms < cap_ms; i++)
		ms *= 2;
	ms = MIN(ms, cap_ms);
	return ms - (int64_t)((double)ms * 0.5 * random);
}

/* splitmix64 */
double retry_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1p-53;
}
