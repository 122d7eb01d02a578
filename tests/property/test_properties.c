// What must hold for the real safety model whatever the timeline: names and order do not matter,
// waiting longer does no harm where no signature expires, and the earliest safe instant is just
// that.
//
//     test_properties [--seed N]
//
// BATON_TWIN_COUNT: how many random timelines (default 10000; the slower tests take a part of it).
#include "compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HORIZON_H = 80 };

static uint64_t seed;

static uint64_t count(uint64_t part)
{
	return test_count("BATON_TWIN_COUNT", 10000) / part;
}

static struct real_answer judge_text(const char *text, size_t length)
{
	struct real_answer real;
	struct error err = {0};
	if (!real_judge(text, length, &real, &err)) {
		show_text("timeline:", text);
		fail_msg("%s", err.text);
	}
	return real;
}

static struct real_answer judge_generated(const struct generated *g, const struct random *disguise)
{
	struct buffer text = buffer_init(1 << 16);
	generated_write(g, disguise, &text);
	struct real_answer real = judge_text(text.data, text.length);
	buffer_free(&text);
	return real;
}

static void names_and_order_do_not_matter(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed);
	for (uint64_t i = 0; i < count(1); i++) {
		struct generated g;
		random_timeline(seed, i, &g);
		struct real_answer a = judge_generated(&g, NULL), b = judge_generated(&g, &random);
		for (int path = 0; path < SAFETY_PATHS; path++) {
			assert_int_equal(a.verdict.path[path].word, b.verdict.path[path].word);
			assert_int_equal(
			        a.verdict.path[path].insecure_ms, b.verdict.path[path].insecure_ms);
			if (a.verdict.path[path].word != SAFETY_SAFE)
				assert_int_equal(a.verdict.path[path].fault.at_ms,
				        b.verdict.path[path].fault.at_ms);
		}
		real_free(&a);
		real_free(&b);
	}
}

static void drop_signatures(struct gen_event *e)
{
	for (int p = 0; p < GEN_PUBLISHERS; p++)
		e->has[p][GEN_UNTIL] = e->has[p][GEN_FROM] = false;
}

static void without_signatures(struct generated *g)
{
	drop_signatures(&g->start);
	for (int i = 0; i < g->events; i++)
		drop_signatures(&g->event[i]);
}

// The first event of an instant after 0s, chosen at random; -1 where there is none.
static int choose_instant(const struct random *random, const struct generated *g)
{
	int candidates[GEN_EVENTS + 1], n = 0;
	for (int i = 0; i < g->events; i++)
		if (g->event[i].at > (i > 0 ? g->event[i - 1].at : 0))
			candidates[n++] = i;
	return n > 0 ? candidates[random_below(random, (uint64_t)n)] : -1;
}

static void assert_not_worse(const struct generated *g, const struct generated *delayed)
{
	struct real_answer a = judge_generated(g, NULL), b = judge_generated(delayed, NULL);
	for (int path = 0; path < SAFETY_PATHS; path++)
		if (b.verdict.path[path].word > a.verdict.path[path].word) {
			show_generated(g);
			show_generated(delayed);
			fail_msg("%s: %s, and %s with a delay",
			        safety_path_text((enum safety_path)path),
			        safety_word_text(a.verdict.path[path].word),
			        safety_word_text(b.verdict.path[path].word));
		}
	real_free(&a);
	real_free(&b);
}

static void delays_do_no_harm(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed + 1);
	for (uint64_t i = 0; i < count(1); i++) {
		struct generated g, delayed;
		random_timeline(seed, i, &g);
		without_signatures(&g);
		int k = choose_instant(&random, &g), by = 1 + (int)random_below(&random, 12);
		if (k < 0)
			continue;
		g.until = g.event[g.events - 1].at + HORIZON_H;
		delayed = g;
		delayed.until += by;
		for (int j = k; j < g.events; j++)
			delayed.event[j].at += by;
		assert_not_worse(&g, &delayed);
	}
}

// A change that is about to be made: what was before, the effect, and now.
struct plan {
	struct real_answer real;
	struct generated g;      // history, and the effect as the last event
	struct safety_history h; // a view of real's
	struct safety_effect effect;
	int64_t now_ms;
};

