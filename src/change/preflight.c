#include "change/preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "procedure/plan.h"

enum { SENTENCE_MAX = 600, AND_MORE = 40 };

struct check {
	const struct preflight_input *in;
	const struct procedure *p;
	struct buffer *missing;
	size_t more; // sentences for which there was no room
};

static void miss(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The first ones are listed, the others counted: whoever mends the first will read the next.
static void miss(struct check *c, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	if (c->missing->length + strlen(sentence) + AND_MORE > c->missing->max)
		c->more++;
	else
		buffer_printf(c->missing, "%s\n", sentence);
}

static const char *party_name(const struct check *c, int party)
{
	return procedure_party_name(c->p, party);
}

static uint64_t keys_of(const struct check *c, int party)
{
	uint64_t keys = 0;
	for (size_t i = 0; i < c->p->key_count; i++)
		if (c->p->keys[i].party == party)
			keys |= c->in->world->binding.keys[i];
	return keys;
}

static uint64_t keys_with_a_part(const struct check *c)
{
	uint64_t keys = 0;
	for (size_t i = 0; i < c->p->key_count; i++)
		keys |= c->in->world->binding.keys[i];
	return keys;
}

static void same_algorithms(struct check *c, const struct procedure_requirement *r)
{
	bool has[2][256] = {0};
	for (int i = 0; i < 2; i++)
		for (uint64_t keys = keys_of(c, r->party[i]); keys != 0; keys &= keys - 1)
			has[i][c->in->world->history.key_algorithm[__builtin_ctzll(keys)]] = true;
	if (memcmp(has[0], has[1], sizeof has[0]) != 0)
		miss(c, "%s and %s use different algorithms; an algorithm rollover comes first",
		        party_name(c, r->party[0]), party_name(c, r->party[1]));
}

static void different_tags(struct check *c, const struct procedure_requirement *r)
{
	uint64_t all = keys_of(c, r->party[0]) | keys_of(c, r->party[1]);
	for (uint64_t a = all; a != 0; a &= a - 1)
		for (uint64_t b = a & (a - 1); b != 0; b &= b - 1) {
			const struct dns_key *x =
			        observe_view_key(c->in->view, (size_t)__builtin_ctzll(a));
			const struct dns_key *y =
			        observe_view_key(c->in->view, (size_t)__builtin_ctzll(b));
			if (dns_key_tag(x) == dns_key_tag(y) &&
			        dns_key_algorithm(x) == dns_key_algorithm(y))
				miss(c,
				        "two keys have tag %u and algorithm %u, which some "
				        "software takes for one; make another key",
				        dns_key_tag(x), dns_key_algorithm(x));
		}
}

static void no_rollover(struct check *c, const struct procedure_requirement *r)
{
	uint64_t set = 0;
	int publisher = change_publisher(c->in->definition, r->party[0]);
	if (!observe_view_everywhere(c->in->view, publisher, SAFETY_DNSKEY, &set, NULL, NULL))
		miss(c, "the addresses of %s do not all serve one DNSKEY set",
		        party_name(c, r->party[0]));
	else if ((set & ~keys_with_a_part(c)) != 0)
		miss(c, "%s serves keys that play no part here: is a rollover in progress?",
		        party_name(c, r->party[0]));
}

// How long the change takes with the TTLs that are served now, if every party acts at once.
static int64_t length_of_plan(const struct check *c)
{
	struct scenario s;
	struct plan *plan;
	int64_t length_ms = TIME_NEVER_MS;
	struct arena *arena = arena_new(64u << 20);
	scenario_init(&s, c->p);
	for (size_t party = 0; party <= c->p->party_count; party++) {
		int publisher =
		        party == 0 ? 0 : change_publisher(c->in->definition, (int)party - 1);
		for (int kind = 0; kind < PROCEDURE_TTLS; kind++)
			if (c->in->world->binding.ttl_s[party][kind] > 0)
				s.ttl_ms[party][kind] =
				        c->in->world->binding.ttl_s[party][kind] * SECOND_MS;
		if (publisher >= 0)
			s.lag_ms[party] = c->in->world->history.lag_s[publisher] * SECOND_MS;
	}
	if (arena != NULL && plan_make(arena, c->p, &s, NULL, &plan, NULL) == RESULT_OK) {
		if (plan->possible)
			length_ms = plan->end_ms - plan->scenario.start_ms;
		plan_free(plan);
	}
	arena_free(arena);
	return length_ms;
}

static void signatures_outlast(struct check *c, const struct procedure_requirement *r)
{
	const struct safety_history *h = &c->in->world->history;
	int64_t needed_ms = time_add(length_of_plan(c), r->margin_ms), largest_s = 0,
	        first_ms = TIME_NEVER_MS;
	const struct safety_edition *first = NULL;
	for (int i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		if (e->ttl_s > largest_s)
			largest_s = e->ttl_s;
		if (e->until_ms == TIME_NEVER_MS && e->kind != SAFETY_DS &&
		        e->signed_until_ms < first_ms) {
			first_ms = e->signed_until_ms;
			first = e;
		}
	}
	needed_ms = time_add(needed_ms, largest_s * SECOND_MS);
	if (first == NULL || first_ms >= time_add(c->in->world->now_ms, needed_ms))
		return;
	char at[TIME_TEXT], need[DURATION_TEXT];
	miss(c,
	        "signatures of %s over its %s run out at %s; the change needs %s: sign anew "
	        "first",
	        safety_publisher_name(h, first->publisher),
	        safety_kind_text((enum safety_kind)first->kind), time_format(first_ms, at),
	        duration_format(needed_ms, need));
}

static void all_addresses(struct check *c)
{
	const struct observe_gaps *gaps = &c->in->world->gaps;
	for (size_t i = 0; i < gaps->count; i++)
		switch (gaps->gap[i].kind) {
		case OBSERVE_GAP_NOTHING:
		case OBSERVE_GAP_NEVER_ANSWERED:
		case OBSERVE_GAP_SILENT:
		case OBSERVE_GAP_NO_ADDRESS:
		case OBSERVE_GAP_UNKNOWN_SERVER:
		case OBSERVE_GAP_DISAGREE:
		case OBSERVE_GAP_LIMIT:
			miss(c, "%s", gaps->gap[i].text);
			break;
		case OBSERVE_GAP_PAST:
		case OBSERVE_GAP_UNVERIFIED:
		case OBSERVE_GAP_UNANCHORED:
		case OBSERVE_GAP_PARENT_SERVES_CHILD:
		case OBSERVE_GAP_UNUSABLE:
		case OBSERVE_GAP_DATA_TTL:
		case OBSERVE_GAP_UNSAMPLED:
		case OBSERVE_GAP_CLOCK:
		case OBSERVE_GAP_STALE:
		case OBSERVE_GAP_COUNTDOWN:
		case OBSERVE_GAP_KINDS:
		default:
			break;
		}
	c->more += gaps->more;
}

// Whatever a procedure requires: what the parent says is believed because its keys say so.
static void parent_validates(struct check *c)
{
	const struct observe_gaps *gaps = &c->in->world->gaps;
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->gap[i].kind == OBSERVE_GAP_UNVERIFIED && gaps->gap[i].blocks)
			miss(c, "%s", gaps->gap[i].text);
}

