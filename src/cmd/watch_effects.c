// The steps that somebody may want to take next, each with the instant from which it is safe.
#include "cmd/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 16 << 10, WHAT_MAX = 400 };

struct finder {
	struct watch_report *report;
	struct safety_history history; // with the DS records that effects need
	struct safety_readers readers;
	enum result result;
	struct error *err;
};

static const struct safety_edition *current(
        const struct finder *f, int publisher, enum safety_kind kind)
{
	return safety_current(&f->history, publisher, kind);
}

static const char *fault_text(const struct finder *f, const struct safety_history *history,
        const struct safety_fault *fault)
{
	struct buffer text = buffer_init(TEXT_MAX);
	safety_fault_text(history, fault, SAFETY_TIME_UTC, &text);
	const char *copy = arena_strdup(f->report->arena, buffer_text(&text));
	buffer_free(&text);
	return copy != NULL ? copy : "";
}

// The gap that lasts longest.
static const char *gap_text(const struct finder *f)
{
	const struct observe_gaps *gaps = &f->report->gaps;
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->gap[i].blocks && gaps->gap[i].until_ms == f->report->settled_ms)
			return gaps->gap[i].text;
	return "More is unknown than can be listed.";
}

static void conclude(
        struct finder *f, struct watch_effect *effect, const struct safety_history *after)
{
	const struct safety_window *w = &effect->window;
	int64_t settled_ms = f->report->settled_ms;
	effect->cause = effect->end = "";
	effect->safe_from_ms = TIME_NEVER_MS;
	if (!w->possible) {
		effect->cause = fault_text(f, after, &w->cause);
		return;
	}
	effect->safe_from_ms = w->from_ms > settled_ms ? w->from_ms : settled_ms;
	if (settled_ms > w->from_ms && settled_ms > f->report->now_ms)
		effect->cause = gap_text(f);
	else if (w->waits)
		effect->cause = fault_text(f, after, &w->cause);
	if (!w->ends)
		return;
	effect->end = fault_text(f, after, &w->end);
	if (effect->safe_from_ms >= w->until_ms) {
		effect->safe_from_ms = TIME_NEVER_MS;
		if (effect->cause[0] == '\0')
			effect->cause = effect->end;
	}
}

