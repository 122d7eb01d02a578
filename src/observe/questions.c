// What a round asks.
#include "observe/interpret.h"

#include <string.h>

struct list {
	struct observe_answer *answers;
	size_t count, max;
};

static void ask(struct list *list, int publisher, const struct address *server,
        enum observe_question question, const uint8_t *name, uint16_t type)
{
	if (list->count < list->max) {
		struct observe_answer *answer = &list->answers[list->count];
		*answer = (struct observe_answer){.publisher = (uint8_t)publisher,
		        .server = *server,
		        .question = question,
		        .type = type,
		        .status = QUERY_TIMED_OUT,
		        .rtt_ms = -1};
		dns_name_lower(&answer->name, name);
	}
	list->count++;
}

static void ask_parent(
        struct list *list, const struct observe_subject *subject, const struct address *server)
{
	ask(list, 0, server, OBSERVE_ASK_DS, subject->zone.wire, DNS_TYPE_DS);
	ask(list, 0, server, OBSERVE_ASK_DELEGATION, subject->zone.wire, DNS_TYPE_NS);
	ask(list, 0, server, OBSERVE_ASK_PARENT_DNSKEY, subject->parent_zone.wire, DNS_TYPE_DNSKEY);
}

static bool name_is_new(const struct observe_subject *subject, size_t publisher, size_t server)
{
	const struct dns_name *name = &subject->publishers[publisher].servers[server].name;
	for (size_t p = 1; p <= publisher; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++) {
			if (p == publisher && s == server)
				return true;
			if (dns_name_equal(subject->publishers[p].servers[s].name.wire, name->wire))
				return false;
		}
	return true;
}

// Name servers of any group that are inside the zone: every group serves their addresses.
static void ask_addresses(struct list *list, const struct observe_subject *subject, int publisher,
        const struct address *at)
{
	for (size_t p = 1; p < subject->publisher_count; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++) {
			const uint8_t *name = subject->publishers[p].servers[s].name.wire;
			if (!dns_name_is_subdomain(name, subject->zone.wire) ||
			        !name_is_new(subject, p, s))
				continue;
			ask(list, publisher, at, OBSERVE_ASK_ADDRESS, name, DNS_TYPE_A);
			ask(list, publisher, at, OBSERVE_ASK_ADDRESS, name, DNS_TYPE_AAAA);
		}
}

// A type that no zone has, and a name that hardly any zone has: signed proofs of absence. It is the
// same name every time: a record for it can be looked at by hand.
enum { TYPE_NOWHERE = 65280 };
#define NAME_NOWHERE "baton-observes-no-such-name"

static void ask_samples(struct list *list, const struct observe_subject *subject, int publisher,
        const struct address *at)
{
	const uint8_t *zone = subject->zone.wire;
	ask(list, publisher, at, OBSERVE_ASK_SAMPLE, zone, TYPE_NOWHERE);
	struct dns_name name;
	if (dns_name_prepend(&name, NAME_NOWHERE, zone, NULL) == RESULT_OK)
		ask(list, publisher, at, OBSERVE_ASK_SAMPLE, name.wire, DNS_TYPE_A);
	for (size_t i = 0; i < subject->sample_count; i++)
		ask(list, publisher, at, OBSERVE_ASK_SAMPLE, subject->samples[i].name.wire,
		        subject->samples[i].type);
}

static void ask_child(struct list *list, const struct observe_subject *subject, int publisher,
        const struct address *at)
{
	const uint8_t *zone = subject->zone.wire;
	ask(list, publisher, at, OBSERVE_ASK_SOA, zone, DNS_TYPE_SOA);
	ask(list, publisher, at, OBSERVE_ASK_NS, zone, DNS_TYPE_NS);
	ask_addresses(list, subject, publisher, at);
	ask(list, publisher, at, OBSERVE_ASK_DNSKEY, zone, DNS_TYPE_DNSKEY);
	ask(list, publisher, at, OBSERVE_ASK_CDS, zone, DNS_TYPE_CDS);
	ask(list, publisher, at, OBSERVE_ASK_CDNSKEY, zone, DNS_TYPE_CDNSKEY);
	ask_samples(list, subject, publisher, at);
}

// The next larger address of a publisher, so that each comes once and in order.
static const struct address *next_address(
        const struct observe_publisher *publisher, const struct address *after)
{
	const struct address *best = NULL;
	for (size_t s = 0; s < publisher->server_count; s++)
		for (size_t a = 0; a < publisher->servers[s].address_count; a++) {
			const struct address *one = &publisher->servers[s].addresses[a];
			if (after != NULL && address_compare(one, after) <= 0)
				continue;
			if (best == NULL || address_compare(one, best) < 0)
				best = one;
		}
	return best;
}

static void ask_all(struct list *list, const struct observe_subject *subject)
{
	for (size_t p = 0; p < subject->publisher_count; p++) {
		const struct observe_publisher *publisher = &subject->publishers[p];
		const struct address *at = next_address(publisher, NULL);
		for (; at != NULL; at = next_address(publisher, at))
			if (p == 0)
				ask_parent(list, subject, at);
			else
				ask_child(list, subject, (int)p, at);
	}
}

enum result questions_make(const struct observe_subject *subject, struct arena *arena,
        struct observe_answer **answers, size_t *count, struct error *err)
{
	struct list list = {0};
	ask_all(&list, subject);
	if (list.count > OBSERVE_MAX_ANSWERS)
		return error_set(err, RESULT_LIMIT,
		        "a round would have %zu questions, more than %d", list.count,
		        OBSERVE_MAX_ANSWERS);
	list.max = list.count;
	list.count = 0;
	list.answers = arena_array(arena, list.max > 0 ? list.max : 1, sizeof *list.answers);
	if (list.answers == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	ask_all(&list, subject);
	*answers = list.answers;
	*count = list.count;
	return RESULT_OK;
}
