#include "engine/reader/related.h"

#include <string.h>

#include "base/util.h"

/* clang-format off */
static const char *const forms[] = {
	"arise arose arisen", "bear bore borne", "beat beaten", "become became", "begin began begun", "bind bound",
	"bite bit bitten", "blow blew blown", "break broke broken", "bring brought", "build built", "burn burnt",
	"buy bought", "catch caught", "choose chose chosen", "come came", "deal dealt", "dig dug", "draw drew drawn",
	"drive drove driven", "eat ate eaten", "fall fell fallen", "feed fed", "feel felt", "fight fought",
	"find found", "fly flew flown", "forbid forbade forbidden", "forget forgot forgotten", "freeze froze frozen",
	"get got gotten", "give gave given", "go went gone goes", "grow grew grown", "hang hung", "hear heard",
	"hide hid hidden", "hold held", "keep kept", "know knew known", "lay laid", "lead led", "leave left",
	"lend lent", "lose lost", "make made", "mean meant", "meet met", "pay paid", "ride rode ridden",
	"ring rang rung", "rise rose risen", "run ran", "say said", "see saw seen", "seek sought", "sell sold",
	"send sent", "shake shook shaken", "shoot shot", "show shown", "sing sang sung", "sink sank sunk",
	"sit sat", "sleep slept", "speak spoke spoken", "spend spent", "spin spun", "stand stood",
	"steal stole stolen", "strike struck", "swear swore sworn", "swim swam swum", "take took taken",
	"teach taught", "tell told", "think thought", "throw threw thrown", "understand understood",
	"wake woke woken", "wear wore worn", "win won", "write wrote written rewrite rewritten",
	"child children", "man men", "woman women", "person people", "foot feet", "tooth teeth", "mouse mice",
	"die died dies death dead dying", "life live lives living lived", "datum data", "lie lay lain lies lying",
	"index indices indexes", "matrix matrices", "vertex vertices", "analysis analyses analyze analyse",
	"colour color", "centre center", "behaviour behavior", "organise organize organisation organization",
	"asynchronous async asynchronously", "synchronous sync synchronously",
	"configure configuration config", "initialise initialize init initialization", "maximum max", "minimum min",
	"directory dir directories", "argument arg args", "parameter param params", "environment env",
	"character char", "information info", "application app apps", "message msg", "function func",
	"number no", "reference ref", "specification spec", "repository repo",
};

static const char *const kin[] = {
	"born birth birthplace", "author write wrote written pen", "sing singer sang sung vocals recorded performed",
	"play played portray portrayed plays role actor actress starring stars cast", "voice voiced voices",
	"begin start started began launch opened commenced", "end finish ended stop final conclude ceased",
	"create made developed designed build invented established founded formed introduced",
	"located situated lies location found based", "live reside inhabit residence", "film filmed shot filming",
	"buy purchase acquire acquired bought", "show series program", "movie film", "song single track",
	"large big great size", "largest biggest", "kill killed murder slain death", "win won victory winner champion",
	"rule ruled reign king governed", "leader led head chief", "country nation state", "people population",
	"many number total", "limit maximum max most", "default initially", "cost price worth",
	"meaning means mean refers denotes definition", "call named known name termed", "job work occupation profession",
	"allow permit let enable", "remove delete erase drop", "safe thread-safe", "cause caused reason because due led",
	"change modify set alter configure", "release released published issued debut premiered aired",
	"come release released premiere air", "air aired premiere broadcast", "use used using employ utilize",
	"help assist aid support", "increase grow rise raised", "decrease reduce decline fall lower",
	"happen occur occurs take happens", "free release released freed freeing deallocate",
	"wait block blocking blocks", "fail error fails failure", "return returns result yields",
	"send write transmit", "receive read", "type kind sort form", "wife married husband spouse marry",
	"belong part member", "need require required must", "stop cancel cancelled abort", "watch monitor detect",
	"platform platforms os windows linux macos unix", "often frequency once times", "stay remain valid",
	"recommend recommended should use", "twice two", "buffer buf buffers", "job task work",
	"signal sig", "thread pool threadpool", "mac macos osx", "hour hours", "old age aged", "tall height",
	"long length duration", "far distance", "deep depth", "wide width", "heavy weight weighs", "fast speed",
	"language spoken speak", "win award awarded",
};
/* clang-format on */

static bool has_word(const char *row, const char *fold, size_t n)
{
	for (const char *at = row; *at != '\0';) {
		size_t len = strcspn(at, " ");

		if (len == n && memcmp(at, fold, n) == 0)
			return true;
		at += len + (at[len] == ' ');
	}
	return false;
}

bool related_next(const char *fold, size_t n, size_t *at, const char **row, bool *same)
{
	for (; *at < ARRAY_LEN(forms) + ARRAY_LEN(kin); ++*at) {
		size_t i = *at;

		*same = i < ARRAY_LEN(forms);
		*row = *same ? forms[i] : kin[i - ARRAY_LEN(forms)];
		if (has_word(*row, fold, n)) {
			++*at;
			return true;
		}
	}
	return false;
}
