// Plans and reports for people, in plain text.
#include "procedure/render.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 96 };

static const char *instant(const struct plan *plan, int64_t at_ms, char *text)
{
	if (at_ms == TIME_NEVER_MS)
		return "-";
	return plan->scenario.relative ? duration_format(at_ms, text) : time_format(at_ms, text);
}

// Words wrapped to the width, every line after the first begins with the indent.
static void wrap(struct buffer *out, const char *text, int indent, int column)
{
	while (*text != '\0') {
		size_t gap = strspn(text, " \n");
		size_t word = strcspn(text + gap, " \n");
		if (word == 0)
			break;
		if (column + (int)gap + (int)word > WIDTH && column > indent) {
			buffer_printf(out, "\n%*s", indent, "");
			column = indent;
		} else if (gap > 0) {
			buffer_puts(out, " ");
			column++;
		}
		buffer_add(out, text + gap, word);
		column += (int)word;
		text += gap + word;
	}
	buffer_puts(out, "\n");
}

static void note(struct buffer *out, const char *label, const char *text)
{
	buffer_printf(out, "      %-9s ", label);
	wrap(out, text, 16, 16);
}

static void write_parties(const struct procedure *p, uint32_t set, struct buffer *out)
{
	const char *comma = "";
	for (size_t i = 0; i < p->party_count; i++)
		if (set >> i & 1) {
			buffer_printf(out, "%s%s", comma, p->parties[i].id);
			comma = ", ";
		}
	buffer_puts(out, "\n");
}

static void write_people(const struct plan *plan, const struct plan_step *step, struct buffer *out)
{
	char at[TIME_TEXT + DURATION_TEXT];
	const struct procedure *p = plan->procedure;
	if (step->step->approve != 0) {
		buffer_puts(out, "      approve   ");
		write_parties(p, step->step->approve, out);
	}
	if (step->step->tell != 0) {
		buffer_puts(out, "      tell      ");
		write_parties(p, step->step->tell, out);
	}
	if (step->deadline_ms == TIME_NEVER_MS)
		return;
	buffer_printf(out, "      deadline  %s, else ", instant(plan, step->deadline_ms, at));
	if (step->step->otherwise == PROCEDURE_ELSE_BRANCH)
		buffer_printf(out, "%s\n", p->lines[step->step->branch].id);
	else
		buffer_puts(out, step->step->otherwise == PROCEDURE_ELSE_SKIP ? "go on without it\n"
		                                                              : "ask\n");
}

// The waits that the procedure itself has, where they make the step later.
static void write_said_waits(
        const struct plan *plan, const struct plan_step *step, struct buffer *out)
{
	char from[TIME_TEXT + DURATION_TEXT], length[DURATION_TEXT];
	if (step->wait_ms <= step->ready_ms || step->wait_ms == TIME_NEVER_MS)
		return;
	buffer_printf(out, "      waits     %s, until %s\n",
	        duration_format(step->wait_ms - step->ready_ms, length),
	        instant(plan, step->wait_ms, from));
	for (size_t i = 0; i < step->step->wait_count; i++)
		note(out, "as agreed", step->step->waits[i].text);
}

static void write_wait(const struct plan *plan, const struct plan_step *step, struct buffer *out)
{
	char from[TIME_TEXT + DURATION_TEXT], length[DURATION_TEXT];
	write_said_waits(plan, step, out);
	if (step->state == PLAN_STEP_NEVER) {
		note(out, "NEVER", step->record.is_set ? step->record.text : "no instant is safe");
		return;
	}
	if (step->state == PLAN_STEP_TOO_LATE)
		note(out, "TOO LATE",
		        step->end.is_set ? step->end.text : "the window closes before");
	if (step->record.is_set && step->safe_ms > step->start_ms) {
		buffer_printf(out, "      TOO EARLY safe only from %s on\n",
		        instant(plan, step->safe_ms, from));
		note(out, "because", step->record.text);
	} else if (step->record.is_set) {
		buffer_printf(out, "      waits     %s, until %s\n",
		        duration_format(step->safe_ms - step->ready_ms, length),
		        instant(plan, step->safe_ms, from));
		note(out, "because", step->record.text);
	}
	if (step->state == PLAN_STEP_PLANNED && step->until_ms != TIME_NEVER_MS) {
		buffer_printf(out, "      not after %s\n", instant(plan, step->until_ms, from));
		note(out, "because", step->end.is_set ? step->end.text : "signatures run out");
	}
}

// Of steps that change a DNSKEY set.
static void write_size(const struct plan_step *step, struct buffer *out)
{
	char text[160];
	if (step->state != PLAN_STEP_PLANNED || !step->changes_dnskey || step->dnskey_octets < 0)
		return;
	bool large = step->dnskey_octets > PLAN_DNSKEY_OCTETS;
	snprintf(text, sizeof text, "answers of up to %d octets%s", step->dnskey_octets,
	        large ? ", more than the 1232 that fit in one datagram everywhere: some "
	                "resolvers have to ask again over TCP"
	              : "");
	note(out, large ? "LARGE KEYS" : "DNSKEY", text);
}

