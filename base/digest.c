#include "base/digest.h"

#include <nettle/sha2.h>
#include <stdlib.h>

struct digest {
	struct sha256_ctx ctx;
};

struct digest *digest_new(void)
{
	struct digest *d = malloc(sizeof(*d));

	if (d != NULL)
		sha256_init(&d->ctx);
	return d;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	sha256_update(&d->ctx, len, data);
}

void digest_end(struct digest *d, char out[DIGEST_HEX + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t sum[SHA256_DIGEST_SIZE];

	sha256_digest(&d->ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
	out[DIGEST_HEX] = '\0';
}

void digest_free(struct digest *d)
{
	free(d);
}

void digest_hex(const void *data, size_t len, char out[DIGEST_HEX + 1])
{
	struct digest d;

	sha256_init(&d.ctx);
	digest_add(&d, data, len);
	digest_end(&d, out);
}
