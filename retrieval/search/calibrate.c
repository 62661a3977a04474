#include "retrieval/search/calibrate.h"

#include <math.h>

#include "base/util.h"

float calibrate_cosine(float cosine, float unrelated)
{
	return unrelated < 1 ? MAX((cosine - unrelated) / (1 - unrelated), 0) : 0;
}

float calibrate_score(const struct evidence *e, float fused)
{
	float z = e->encoded ? -15.65f + 9.5f * e->nearest + 1.4f * e->words + 10.9f * fused
			     : -11.05f + 6.2f * e->words + 9.7f * fused;

	return 1 / (1 + expf(-z));
}