// Takes the editions of the last event out of a history, and makes the effect of them.
static void split(struct safety_history *h, int64_t at_ms, struct safety_effect *effect)
{
	unsigned kept = 0;
	*effect = (struct safety_effect){0};
	for (unsigned i = 0; i < h->count; i++)
		if (h->editions[i].from_ms != at_ms)
			h->editions[kept++] = h->editions[i];
		else
			effect->changes[effect->count++] = (struct safety_change){
			        .publisher = h->editions[i].publisher,
			        .kind = h->editions[i].kind,
			        .content = h->editions[i].content,
			        .signers = h->editions[i].signers,
			        .ttl_s = h->editions[i].ttl_s,
			        .signed_from_ms = h->editions[i].signed_from_ms,
			        .signed_until_ms = h->editions[i].signed_until_ms,
			};
	h->count = (uint16_t)kept;
	for (unsigned i = 0; i < kept; i++)
		if (h->editions[i].until_ms >= at_ms)
			h->editions[i].until_ms = TIME_NEVER_MS;
}

// A timeline cut behind a random instant, whose events become the effect; they are put off far
// enough that nothing before them is left in propagation, and taken out of the history.
static bool plan_make(const struct random *random, uint64_t number, bool signatures, struct plan *p)
{
	random_timeline(seed, number, &p->g);
	if (!signatures)
		without_signatures(&p->g);
	int k = choose_instant(random, &p->g);
	if (k < 0)
		return false;
	int last = k;
	while (last + 1 < p->g.events && p->g.event[last + 1].at == p->g.event[k].at)
		last++;
	int before = k > 0 ? p->g.event[k - 1].at : 0;
	int now = before + 1 + (int)random_below(random, 12);
	p->g.events = last + 1;
	p->g.until = -1;
	for (int i = k; i <= last; i++)
		p->g.event[i].at = 9999;
	p->real = judge_generated(&p->g, NULL);
	p->h = p->real.timeline.history;
	p->now_ms = now * HOUR_MS;
	split(&p->h, 9999 * HOUR_MS, &p->effect);
	return true;
}

static void plan_free(struct plan *p)
{
	real_free(&p->real);
}

static enum safety_word worse(const struct safety_verdict *v)
{
	return v->path[0].word > v->path[1].word ? v->path[0].word : v->path[1].word;
}

// The worst word from one instant to another, without an effect (x_ms TIME_NEVER_MS) or with it.
static enum safety_word word_with(struct plan *p, int64_t x_ms, int64_t from_ms, int64_t until_ms)
{
	struct safety_history copy;
	struct safety_verdict verdict = {0};
	assert_int_equal(safety_history_copy(&copy, &p->h), RESULT_OK);
	if (x_ms != TIME_NEVER_MS)
		assert_int_equal(safety_publish_all(&copy, &p->effect, x_ms), RESULT_OK);
	assert_int_equal(
	        safety_judge(&copy, &p->real.timeline.readers, from_ms, until_ms, &verdict),
	        RESULT_OK);
	safety_history_free(&copy);
	return worse(&verdict);
}

static bool is_safe_at(struct plan *p, int64_t x_ms)
{
	return word_with(p, x_ms, x_ms, x_ms + 2 * HORIZON_H * HOUR_MS) <= SAFETY_INSECURE;
}

static void plan_fail(const struct plan *p, const struct safety_window *w, const char *what)
{
	show_generated(&p->g);
	fail_msg("%s: now %lld h, window %s from %lld ms until %lld ms (the last event is the "
	         "effect)",
	        what, (long long)(p->now_ms / HOUR_MS), w->possible ? "possible" : "impossible",
	        (long long)w->from_ms, (long long)w->until_ms);
}

// Against a search that tries every half hour: everything that matters is at whole hours.
static void check_earliest(struct plan *p, const struct safety_window *w)
{
	int64_t x = p->now_ms, limit = p->now_ms + HORIZON_H * HOUR_MS;
	while (x < limit && !is_safe_at(p, x))
		x += HOUR_MS / 2;
	if ((x < limit) != w->possible)
		plan_fail(p, w, "possible or not");
	if (!w->possible)
		return;
	if (w->from_ms != x)
		plan_fail(p, w, "not the earliest instant");
	if (w->waits != (x > p->now_ms) || (w->waits && is_safe_at(p, w->from_ms - 1)))
		plan_fail(p, w, "safe already a millisecond before");
	for (; x < limit && x < w->until_ms; x += HOUR_MS / 2)
		if (!is_safe_at(p, x))
			plan_fail(p, w, "not safe inside the window");
}

