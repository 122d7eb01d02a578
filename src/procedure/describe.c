// Acts as sentences.
#include "procedure/procedure.h"

#include <string.h>

static void describe_term(
        const struct procedure *p, const struct procedure_term *term, struct buffer *out)
{
	switch (term->kind) {
	case PROCEDURE_TERM_KEY:
		buffer_puts(out, p->keys[term->key].id);
		break;
	case PROCEDURE_TERM_SET:
		buffer_printf(out, "all of %s.%s", procedure_party_name(p, term->party),
		        procedure_attribute_text(term->attribute));
		break;
	case PROCEDURE_TERM_SERVERS:
		buffer_printf(out, "the servers of %s", p->parties[term->party].id);
		break;
	case PROCEDURE_TERM_PARTY:
		buffer_puts(out, p->parties[term->party].id);
		break;
	case PROCEDURE_TERM_NONE:
		buffer_puts(out, "nothing");
		break;
	case PROCEDURE_TERM_YES:
		buffer_puts(out, "yes");
		break;
	case PROCEDURE_TERM_NO:
	default:
		buffer_puts(out, "no");
		break;
	}
}

// The terms from `first` on that have the same operation; returns the index behind them.
static size_t describe_run(const struct procedure *p, const struct procedure_act *act, size_t first,
        char operation, struct buffer *out)
{
	size_t end = first;
	while (end < act->term_count &&
	        (act->terms[end].operation == operation ||
	                (operation == '=' && act->terms[end].operation == '+')))
		end++;
	for (size_t i = first; i < end; i++) {
		if (i > first)
			buffer_puts(out, i + 1 < end ? ", " : " and ");
		describe_term(p, &act->terms[i], out);
	}
	return end;
}

static void describe_set(
        const struct procedure *p, const struct procedure_act *act, struct buffer *out)
{
	static const char *const sets[] = {"DS set", "NS set", "DNSKEY set",
	        "signers of the DNSKEY set", "signers of the data"};
	if (act->party == PROCEDURE_PARENT)
		buffer_printf(out, "the %s at the parent", sets[act->attribute]);
	else if (act->attribute == PROCEDURE_DNSKEY_SIGNERS ||
	         act->attribute == PROCEDURE_DATA_SIGNERS)
		buffer_printf(out, "the %s at %s", sets[act->attribute], p->parties[act->party].id);
	else
		buffer_printf(out, "the %s of %s", sets[act->attribute], p->parties[act->party].id);
}

static void describe_effect(
        const struct procedure *p, const struct procedure_act *act, struct buffer *out)
{
	const struct procedure_term *first = &act->terms[0];
	if (act->attribute == PROCEDURE_SERVING) {
		buffer_printf(out, "%s %s", p->parties[act->party].id,
		        first->kind == PROCEDURE_TERM_YES ? "begins to answer for the zone"
		                                          : "stops answering for the zone");
		return;
	}
	if (act->attribute == PROCEDURE_COPIES) {
		buffer_printf(out, "%s %s", p->parties[act->party].id,
		        first->kind == PROCEDURE_TERM_NONE
		                ? "serves its own copy of the zone"
		                : "serves the zone as transferred from ");
		if (first->kind != PROCEDURE_TERM_NONE)
			describe_term(p, first, out);
		return;
	}
	for (size_t i = 0; i < act->term_count;) {
		char operation = act->terms[i].operation;
		if (i > 0)
			buffer_puts(out, " and ");
		if (operation == '=') {
			buffer_puts(out, "make ");
			describe_set(p, act, out);
			buffer_puts(out, " ");
			i = describe_run(p, act, i, operation, out);
			continue;
		}
		buffer_puts(out, operation == '+' ? "add " : "remove ");
		i = describe_run(p, act, i, operation, out);
		buffer_puts(out, operation == '+' ? " to " : " from ");
		describe_set(p, act, out);
	}
}

void procedure_act_describe(
        const struct procedure *p, const struct procedure_act *act, struct buffer *out)
{
	switch (act->kind) {
	case PROCEDURE_EFFECT:
		describe_effect(p, act, out);
		return;
	case PROCEDURE_RELAY:
		buffer_puts(out, "relay ");
		describe_run(p, act, 0, '+', out);
		buffer_printf(out, " to %s", p->parties[act->party].id);
		return;
	case PROCEDURE_DESTROY:
		buffer_puts(out, "destroy the private part of ");
		describe_run(p, act, 0, '+', out);
		return;
	case PROCEDURE_TRANSFER:
		buffer_printf(out, "transfer the domain to %s", p->parties[act->party].id);
		return;
	case PROCEDURE_ANNOUNCE:
	case PROCEDURE_CONFIRM:
	case PROCEDURE_CHECK:
	case PROCEDURE_ATTEST:
	case PROCEDURE_SIGN_OFF:
	case PROCEDURE_SYNCHRONISE:
	default:
		buffer_puts(out, act->text);
		return;
	}
}
