// Plans and check reports as text, JSON, iCalendar and SVG. PURE: into a struct buffer, which says
// in `failed` whether its declared maximum was enough.
#pragma once

#include "base/buffer.h"
#include "procedure/check.h"
#include "procedure/plan.h"

// Who the plan is for, and when it was made.
struct render_context {
	const char *zone; // "" where the plan is for no zone in particular
	int64_t stamp_ms; // when it was made (iCalendar's DTSTAMP)
};

// A table for people: step, who acts, when, what it waits for.
void plan_write_text(
        const struct plan *plan, const struct render_context *context, struct buffer *out);
// One JSON object; instants as RFC 3339 in UTC, or as durations in relative plans; -1 nowhere: what
// is not there is null. The members are described in docs/man/baton-procedure.5.
enum result plan_write_json(const struct plan *plan, const struct render_context *context,
        struct buffer *out, struct error *err);
// RFC 5545: one event for each step, with stable UIDs, so that a calendar replaces old plans by new
// ones. RESULT_INPUT for relative plans: a calendar needs a date.
enum result plan_write_ics(const struct plan *plan, const struct render_context *context,
        struct buffer *out, struct error *err);
// A swim lane for each party, steps where they happen, and bars for the cached records they wait
// for.
void plan_write_svg(
        const struct plan *plan, const struct render_context *context, struct buffer *out);

// What a check found, for people.
void check_write_text(
        const struct procedure *procedure, const struct check_report *report, struct buffer *out);
// One line of JSON: name, direct, forwarder, witness, ok, routes, findings.
enum result check_write_json(const struct procedure *procedure, const struct check_report *report,
        struct buffer *out, struct error *err);
