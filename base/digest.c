#include "base/digest.h"

#include <nettle/sha2.h>
#include <stdlib.h>

#include "base/encode.h"

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
	uint8_t sum[SHA256_DIGEST_SIZE];

	sha256_digest(&d->ctx, sizeof(sum), sum);
	hex_encode(sum, sizeof(sum), out);
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