// The same file with the effect at the window's beginning: what does the twin say?
static void check_by_twin(struct plan *p, const struct safety_window *w)
{
	struct buffer text = buffer_init(1 << 16);
	struct error err = {0};
	struct naive_answer answer;
	int from = (int)(w->from_ms / HOUR_MS);
	for (int i = 0; i < p->g.events; i++)
		if (p->g.event[i].at == 9999)
			p->g.event[i].at = from;
	p->g.until = from + HORIZON_H;
	generated_write(&p->g, NULL, &text);
	struct naive_timeline *tl = naive_read(text.data, text.length, NAIVE_FINE, &err);
	assert_non_null(tl);
	naive_judge(tl, &answer);
	for (int path = 0; path < NAIVE_PATHS; path++)
		if (answer.path[path].word > NAIVE_INSECURE && answer.path[path].at_ms >= p->now_ms)
			plan_fail(p, w, answer.path[path].why);
	naive_free(tl);
	buffer_free(&text);
}

static void earliest_is_tight(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed + 2);
	unsigned checked = 0, waits = 0, impossible = 0;
	for (uint64_t i = 0; i < count(5); i++) {
		struct plan p;
		struct safety_window w;
		if (!plan_make(&random, i, false, &p))
			continue;
		assert_int_equal(safety_earliest(&p.h, &p.effect, &p.real.timeline.readers,
		                         p.now_ms, &w, NULL),
		        RESULT_OK);
		bool now = safety_is_safe_now(
		        &p.h, &p.effect, &p.real.timeline.readers, p.now_ms, NULL);
		if (now != (w.possible && !w.waits))
			plan_fail(&p, &w, "safe now, or not");
		if (!w.broken && word_with(&p, TIME_NEVER_MS, p.now_ms, TIME_NEVER_MS - 1) <=
		                         SAFETY_INSECURE) {
			check_earliest(&p, &w);
			if (w.possible)
				check_by_twin(&p, &w);
			checked++;
			waits += w.waits;
			impossible += !w.possible;
		}
		plan_free(&p);
	}
	print_message("# %u effects: %u wait, %u are never safe\n", checked, waits, impossible);
}

// When the first signature runs out of what is still served in a history: its owner is expected to
// sign again before that, and so nobody judges beyond it.
static int64_t next_expiry(const struct safety_history *h, int64_t from_ms)
{
	int64_t first = from_ms + 2 * HORIZON_H * HOUR_MS;
	for (int i = 0; i < h->count; i++)
		if (h->editions[i].until_ms == TIME_NEVER_MS &&
		        h->editions[i].signed_until_ms < first)
			first = h->editions[i].signed_until_ms;
	return first;
}

// Is the effect at x safe until the next signature runs out?
static bool is_safe_while_signed(struct plan *p, int64_t x_ms)
{
	struct safety_history copy;
	struct safety_verdict verdict = {0};
	assert_int_equal(safety_history_copy(&copy, &p->h), RESULT_OK);
	assert_int_equal(safety_publish_all(&copy, &p->effect, x_ms), RESULT_OK);
	assert_int_equal(safety_judge(&copy, &p->real.timeline.readers, x_ms,
	                         next_expiry(&copy, x_ms) - 1, &verdict),
	        RESULT_OK);
	safety_history_free(&copy);
	return worse(&verdict) <= SAFETY_INSECURE;
}

static void check_window(const struct random *random, struct plan *p, const struct safety_window *w)
{
	int64_t end = next_expiry(&p->h, w->from_ms);
	if (w->until_ms < end)
		end = w->until_ms;
	for (int i = 0; i < 8 && end > w->from_ms; i++) {
		uint64_t at = random_below(random, (uint64_t)(end - w->from_ms));
		int64_t x = i == 0 ? w->from_ms : i == 1 ? end - 1 : w->from_ms + (int64_t)at;
		if (!is_safe_while_signed(p, x))
			plan_fail(p, w, "not safe inside the window");
	}
}