static void try(struct finder *f, const struct safety_change *change, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void try(struct finder *f, const struct safety_change *change, const char *format, ...)
{
	struct watch_report *report = f->report;
	struct safety_effect effect = {.count = 1, .changes = {*change}};
	struct safety_history after;
	char what[WHAT_MAX];
	va_list args;
	if (f->result != RESULT_OK)
		return;
	if (report->effect_count == WATCH_MAX_EFFECTS) {
		report->effects_left_out++;
		return;
	}
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	struct watch_effect *made = &report->effects[report->effect_count];
	made->what = arena_strdup(report->arena, what);
	f->result = safety_earliest(
	        &f->history, &effect, &f->readers, report->now_ms, &made->window, &after);
	if (f->result != RESULT_OK || made->what == NULL) {
		f->result = error_set(f->err, RESULT_MEMORY, "out of memory");
		return;
	}
	conclude(f, made, &after);
	safety_history_free(&after);
	report->effect_count++;
}

static struct safety_change change_of(const struct safety_edition *e)
{
	return (struct safety_change){.publisher = e->publisher,
	        .kind = e->kind,
	        .content = e->content,
	        .signers = e->signers,
	        .ttl_s = e->ttl_s,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = TIME_NEVER_MS};
}

static bool serves(const struct finder *f, int group)
{
	const struct safety_edition *e = current(f, group, SAFETY_SERVING);
	return e != NULL && e->content != 0 && current(f, group, SAFETY_DNSKEY) != NULL;
}

// ---- DS -------------------------------------------------------------------------------------

// The keys that a DS set for this group has to lead to: those that sign its DNSKEY set, and of
// these, where there are any, the ones marked as entry points.
static uint64_t ksks_of(const struct finder *f, int group)
{
	uint64_t signers = current(f, group, SAFETY_DNSKEY)->signers, entry = 0;
	for (uint64_t rest = signers; rest != 0; rest &= rest - 1) {
		size_t key = (size_t)__builtin_ctzll(rest);
		if (key < observe_view_key_count(f->report->view) &&
		        dns_key_is_sep(observe_view_key(f->report->view, key)))
			entry |= UINT64_C(1) << key;
	}
	return entry != 0 ? entry : signers;
}

// The digest types in use at the parent; SHA-256 where there is no DS set.
static uint64_t ds_for(struct finder *f, uint64_t keys)
{
	const struct safety_edition *ds = current(f, 0, SAFETY_DS);
	uint64_t content = 0, digests = 0;
	for (uint64_t rest = ds->content; rest != 0; rest &= rest - 1) {
		uint8_t digest = f->history.ds_digest[__builtin_ctzll(rest)];
		digests |= digest < 64 ? UINT64_C(1) << digest : 0;
	}
	if (digests == 0)
		digests = UINT64_C(1) << DNS_DIGEST_SHA256;
	for (; keys != 0; keys &= keys - 1)
		for (uint64_t rest = digests; rest != 0; rest &= rest - 1) {
			int n = safety_ds_add(
			        &f->history, __builtin_ctzll(keys), (uint8_t)__builtin_ctzll(rest));
			if (n < 0)
				return 0;
			content |= UINT64_C(1) << n;
		}
	return content;
}

static void try_ds(struct finder *f, uint64_t keys, const char *whose)
{
	const struct safety_edition *ds = current(f, 0, SAFETY_DS);
	uint64_t content = ds_for(f, keys);
	if (content == 0 || content == ds->content)
		return;
	struct safety_change change = change_of(ds);
	change.content = content;
	try(f, &change, "DS set for %s, %s %s", watch_keys(f->report, keys),
	        (keys & (keys - 1)) != 0 ? "the KSKs of" : "the KSK of", whose);
}

static void try_all_ds(struct finder *f)
{
	uint64_t all = 0, first = 0;
	int groups = 0;
	for (int g = 1; g < f->history.publishers; g++) {
		if (!serves(f, g))
			continue;
		uint64_t keys = ksks_of(f, g);
		try_ds(f, keys, safety_publisher_name(&f->history, g));
		first = groups == 0 ? keys : first;
		all |= keys;
		groups++;
	}
	if (groups > 1 && all != first)
		try_ds(f, all, "all groups");
	const struct safety_edition *ds = current(f, 0, SAFETY_DS);
	struct safety_change none = change_of(ds);
	none.content = 0;
	if (ds->content != 0)
		try(f, &none, "no DS set");
}

// ---- Keys -----------------------------------------------------------------------------------

static void try_key(struct finder *f, int group, int key)
{
	const struct safety_edition *e = current(f, group, SAFETY_DNSKEY);
	struct safety_change change = change_of(e);
	uint64_t bit = UINT64_C(1) << key;
	const char *name = safety_publisher_name(&f->history, group);
	change.content ^= bit;
	if ((e->content & bit) == 0) {
		try(f, &change, "add key %s at %s", watch_key(f->report, key), name);
		return;
	}
	change.signers &= ~bit;
	try(f, &change, "remove key %s at %s", watch_key(f->report, key), name);
}

static void try_keys(struct finder *f)
{
	uint64_t all = 0;
	for (int g = 1; g < f->history.publishers; g++)
		all |= serves(f, g) ? current(f, g, SAFETY_DNSKEY)->content : 0;
	for (int g = 1; g < f->history.publishers; g++)
		for (uint64_t rest = serves(f, g) ? all : 0; rest != 0; rest &= rest - 1)
			try_key(f, g, __builtin_ctzll(rest));
}

// ---- Groups ---------------------------------------------------------------------------------

static void try_groups(struct finder *f)
{
	const struct safety_edition *ns = current(f, 0, SAFETY_NS);
	for (int g = 1; g < f->history.publishers; g++) {
		struct safety_change change = change_of(ns);
		change.content = UINT64_C(1) << g;
		if (serves(f, g) && ns->content != change.content)
			try(f, &change, "parent's NS set to %s only",
			        safety_publisher_name(&f->history, g));
	}
	for (int g = 1; g < f->history.publishers; g++) {
		if (!serves(f, g))
			continue;
		struct safety_change change = change_of(current(f, g, SAFETY_SERVING));
		change.content = 0;
		try(f, &change, "%s stops serving", safety_publisher_name(&f->history, g));
	}
}

enum result watch_effects_find(struct watch_report *report, struct error *err)
{
	struct finder f = {.report = report, .readers = safety_all_readers, .err = err};
	report->effects = arena_array(report->arena, WATCH_MAX_EFFECTS, sizeof *report->effects);
	if (report->effects == NULL ||
	        safety_history_copy(&f.history, &report->history) != RESULT_OK)
		return error_set(err, RESULT_MEMORY, "out of memory");
	f.readers.ttl_floor_s = report->subject->ttl_floor_s;
	try_all_ds(&f);
	try_keys(&f);
	try_groups(&f);
	safety_history_free(&f.history);
	return f.result;
}
