#include "engine/reader/cues.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/text/words.h"

#define SLOTS 2048 /* a power of two, over twice the number of words below */

struct cues {
	struct slot {
		uint64_t hash; /* 0: empty */
		uint32_t cues;
	} slots[SLOTS];
};

/* clang-format off */
static const struct {
	uint32_t cue;
	const char *words;
} rows[] = {
	{ CUE_NUMBER, "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
		"fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
		"hundred hundreds thousand thousands million millions billion billions trillion dozen dozens half "
		"third quarter double triple once twice single both pair none" },
	{ CUE_MONTH, "january february march april may june july august september october november december "
		"monday tuesday wednesday thursday friday saturday sunday" },
	{ CUE_TIME, "year years century centuries decade decades month months week weeks day days hour hours "
		"minute minutes ago before after until till during since early late mid later today now currently "
		"spring summer autumn winter morning night midnight noon bc bce ad ce date anniversary era age "
		"period eventually recently when while once annually yearly daily then start end began begin" },
	{ CUE_REASON, "because since due cause causes caused causing reason reasons therefore thus hence result "
		"results resulted consequence consequently owing thanks order purpose prevent avoid avoids allow "
		"allows allowed enable enables so why otherwise led leads fear ensure lest motivated intended" },
	{ CUE_MEANS, "by using use uses used via through with call calls calling set setting sets pass passing "
		"passes means method process run running enable add adding install configure specify specified "
		"provide provided must should need needs can option flag function variable command" },
	{ CUE_COPULA, "is are was were be refers means denotes called known defined describes represents became" },
	{ CUE_PERSON, "he she who king queen president prime minister emperor prince princess duke general author "
		"writer singer actor actress director producer player scientist engineer inventor founder leader "
		"governor senator judge justice professor architect composer artist painter philosopher "
		"mathematician physicist chemist saint pope bishop captain son daughter wife husband brother sister "
		"father mother man woman user caller callee programmer developer owner mr mrs dr sir lord written "
		"directed performed portrayed played sung founded invented discovered led voiced recorded" },
	{ CUE_PLACE, "city town village country nation state province county region district area river lake sea "
		"ocean island islands mountain mountains continent capital north south east west northern southern "
		"eastern western central northeast northwest southeast southwest located situated street road "
		"building coast valley border park place location site station headquarters lies near directory "
		"file folder path filmed born held hosted based" },
	{ CUE_AT, "in at on near from to into within between across around along outside inside under" },
	{ CUE_PRONOUN, "it its this these those they them their he him his she her such that there here" },
	{ CUE_NEGATION, "not no never none cannot nor neither without impossible unable n't don't doesn't isn't aren't wasn't weren't "
		"can't couldn't won't wouldn't shouldn't didn't hasn't haven't mustn't" },
	{ CUE_UNIT, "percent per percentage km kilometre kilometres kilometer kilometers mile miles metre metres "
		"meter meters feet foot inch inches cm mm kg kilogram kilograms pound pounds ton tons tonne tonnes "
		"gram grams litre litres liter degrees celsius fahrenheit dollar dollars euro euros cent cents ms "
		"millisecond milliseconds second seconds kb kib mb mib gb gib tb byte bytes bit bits hz mhz ghz "
		"watt watts volts acres hectares people times square cubic year years month months week weeks day days hour hours minute minutes decade decades century centuries" },
	{ CUE_MODAL, "can could may might must shall should will would able possible allowed supported supports "
		"safe required optional always only" },
	{ CUE_ARTICLE, "a an the" },
	{ CUE_AMOUNT, "number percentage percent size limit maximum minimum amount population length height width "
		"depth cost price value interval timeout version port distance speed temperature age rate ratio "
		"area weight capacity duration area total count default" },
	{ CUE_COMMON, "first new many known used called well including year later early general often part several "
		"made number use form following work another based like name much major end great even example "
		"include different began along old using long place way order now back large common means late "
		"present around still among important usually small main throughout group single role third "
		"original various given though found result required named generally term become create considered "
		"originally rather case largest see beginning right time last eventually particularly said others "
		"take type show similar total thus able followed received near took effect addition significant "
		"today every top final either full short especially typically per different kind sort thing things "
		"happen happened happens get got give gave mean come came go went does one two people person word "
		"list item state refer main purpose what certain additional other also example happen" },
};
/* clang-format on */

static void cue_put(struct cues *c, uint64_t hash, uint32_t cue)
{
	size_t at = hash & (SLOTS - 1);

	while (c->slots[at].hash != 0 && c->slots[at].hash != hash)
		at = (at + 1) & (SLOTS - 1);
	c->slots[at].hash = hash;
	c->slots[at].cues |= cue;
}

struct cues *cues_new(void)
{
	struct cues *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *word = rows[i].words;

		while (*word != '\0') {
			size_t n = strcspn(word, " ");

			cue_put(c, words_hash(word, n), rows[i].cue);
			word += n + (word[n] == ' ');
		}
	}
	return c;
}

void cues_free(struct cues *c)
{
	free(c);
}

uint32_t cues_find(const struct cues *c, uint64_t hash)
{
	size_t at = hash & (SLOTS - 1);

	for (; c->slots[at].hash != 0; at = (at + 1) & (SLOTS - 1))
		if (c->slots[at].hash == hash)
			return c->slots[at].cues;
	return 0;
}