static void delegation_agrees(struct check *c)
{
	uint64_t parent = 0, child = 0;
	bool known = observe_view_everywhere(c->in->view, 0, SAFETY_NS, &parent, NULL, NULL);
	for (uint64_t rest = parent; known && rest != 0; rest &= rest - 1) {
		int group = __builtin_ctzll(rest);
		if (observe_view_everywhere(c->in->view, group, SAFETY_NS, &child, NULL, NULL) &&
		        child == parent)
			continue;
		miss(c, "the NS set that %s serves is not the one of the delegation",
		        safety_publisher_name(&c->in->world->history, group));
	}
	if (!known)
		miss(c, "the parent's servers do not all delegate to the same name servers");
}

static void answers(struct check *c, const struct procedure_requirement *r)
{
	uint64_t serves = 0;
	int publisher = change_publisher(c->in->definition, r->party[0]);
	if (!observe_view_everywhere(c->in->view, publisher, SAFETY_SERVING, &serves, NULL, NULL) ||
	        serves == 0)
		miss(c, "%s does not answer for the zone on all its addresses",
		        party_name(c, r->party[0]));
}

static bool publishes_signals(const struct check *c, int party)
{
	int publisher = change_publisher(c->in->definition, party);
	for (size_t i = 0; c->in->round != NULL && i < c->in->round->signal_count; i++) {
		const struct observe_signal *s = &c->in->round->signals[i];
		if (s->publisher == publisher && (s->cds || s->cdnskey))
			return true;
	}
	return false;
}

static void vouched(struct check *c, const struct procedure_requirement *r)
{
	if ((c->in->definition->confirmed >> r->kind & 1) == 0)
		miss(c,
		        "nobody has confirmed: %s; where it is so, the definition says `confirmed: "
		        "[%s]`",
		        r->sentence, r->id);
}

static void check_one(struct check *c, const struct procedure_requirement *r)
{
	switch (r->kind) {
	case PROCEDURE_SAME_ALGORITHMS:
		same_algorithms(c, r);
		break;
	case PROCEDURE_SAME_DIGESTS: // new DS records are made in the digest types that the parent
	                             // publishes
		break;
	case PROCEDURE_DIFFERENT_TAGS:
		different_tags(c, r);
		break;
	case PROCEDURE_NO_ROLLOVER:
		no_rollover(c, r);
		break;
	case PROCEDURE_SIGNATURES_OUTLAST:
		signatures_outlast(c, r);
		break;
	case PROCEDURE_ALL_ADDRESSES:
		all_addresses(c);
		break;
	case PROCEDURE_DELEGATION_AGREES:
		delegation_agrees(c);
		break;
	case PROCEDURE_AUTOMATION_FROZEN:
		if (publishes_signals(c, r->party[0]))
			vouched(c, r);
		break;
	case PROCEDURE_TTLS_KNOWN:
		if (c->in->definition->data_ttl_s == 0)
			miss(c, "the largest TTL in the zone is not known; the "
			        "definition says it as `data-ttl`");
		break;
	case PROCEDURE_MAY_BE_INSECURE:
		if (!c->in->definition->may_be_insecure)
			miss(c, "the zone is not to be insecure; where it may, the definition says "
			        "`may-be-insecure: true`");
		break;
	case PROCEDURE_ANSWERS:
		answers(c, r);
		break;
	case PROCEDURE_CONTACTS_ANSWERED:
	case PROCEDURE_SAME_DATA:
	case PROCEDURE_TRANSFER_KEEPS:
		vouched(c, r);
		break;
	case PROCEDURE_REQUIRES:
	default:
		break;
	}
}

enum result change_preflight(
        const struct preflight_input *input, struct buffer *missing, struct error *err)
{
	struct check c = {.in = input, .p = input->definition->procedure, .missing = missing};
	parent_validates(&c);
	for (size_t i = 0; i < c.p->requirement_count; i++)
		check_one(&c, &c.p->requirements[i]);
	if (c.more > 0)
		buffer_printf(missing, "and %zu more\n", c.more);
	return missing->failed ? error_set(err, RESULT_MEMORY, "no memory to list what is missing")
	                       : RESULT_OK;
}