// Where signatures run out there is no fault inside the window before the next of them.
static void windows_hold_where_signatures_run_out(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed + 3);
	unsigned checked = 0, ends = 0;
	for (uint64_t i = 0; i < count(2); i++) {
		struct plan p;
		struct safety_window w;
		if (!plan_make(&random, i, true, &p))
			continue;
		assert_int_equal(safety_earliest(&p.h, &p.effect, &p.real.timeline.readers,
		                         p.now_ms, &w, NULL),
		        RESULT_OK);
		// A window may begin when a signature has run out, and old copies may outlive
		// theirs anyhow: then the effect breaks nothing more.
		if (w.possible && !w.broken && w.from_ms < next_expiry(&p.h, p.now_ms) &&
		        word_with(&p, TIME_NEVER_MS, p.now_ms, next_expiry(&p.h, p.now_ms) - 1) <=
		                SAFETY_INSECURE) {
			check_window(&random, &p, &w);
			checked++;
			ends += w.ends;
		}
		plan_free(&p);
	}
	print_message("# %u windows, %u of them end with signatures\n", checked, ends);
}

// Whoever serves it still signs it again before it runs out, if that is after `after_ms` and not
// after `by_ms`.
static void sign_again(struct safety_history *h, int64_t after_ms, int64_t by_ms)
{
	for (int i = 0; i < h->count; i++) {
		struct safety_edition *e = &h->editions[i];
		if (e->until_ms == TIME_NEVER_MS && e->signed_until_ms > after_ms &&
		        e->signed_until_ms <= by_ms)
			e->signed_until_ms = TIME_NEVER_MS;
	}
}

static enum safety_word word_of(
        struct plan *p, const struct safety_history *h, int64_t from_ms, int64_t until_ms)
{
	struct safety_verdict verdict = {0};
	assert_int_equal(
	        safety_judge(h, &p->real.timeline.readers, from_ms, until_ms, &verdict), RESULT_OK);
	return worse(&verdict);
}

// Is the effect at x safe, if all that runs out before that is signed again in time? Until the next
// signature runs out, or (`for_ever`) if all others are signed again, too.
static bool is_safe_signed_again(struct plan *p, int64_t x_ms, bool for_ever)
{
	struct safety_history copy;
	assert_int_equal(safety_history_copy(&copy, &p->h), RESULT_OK);
	sign_again(&copy, p->now_ms, x_ms);
	assert_int_equal(safety_publish_all(&copy, &p->effect, x_ms), RESULT_OK);
	int64_t until = x_ms + 4 * HORIZON_H * HOUR_MS;
	if (for_ever)
		sign_again(&copy, x_ms, TIME_NEVER_MS);
	for (int i = 0; i < copy.count; i++)
		if (copy.editions[i].until_ms == TIME_NEVER_MS &&
		        copy.editions[i].signed_until_ms > x_ms &&
		        copy.editions[i].signed_until_ms < until)
			until = copy.editions[i].signed_until_ms;
	bool safe = word_of(p, &copy, x_ms, until - 1) <= SAFETY_INSECURE;
	safety_history_free(&copy);
	return safe;
}

static bool is_fine_signed_again(struct plan *p)
{
	struct safety_history copy;
	assert_int_equal(safety_history_copy(&copy, &p->h), RESULT_OK);
	sign_again(&copy, p->now_ms, TIME_NEVER_MS);
	bool fine = word_of(p, &copy, p->now_ms, TIME_NEVER_MS - 1) <= SAFETY_INSECURE;
	safety_history_free(&copy);
	return fine;
}

