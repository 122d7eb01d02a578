#include "naive.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Everything that one reader can do, at every grid point. Arrays over time have index t - start.
struct walk {
	const struct naive_timeline *tl;
	enum naive_path path;
	bool strict;
	bool (*reachable)[NAIVE_GROUPS];

	// Which sets go together; that does not depend on time.
	bool empty[NAIVE_EDITIONS];                                  // [ds]
	bool chains[NAIVE_EDITIONS][NAIVE_EDITIONS];                 // [ds][dnskey]
	bool covers[NAIVE_EDITIONS][NAIVE_EDITIONS][NAIVE_EDITIONS]; // [ds][dnskey][data]

	// The latest grid point (as an open end) until which some reader holds an edition.
	int64_t ds_held[NAIVE_EDITIONS];
	int64_t key_held[NAIVE_EDITIONS]; // direct: unvalidated ones; forwarder: in its cache
	int64_t key_waits[NAIVE_EDITIONS]
	                 [NAIVE_EDITIONS]; // until a DS set was fetched: [dnskey][ds]
	int64_t data_held[NAIVE_EDITIONS];
	int64_t trusted[NAIVE_EDITIONS][NAIVE_EDITIONS]; // DNSKEY set validated by DS set

	enum naive_word word;
	int64_t at;
	char why[300];
};

const char *naive_word_text(enum naive_word word)
{
	static const char *const text[] = {"safe", "insecure", "bogus", "unreachable"};
	return text[word];
}

