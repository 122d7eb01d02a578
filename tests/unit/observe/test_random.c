// Random worlds: whatever an address really showed, and was seen to show at least once, is inside
// an edition of that content for as long as it was there; its TTL is that of the edition, or
// smaller where rounds are folded. (That the same comes out through JSON, and of fewer rounds,
// every tick checks.) BATON_TEST_SEED repeats a run.
#include "base/random.h"
#include "script.h"

enum { WORLDS = 40, TICKS = 40, TICK_S = 10, SPANS = 4 * TICKS };

// One content at one address, from one change to the next.
struct span {
	enum place place;
	unsigned content;
	int64_t from_ms, until_ms;
	bool seen;
};

struct world {
	struct script *s;
	struct random_seeded seeded;
	struct random random;
	size_t count;
	struct span span[SPANS];
	size_t present[PLACES]; // index into span
	bool silent[PLACES];
};

// Eight contents: four key sets, each with two TTLs.
static const unsigned key_sets[] = {KA | ZA, KA | ZA | ZB, KA | ZB, KA | KB | ZA};

static void put_on(struct world *w, enum place place, unsigned content, int64_t from_ms)
{
	assert_true(w->count < SPANS);
	if (w->count > 0)
		w->span[w->present[place]].until_ms = from_ms;
	w->present[place] = w->count;
	w->span[w->count++] = (struct span){place, content, from_ms, TIME_NEVER_MS, false};
	show_keys(w->s, place, key_sets[content % 4], KA, content < 4 ? 30 : 20);
	if (w->silent[place])
		silence(w->s, place);
}

static void change_something(struct world *w, int64_t now_ms)
{
	for (int p = A1; p <= A3; p++) {
		enum place place = (enum place)p;
		if (random_below(&w->random, 8) == 0) {
			w->silent[p] = !w->silent[p];
			(w->silent[p] ? silence : answer)(w->s, place);
		}
		if (random_below(&w->random, 4) == 0)
			put_on(w, place, (unsigned)random_below(&w->random, 8), now_ms);
	}
}

static void note_seen(struct world *w)
{
	for (int p = A1; p <= A3; p++)
		if (!w->silent[p])
			w->span[w->present[p]].seen = true;
}

static bool is_covered(const struct world *w, const struct safety_history *h,
        const struct span *span, int64_t at_ms)
{
	uint32_t ttl_s = span->content < 4 ? 30 : 20;
	for (int i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		if (e->publisher == A && e->kind == SAFETY_DNSKEY &&
		        e->content == key_sets[span->content % 4] &&
		        (e->ttl_s == ttl_s || (!w->s->fold_off && e->ttl_s > ttl_s)) &&
		        e->from_ms <= at_ms && at_ms < e->until_ms)
			return true;
	}
	return false;
}

static void check(struct world *w)
{
	struct safety_history h;
	struct error err;
	int64_t now_ms = w->s->wall_ms;
	assert_int_equal(
	        observe_view_history(w->s->view, now_ms, false, &h, NULL, &err), RESULT_OK);
	for (size_t i = 0; i < w->count; i++) {
		const struct span *span = &w->span[i];
		int64_t last_ms = span->until_ms == TIME_NEVER_MS ? now_ms : span->until_ms - 1;
		if (!span->seen)
			continue;
		for (int64_t at_ms = span->from_ms; at_ms <= last_ms; at_ms += 2500)
			assert_true(is_covered(w, &h, span, at_ms));
		assert_true(is_covered(w, &h, span, last_ms));
	}
	// And the last edition is one that is shown by an address now, as far as is known.
	const struct safety_edition *e = safety_current(&h, A, SAFETY_DNSKEY);
	assert_non_null(e);
	assert_int_equal(e->until_ms, TIME_NEVER_MS);
	safety_history_free(&h);
}

static void play(uint64_t seed, bool fold_off)
{
	struct world w = {.s = script_new_with_past()};
	w.s->fold_off = fold_off;
	w.random = random_from_seed(&w.seeded, seed);
	for (int p = A1; p <= A3; p++)
		put_on(&w, (enum place)p, (unsigned)random_below(&w.random, 2), START_MS - HOUR_MS);
	for (size_t i = 0; i < w.count; i++)
		w.span[i].until_ms = TIME_NEVER_MS;
	for (int i = 0; i < TICKS; i++) {
		tick(w.s, i * TICK_S);
		note_seen(&w);
		check(&w);
		change_something(&w, w.s->wall_ms + TICK_S * SECOND_MS / 2);
	}
	script_free(w.s);
}

static void editions_cover_what_was_shown(void **state)
{
	(void)state;
	const char *text = getenv("BATON_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;
	print_message("# BATON_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < WORLDS; i++)
		play(seed * 1000 + i, i % 2 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(editions_cover_what_was_shown)};
	return cmocka_run_group_tests_name("observe random", tests, NULL, NULL);
}
