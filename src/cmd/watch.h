// What `baton watch` shows, made from a view at one instant: a report, and its two forms.
//
//     struct watch_report *report;
//     watch_report_make(view, round, now_ms, &report, &err);
//     watch_report_text(report, 100, &out);          // or watch_report_json(report)
//     watch_report_free(report);
//
// A report owns its memory; view and round outlive it.
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "observe/view.h"

enum { WATCH_MAX_EFFECTS = 128 };

// One address and kind.
struct watch_line {
	struct observe_line seen;
	const char *server;  // the name server's name, "" where it has none
	const char *content; // in words
	const char *remark;  // "differs", "silent since …"; "" where all is well
	bool differs;        // from what most addresses of its publisher show
};

// Something that may still be cached though nobody serves it any more.
struct watch_cached {
	uint8_t publisher, kind;
	const char *content;
	int64_t fetched_until_ms, usable_until_ms;
};

// A step that somebody may want to take next.
struct watch_effect {
	const char *what;
	struct safety_window window;
	// With the gaps in what is known: from then on it is safe; TIME_NEVER_MS where that never
	// is so, or is not known.
	int64_t safe_from_ms;
	const char *cause; // why not now; "" where it is safe now
	const char *end;   // why not for ever; ""
};

struct watch_report {
	const struct observe_view *view;
	const struct observe_subject *subject;
	const struct observe_round *round; // the last one; NULL where there is none yet
	int64_t now_ms;
	struct safety_history history;
	struct observe_gaps gaps;
	int64_t settled_ms;     // nothing in the gaps blocks from then on; TIME_NEVER_MS
	bool complete;          // nothing is missing that a look can show
	bool over_limit;        // there is more than is read, so that nothing can be said
	bool secure, insecure;  // what resolvers make of it now; neither: bogus or unreachable
	const char *word;       // "secure", "insecure", "bogus", "unreachable", "unknown"
	const char *witness[2]; // sentences; "" where there is none
	size_t line_count, cached_count, effect_count, difference_count;
	struct watch_line *lines;
	struct watch_cached *cached;
	struct watch_effect *effects;
	size_t effects_left_out;
	const char **differences; // sentences
	struct arena *arena;
};

// round may be NULL.
enum result watch_report_make(const struct observe_view *view,
        const struct observe_subject *subject, const struct observe_round *round, int64_t now_ms,
        struct watch_report **report, struct error *err);
void watch_report_free(struct watch_report *report);

// For people, lines no longer than `columns` where that can be helped.
void watch_report_text(const struct watch_report *report, unsigned columns, struct buffer *out);
// A new reference; NULL without memory.
json_t *watch_report_json(const struct watch_report *report);

// Private to watch: contents in words (watch_words.c). Texts live in the arena.
const char *watch_content(const struct watch_report *report, int publisher, enum safety_kind kind,
        uint64_t content, uint64_t signers);
const char *watch_key(const struct watch_report *report, int key);
const char *watch_keys(const struct watch_report *report, uint64_t keys);
// The NS set that the address gave in the last round; NULL where it gave none.
const char *watch_ns(
        const struct watch_report *report, int publisher, const struct address *server);
// The next effects people may want (watch_effects.c).
enum result watch_effects_find(struct watch_report *report, struct error *err);