// An expired signature makes nothing safe that was not: windows are those of a zone whose owner
// signs again.
static void expiries_hide_nothing(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed + 5);
	unsigned checked = 0, expires = 0, impossible = 0;
	for (uint64_t i = 0; i < count(2); i++) {
		struct plan p;
		struct safety_window w;
		if (!plan_make(&random, i, true, &p))
			continue;
		assert_int_equal(safety_earliest(&p.h, &p.effect, &p.real.timeline.readers,
		                         p.now_ms, &w, NULL),
		        RESULT_OK);
		if (!w.broken && is_fine_signed_again(&p)) {
			checked++;
			expires += w.expires;
			impossible += !w.possible;
			if (w.expires != (w.possible && w.waits && w.expiry.at_ms <= w.from_ms &&
			                         w.expiry.at_ms > p.now_ms))
				plan_fail(&p, &w, "expires, or not");
			if (w.possible && !is_safe_signed_again(&p, w.from_ms, false))
				plan_fail(&p, &w, "not safe where the window begins");
			if (w.waits && is_safe_signed_again(&p, w.from_ms - 1, true))
				plan_fail(&p, &w, "safe already a millisecond before");
			for (int h = 0; !w.possible && h < 2 * HORIZON_H; h++)
				if (is_safe_signed_again(&p, p.now_ms + h * HOUR_MS / 2, true))
					plan_fail(&p, &w, "possible after all");
		}
		plan_free(&p);
	}
	print_message(
	        "# %u effects: %u wait for longer than a signature lasts, %u are never safe\n",
	        checked, expires, impossible);
}

// Takes the signatures of the other publishers away. Is there no fault but those of the rest?
static bool is_fine_but_for(struct generated *g, int publisher)
{
	for (int e = -1; e < g->events; e++)
		for (int p = 0; p < GEN_PUBLISHERS; p++) {
			struct gen_event *event = e < 0 ? &g->start : &g->event[e];
			if (p != publisher)
				event->has[p][GEN_UNTIL] = event->has[p][GEN_FROM] = false;
		}
	struct generated plain = *g;
	without_signatures(&plain);
	plain.until = 2 * HORIZON_H;
	struct real_answer real = judge_generated(&plain, NULL);
	bool fine = worse(&real.verdict) == SAFETY_SAFE;
	real_free(&real);
	return fine;
}

// The history up to a random instant, and as the effect new signatures of one publisher.
static bool plan_signing(const struct random *random, uint64_t number, struct plan *p)
{
	random_timeline(seed, number, &p->g);
	struct generated *g = &p->g;
	int k = choose_instant(random, g), publisher = (int)random_below(random, 2);
	if (k < 0)
		return false;
	g->events = k;
	if (!is_fine_but_for(g, publisher))
		return false;
	g->events = k + 1;
	g->until = -1;
	g->event[k] = (struct gen_event){.at = 9999, .ttl = {-1, -1, -1, -1, -1, -1}};
	g->event[k].has[publisher][GEN_UNTIL] = g->event[k].has[publisher][GEN_FROM] = true;
	g->event[k].value[publisher][GEN_UNTIL] = 20000;
	p->real = judge_generated(g, NULL);
	p->h = p->real.timeline.history;
	p->now_ms =
	        ((k > 0 ? g->event[k - 1].at : 0) + 1 + (int)random_below(random, 24)) * HOUR_MS;
	split(&p->h, 9999 * HOUR_MS, &p->effect);
	return true;
}

// However late it is: nobody is told to wait with new signatures.
static void signing_again_never_waits(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, seed + 4);
	unsigned late = 0;
	for (uint64_t i = 0; i < count(2); i++) {
		struct plan p;
		struct safety_window w;
		if (!plan_signing(&random, i, &p))
			continue;
		assert_int_equal(safety_earliest(&p.h, &p.effect, &p.real.timeline.readers,
		                         p.now_ms, &w, NULL),
		        RESULT_OK);
		if (!w.possible || w.from_ms != p.now_ms)
			plan_fail(&p, &w, "new signatures have to wait");
		late += w.broken;
		plan_free(&p);
	}
	print_message("# %u times too late for cached copies\n", late);
}

int main(int argc, char **argv)
{
	seed = test_seed(argc, argv);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_and_order_do_not_matter),
	        cmocka_unit_test(delays_do_no_harm),
	        cmocka_unit_test(earliest_is_tight),
	        cmocka_unit_test(windows_hold_where_signatures_run_out),
	        cmocka_unit_test(expiries_hide_nothing),
	        cmocka_unit_test(signing_again_never_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