static void write_undo(const struct plan_step *step, struct buffer *out)
{
	if (step->no_way_back)
		note(out, "NO WAY BACK after this step:", step->undo.text);
	if (step->makes_insecure)
		note(out, "INSECURE", "after this step resolvers see the zone as insecure");
}

static void write_step(const struct plan *plan, size_t number, struct buffer *out)
{
	const struct plan_step *step = &plan->steps[number];
	char at[TIME_TEXT + DURATION_TEXT];
	const char *when = step->state == PLAN_STEP_PLANNED    ? instant(plan, step->start_ms, at)
	                   : step->state == PLAN_STEP_NEVER    ? "never"
	                   : step->state == PLAN_STEP_TOO_LATE ? "too late"
	                                                       : "not reached";
	buffer_printf(out, "%2zu  %-21s %-12s %s\n", number + 1, when,
	        plan->procedure->parties[step->step->by].id, step->step->id);
	buffer_puts(out, "      ");
	wrap(out, step->step->title, 6, 6);
	write_wait(plan, step, out);
	write_people(plan, step, out);
	write_size(step, out);
	write_undo(step, out);
}

static void write_verdict(const struct plan *plan, struct buffer *out)
{
	char text[TIME_TEXT + DURATION_TEXT], length[DURATION_TEXT];
	const char *said = "";
	if (!plan->possible)
		buffer_puts(out, "\nThis plan cannot be carried out to its end.\n");
	else
		buffer_printf(out, "\nOver at %s, after %s.\n", instant(plan, plan->end_ms, text),
		        duration_format(plan->end_ms - plan->scenario.start_ms, length));
	if (plan->possible && plan->objection != NULL) {
		said = plan->objection;
		buffer_puts(out, "This plan is not safe: ");
		wrap(out, said, 0, 23);
	}
	if (plan->insecure_ms > 0)
		buffer_printf(out, "Resolvers may see the zone as insecure for %s.\n",
		        duration_format(plan->insecure_ms, length));
	for (int i = 0; i < SAFETY_PATHS; i++) {
		buffer_printf(out, "%s resolvers: %s\n",
		        i == SAFETY_DIRECT ? "Direct" : "Forwarding",
		        safety_word_text(plan->verdict.path[i].word));
		bool news = strstr(said, plan->witness[i]) == NULL;
		if (plan->verdict.path[i].word > SAFETY_INSECURE && news)
			note(out, "", plan->witness[i]);
	}
}

void plan_write_text(
        const struct plan *plan, const struct render_context *context, struct buffer *out)
{
	const struct procedure *p = plan->procedure;
	bool zone = context != NULL && context->zone != NULL && context->zone[0] != '\0';
	buffer_printf(out, "%s%s%s\n", p->title, zone ? ": " : "", zone ? context->zone : "");
	if (plan->route.label[0] != '\0')
		buffer_printf(out, "(%s)\n", plan->route.label);
	if (plan->broken) {
		buffer_puts(out, "Something is wrong before the first step: ");
		wrap(out, plan->broken_text, 0, 42);
	}
	buffer_puts(out, "\n");
	for (size_t i = 0; i < plan->count; i++)
		write_step(plan, i, out);
	write_verdict(plan, out);
}

static void write_route(const struct check_route *route, struct buffer *out)
{
	char shortest[DURATION_TEXT], longest[DURATION_TEXT];
	buffer_printf(out, "%-4s %s\n", route->ok ? "ok" : "FAIL",
	        route->route->label[0] != '\0' ? route->route->label : "main line");
	buffer_printf(out, "     direct %s, forwarder %s",
	        safety_word_text(route->word[SAFETY_DIRECT]),
	        safety_word_text(route->word[SAFETY_FORWARDER]));
	if (!route->ok)
		buffer_printf(out, " (expected %s, %s)",
		        safety_word_text(route->expect[SAFETY_DIRECT]),
		        safety_word_text(route->expect[SAFETY_FORWARDER]));
	buffer_printf(out, "; takes %s to %s; %zu corners of propagation\n",
	        duration_format(route->shortest_ms, shortest),
	        duration_format(route->longest_ms, longest), route->corners);
	if (route->insecure_ms > 0)
		buffer_printf(out, "     insecure for at most %s\n",
		        duration_format(route->insecure_ms, longest));
	for (int i = 0; i < SAFETY_PATHS; i++)
		if (route->word[i] > SAFETY_INSECURE &&
		        (i == 0 || strcmp(route->witness[0], route->witness[i]) != 0)) {
			buffer_printf(out, "     ");
			wrap(out, route->witness[i], 5, 5);
		}
}

void check_write_text(
        const struct procedure *procedure, const struct check_report *report, struct buffer *out)
{
	buffer_printf(out, "%s: %s\n", procedure->id, report->ok ? "ok" : "FAIL");
	for (size_t i = 0; i < report->route_count; i++)
		write_route(&report->routes[i], out);
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct check_finding *f = &report->findings[i];
		buffer_printf(out,
		        "%s:%d:%d: %s: ", f->step != NULL ? f->step->file : procedure->file,
		        f->step != NULL ? f->step->line : 1, f->step != NULL ? f->step->column : 1,
		        check_severity_text(f->severity));
		wrap(out, f->text, 5, 40);
	}
}
