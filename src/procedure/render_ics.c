// Plans as iCalendar, RFC 5545.
#include "procedure/render.h"

#include <string.h>

// Folds at 75 octets (section 3.1), never inside a UTF-8 character.
static void write_line(struct buffer *out, const char *line)
{
	enum { MAX = 75 };
	size_t left = strlen(line), room = MAX;
	while (left > room) {
		size_t n = room;
		while (n > 1 && ((unsigned char)line[n] & 0xc0) == 0x80)
			n--;
		buffer_add(out, line, n);
		buffer_puts(out, "\r\n ");
		line += n;
		left -= n;
		room = MAX - 1; // the space counts
	}
	buffer_puts(out, line);
	buffer_puts(out, "\r\n");
}

// Text as in section 3.3.11.
static void write_escaped(struct buffer *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\' || *p == ';' || *p == ',')
			buffer_printf(out, "\\%c", *p);
		else if (*p == '\n')
			buffer_puts(out, "\\n");
		else if ((unsigned char)*p >= ' ' && *p != 0x7f)
			buffer_add(out, p, 1);
	}
}

static void write_property(struct buffer *out, const char *name, const char *text)
{
	struct buffer line = buffer_init(64 * 1024);
	buffer_printf(&line, "%s:", name);
	write_escaped(&line, text);
	if (line.failed)
		out->failed = true;
	else
		write_line(out, buffer_text(&line));
	buffer_free(&line);
}

// 2026-11-21T17:40:00Z without its punctuation. Rounded up to a second: never earlier than it is
// safe.
static void write_stamp(struct buffer *out, const char *name, int64_t at_ms)
{
	char text[TIME_TEXT];
	time_format((at_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS, text);
	buffer_printf(out, "%s:", name);
	for (const char *p = text; *p != '\0'; p++)
		if (*p != '-' && *p != ':')
			buffer_add(out, p, 1);
	buffer_puts(out, "\r\n");
}

static void describe(const struct plan *plan, const struct plan_step *step, struct buffer *out)
{
	const struct procedure *p = plan->procedure;
	buffer_printf(out, "%s acts: ", p->parties[step->step->by].id);
	for (size_t i = 0; i < step->step->act_count; i++) {
		buffer_puts(out, i > 0 ? "; " : "");
		procedure_act_describe(p, &step->step->acts[i], out);
	}
	buffer_puts(out, ".");
	if (step->record.is_set)
		buffer_printf(out, "\nNot earlier: %s", step->record.text);
	if (step->end.is_set)
		buffer_printf(out, "\nNot later: %s", step->end.text);
	if (step->step->approve != 0) {
		const char *comma = "\nTo be approved by ";
		for (size_t i = 0; i < p->party_count; i++)
			if (step->step->approve >> i & 1) {
				buffer_printf(out, "%s%s", comma, p->parties[i].id);
				comma = ", ";
			}
		buffer_puts(out, ".");
	}
	if (step->makes_insecure)
		buffer_puts(out, "\nResolvers see the zone as insecure from here on.");
	if (step->no_way_back)
		buffer_printf(out, "\nNo way back after this step: %s", step->undo.text);
}

// The same step of the same procedure for the same zone has the same UID in every plan.
static void write_uid(
        const struct plan *plan, const char *zone, const char *step, struct buffer *out)
{
	struct buffer uid = buffer_init(4096);
	buffer_printf(&uid, "UID:%s.%s.%s@baton.invalid", step, plan->procedure->id,
	        zone[0] != '\0' ? zone : "any");
	write_line(out, buffer_text(&uid));
	buffer_free(&uid);
}

static void write_event(const struct plan *plan, const struct render_context *context,
        const struct plan_step *step, struct buffer *out)
{
	struct buffer text = buffer_init(32 * 1024);
	buffer_puts(out, "BEGIN:VEVENT\r\n");
	write_uid(plan, context->zone, step->step->id, out);
	write_stamp(out, "DTSTAMP", context->stamp_ms);
	write_stamp(out, "DTSTART", step->start_ms);
	// An event of no length is no event for many calendars.
	int64_t end_ms = step->everywhere_ms - step->start_ms < MINUTE_MS
	                         ? step->start_ms + MINUTE_MS
	                         : step->everywhere_ms;
	write_stamp(out, "DTEND", end_ms);
	buffer_printf(&text, "%s%s%s", context->zone, context->zone[0] != '\0' ? ": " : "",
	        step->step->title);
	write_property(out, "SUMMARY", buffer_text(&text));
	buffer_clear(&text);
	describe(plan, step, &text);
	write_property(out, "DESCRIPTION", buffer_text(&text));
	write_property(out, "CATEGORIES", plan->procedure->parties[step->step->by].id);
	buffer_puts(out, "TRANSP:TRANSPARENT\r\nEND:VEVENT\r\n");
	out->failed = out->failed || text.failed;
	buffer_free(&text);
}

enum result plan_write_ics(const struct plan *plan, const struct render_context *context,
        struct buffer *out, struct error *err)
{
	if (plan->scenario.relative)
		return error_set(err, RESULT_INPUT,
		        "a calendar needs a date to begin with, expected a start time");
	buffer_puts(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Baton//baton plan//EN\r\n"
	                 "CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n");
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state == PLAN_STEP_PLANNED)
			write_event(plan, context, &plan->steps[i], out);
	buffer_puts(out, "END:VCALENDAR\r\n");
	return out->failed ? error_set(err, RESULT_LIMIT, "the calendar is too large") : RESULT_OK;
}