// A fault at t. The first of the worst word stays.
static void found(struct walk *w, enum naive_word word, int64_t t, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

static void found(struct walk *w, enum naive_word word, int64_t t, const char *format, ...)
{
	if (t < 0 || t > w->tl->until || word <= w->word)
		return;
	w->word = word;
	w->at = t;
	va_list args;
	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
}

static bool fetchable(const struct naive_edition *e, int64_t t)
{
	return e->first <= t && t < e->end;
}

static bool in_date(const struct naive_edition *e, int64_t t)
{
	return e->valid <= t && t < e->stale;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool serving_is_visible(const struct naive_timeline *tl, int group, bool serves, int64_t t)
{
	const struct naive_list *list = &tl->of[NAIVE_SERVING];
	for (int i = 0; i < list->n; i++)
		if (list->e[i].publisher == group && list->e[i].serves == serves &&
		        fetchable(&list->e[i], t))
			return true;
	return false;
}

static bool may_answer(const struct naive_timeline *tl, int group, int64_t t)
{
	return serving_is_visible(tl, group, true, t);
}

static bool surely_answers(const struct naive_timeline *tl, int group, int64_t t)
{
	return may_answer(tl, group, t) && !serving_is_visible(tl, group, false, t);
}

// Groups named by NS sets that can be held at t: of the parent only, or of all.
static void name_groups(const struct naive_timeline *tl, const int64_t *held, bool parent_only,
        int64_t t, bool *named)
{
	const struct naive_list *list = &tl->of[NAIVE_NS];
	memset(named, 0, NAIVE_GROUPS * sizeof(*named));
	for (int i = 0; i < list->n; i++)
		for (int g = 1; g < tl->publishers && t < held[i]; g++)
			named[g] |=
			        list->e[i].group[g] && (list->e[i].publisher == 0 || !parent_only);
}

// One round of asking every group that a reader knows for its NS set.
static void ask_for_ns(const struct naive_timeline *tl, const bool *known, int64_t t, int64_t *held)
{
	const struct naive_list *list = &tl->of[NAIVE_NS];
	for (int i = 0; i < list->n; i++) {
		const struct naive_edition *e = &list->e[i];
		if (e->publisher > 0 && known[e->publisher] && fetchable(e, t) &&
		        may_answer(tl, e->publisher, t))
			held[i] = t + e->life;
	}
}

static void judge_ns_set(struct walk *w, const struct naive_edition *e, int64_t t)
{
	for (int g = 1; g < w->tl->publishers; g++)
		if (e->group[g] && surely_answers(w->tl, g, t))
			return;
	found(w, NAIVE_UNREACHABLE, t, "no group of an NS set of %s surely answers",
	        w->tl->publisher[e->publisher]);
}

// Which groups can be asked at which grid point, and NS sets that lead nowhere.
static void follow_ns(struct walk *w, bool (*reachable)[NAIVE_GROUPS])
{
	const struct naive_timeline *tl = w->tl;
	const struct naive_list *list = &tl->of[NAIVE_NS];
	int64_t held[NAIVE_EDITIONS];
	for (int i = 0; i < list->n; i++)
		held[i] = tl->start;
	for (int64_t t = tl->start; t <= tl->until; t++) {
		bool known[NAIVE_GROUPS];
		for (int i = 0; i < list->n; i++)
			if (list->e[i].publisher == 0 && fetchable(&list->e[i], t))
				held[i] = t + list->e[i].life;
		name_groups(tl, held, true, t, known);
		if (tl->follow == NAIVE_CHILD)
			ask_for_ns(tl, known, t, held);
		for (int hop = 0; tl->follow == NAIVE_STICKY && hop < tl->publishers; hop++) {
			name_groups(tl, held, false, t, known);
			ask_for_ns(tl, known, t, held);
		}
		name_groups(tl, held, false, t, reachable[t - tl->start]);
		for (int i = 0; i < list->n; i++)
			if (t < held[i])
				judge_ns_set(w, &list->e[i], t);
	}
}

static bool is_empty(const struct naive_edition *ds)
{
	for (int i = 0; i < NAIVE_KEYS; i++)
		if (ds->ds[i])
			return false;
	return true;
}

// From worst to best.
static int strength(int digest)
{
	return digest == 4 ? 4 : digest == 2 ? 3 : digest == 1 ? 1 : 2;
}

// The strength of the best digest type in the set: strict readers look at these records only.
static int best_digest(const struct naive_timeline *tl, const struct naive_edition *ds)
{
	int best = 0;
	for (int i = 0; i < tl->ds_records; i++)
		if (ds->ds[i] && strength(tl->ds_digest[i]) > best)
			best = strength(tl->ds_digest[i]);
	return best;
}

// A DS record that this reader uses; algorithm 0 stands for any.
static bool counts(const struct walk *w, const struct naive_edition *ds, int record, int algorithm)
{
	const struct naive_timeline *tl = w->tl;
	if (!ds->ds[record] ||
	        (w->strict && strength(tl->ds_digest[record]) != best_digest(tl, ds)))
		return false;
	return algorithm == 0 || tl->algorithm[tl->ds_key[record]] == algorithm;
}

// Is there a path from this DS set to this DNSKEY set, by a key of this algorithm (0: any)?
static bool path_by(const struct walk *w, const struct naive_edition *ds,
        const struct naive_edition *dnskey, int algorithm)
{
	for (int i = 0; i < w->tl->ds_records; i++) {
		int key = w->tl->ds_key[i];
		if (counts(w, ds, i, algorithm) && dnskey->key[key] && dnskey->signer[key])
			return true;
	}
	return false;
}

static bool chains(
        const struct walk *w, const struct naive_edition *ds, const struct naive_edition *dnskey)
{
	if (!w->strict)
		return path_by(w, ds, dnskey, 0);
	for (int i = 0; i < w->tl->ds_records; i++)
		if (counts(w, ds, i, 0) &&
		        !path_by(w, ds, dnskey, w->tl->algorithm[w->tl->ds_key[i]]))
			return false;
	return true;
}

static bool signed_by(const struct walk *w, const struct naive_edition *dnskey,
        const struct naive_edition *data, int algorithm)
{
	for (int key = 0; key < w->tl->keys; key++)
		if (dnskey->key[key] && data->key[key] &&
		        (algorithm == 0 || w->tl->algorithm[key] == algorithm))
			return true;
	return false;
}

// Is this data good for a reader that validated this DNSKEY set by this DS set?
static bool covers(const struct walk *w, const struct naive_edition *ds,
        const struct naive_edition *dnskey, const struct naive_edition *data)
{
	if (!w->strict)
		return signed_by(w, dnskey, data, 0);
	for (int i = 0; i < w->tl->ds_records; i++)
		if (counts(w, ds, i, 0) &&
		        !signed_by(w, dnskey, data, w->tl->algorithm[w->tl->ds_key[i]]))
			return false;
	return true;
}

static void step_ds(struct walk *w, int64_t t)
{
	const struct naive_list *list = &w->tl->of[NAIVE_DS];
	for (int i = 0; i < list->n; i++) {
		const struct naive_edition *e = &list->e[i];
		bool met = false;
		if (fetchable(e, t) && w->path == NAIVE_FORWARDER)
			w->ds_held[i] = t + e->life;
		else if (fetchable(e, t) && in_date(e, t))
			w->ds_held[i] = earlier(t + e->life, e->stale);
		else
			met = fetchable(e, t);
		met |= t < w->ds_held[i];
		if (met && !in_date(e, t))
			found(w, NAIVE_BOGUS, t, "DS set %d is used out of date", i);
		else if (met && e->went_insecure)
			found(w, NAIVE_INSECURE, t, "DS set %d is empty", i);
	}
}

// A reader holds a DS set and meets a DNSKEY set, which it may keep until `end`.
static void meet(struct walk *w, int d, int k, int64_t end, int64_t t)
{
	const struct naive_edition *ds = &w->tl->of[NAIVE_DS].e[d];
	const struct naive_edition *dnskey = &w->tl->of[NAIVE_DNSKEY].e[k];
	if (!in_date(ds, t) || w->empty[d] || t >= w->ds_held[d])
		return;
	if (in_date(dnskey, t) && w->chains[d][k])
		w->trusted[k][d] = later(w->trusted[k][d], earlier(end, dnskey->stale));
	else
		found(w, NAIVE_BOGUS, t, "DS set %d meets DNSKEY set %d of %s", d, k,
		        w->tl->publisher[dnskey->publisher]);
}

static bool empty_ds_is_held(const struct walk *w, int64_t t)
{
	const struct naive_list *list = &w->tl->of[NAIVE_DS];
	for (int i = 0; i < list->n; i++)
		if (w->empty[i] && t < w->ds_held[i])
			return true;
	return false;
}

static bool can_ask(const struct walk *w, const struct naive_edition *e, int64_t t)
{
	return fetchable(e, t) && may_answer(w->tl, e->publisher, t) &&
	       w->reachable[t - w->tl->start][e->publisher];
}

static void step_dnskey(struct walk *w, int64_t t)
{
	const struct naive_list *list = &w->tl->of[NAIVE_DNSKEY];
	for (int k = 0; k < list->n; k++) {
		const struct naive_edition *e = &list->e[k];
		bool fetched = can_ask(w, e, t);
		if (fetched && (w->path == NAIVE_FORWARDER || empty_ds_is_held(w, t)))
			w->key_held[k] = t + e->life;
		for (int d = 0; d < w->tl->of[NAIVE_DS].n; d++) {
			bool appears = fetchable(&w->tl->of[NAIVE_DS].e[d], t);
			if (fetched)
				meet(w, d, k, t + e->life, t);
			if (t < w->key_held[k] && (w->path == NAIVE_FORWARDER || appears))
				meet(w, d, k, w->key_held[k], t);
		}
	}
}

static void step_data(struct walk *w, int64_t t)
{
	const struct naive_timeline *tl = w->tl;
	for (int r = 0; r < tl->of[NAIVE_DATA].n; r++) {
		const struct naive_edition *data = &tl->of[NAIVE_DATA].e[r];
		bool met = can_ask(w, data, t);
		if (met && w->path == NAIVE_FORWARDER)
			w->data_held[r] = t + data->life;
		met |= t < w->data_held[r];
		for (int k = 0; met && k < tl->of[NAIVE_DNSKEY].n; k++)
			for (int d = 0; d < tl->of[NAIVE_DS].n; d++)
				if (t < w->trusted[k][d] &&
				        (!in_date(data, t) || !w->covers[d][k][r]))
					found(w, NAIVE_BOGUS, t,
					        "DNSKEY set %d, trusted by DS set %d, meets data "
					        "%d of %s",
					        k, d, r, tl->publisher[data->publisher]);
	}
}

static void compare_sets(struct walk *w)
{
	const struct naive_list *ds = &w->tl->of[NAIVE_DS], *dnskey = &w->tl->of[NAIVE_DNSKEY];
	const struct naive_list *data = &w->tl->of[NAIVE_DATA];
	for (int d = 0; d < ds->n; d++) {
		w->empty[d] = is_empty(&ds->e[d]);
		for (int k = 0; k < dnskey->n; k++) {
			w->chains[d][k] = chains(w, &ds->e[d], &dnskey->e[k]);
			for (int r = 0; r < data->n; r++)
				w->covers[d][k][r] =
				        covers(w, &ds->e[d], &dnskey->e[k], &data->e[r]);
		}
	}
}

static void walk_records(struct walk *w)
{
	const struct naive_timeline *tl = w->tl;
	compare_sets(w);
	for (int i = 0; i < NAIVE_EDITIONS; i++) {
		w->ds_held[i] = w->key_held[i] = w->data_held[i] = tl->start;
		for (int j = 0; j < NAIVE_EDITIONS; j++)
			w->trusted[i][j] = tl->start;
	}
	for (int64_t t = tl->start; t <= tl->until; t++) {
		step_ds(w, t);
		step_dnskey(w, t);
		step_data(w, t);
	}
}

// The worse of two faults, and of equal ones the earlier.
static void report(const struct walk *w, enum naive_path path, struct naive_answer *answer)
{
	enum naive_word word = answer->path[path].word;
	int64_t at_ms = w->at * w->tl->unit_ms / w->tl->fine;
	if (w->word < word || (w->word == word && answer->path[path].at_ms <= at_ms))
		return;
	answer->path[path].word = w->word;
	answer->path[path].at_ms = at_ms;
	memcpy(answer->path[path].why, w->why, sizeof(w->why));
}

static void judge_reader(const struct naive_timeline *tl, enum naive_path path, bool strict,
        bool (*reachable)[NAIVE_GROUPS], struct naive_answer *answer)
{
	struct walk *w = calloc(1, sizeof(*w));
	if (w == NULL)
		abort();
	w->tl = tl;
	w->path = path;
	w->strict = strict;
	w->reachable = reachable;
	walk_records(w);
	report(w, path, answer);
	free(w);
}

void naive_judge(const struct naive_timeline *tl, struct naive_answer *answer)
{
	struct walk *ns = calloc(1, sizeof(*ns));
	bool(*reachable)[NAIVE_GROUPS] =
	        calloc((size_t)(tl->until - tl->start + 1), sizeof(*reachable));
	if (ns == NULL || reachable == NULL)
		abort();
	memset(answer, 0, sizeof(*answer));
	ns->tl = tl;
	follow_ns(ns, reachable);
	for (int path = 0; path < NAIVE_PATHS; path++) {
		report(ns, (enum naive_path)path, answer);
		if (tl->lenient)
			judge_reader(tl, (enum naive_path)path, false, reachable, answer);
		if (tl->strict)
			judge_reader(tl, (enum naive_path)path, true, reachable, answer);
	}
	free(reachable);
	free(ns);
}
