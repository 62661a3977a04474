#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/util.h"
#include "tests/test.h"

/* FIPS 180-4's examples. */
static void digests_are_sha256(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	char out[DIGEST_HEX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		digest_hex(rows[i].in, strlen(rows[i].in), out);
		assert_string_equal(out, rows[i].want);
	}
}

static void pieces_give_what_the_whole_gives(void **state)
{
	char text[1000], whole[DIGEST_HEX + 1], pieces[DIGEST_HEX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	digest_hex(text, sizeof(text), whole);
	for (size_t step = 1; step <= sizeof(text); step += 99) {
		struct digest *d = digest_new();

		assert_non_null(d);
		for (size_t at = 0; at < sizeof(text); at += step)
			digest_add(d, text + at, MIN(step, sizeof(text) - at));
		digest_end(d, pieces);
		digest_free(d);
		assert_string_equal(pieces, whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(digests_are_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
