// What the parent's servers say: its own keys, the DS set or its absence, the delegation.
#include "observe/interpret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- The parent's keys ----------------------------------------------------------------------

static void believe(struct interpretation *in, const struct dns_keys *keys)
{
	struct dns_keys *all = &in->parent_keys;
	for (size_t i = 0; i < keys->count; i++) {
		bool known = false;
		for (size_t k = 0; k < all->count; k++)
			known |= dns_key_equal(all->key[k], keys->key[i]);
		if (!known && all->count < SAFETY_MAX_KEYS)
			all->key[all->count++] = dns_key_ref(keys->key[i]);
	}
}

// One of the anchors leads to the set; or, without anchors, the set is at least signed by itself.
static bool is_believable(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *set, const struct dns_keys *keys)
{
	struct dns_verified verified;
	bool linked = false, unsupported = false;
	bool *referenced = arena_array(in->scratch, keys->count + 1, sizeof *referenced);
	if (referenced == NULL ||
	        dns_rrset_verify(in->scratch, set, keys, reply->answer->at_ms / SECOND_MS,
	                &verified, in->err) != RESULT_OK)
		return false;
	if (in->subject->anchor_count == 0)
		return verified.outcome == DNS_SIGNATURE_GOOD;
	dns_chain_link(in->subject->anchors, in->subject->anchor_count, keys, &verified, referenced,
	        &linked, &unsupported);
	return linked;
}

static void parent_keys_of(struct interpretation *in, const struct reply *reply)
{
	char server[SERVER_TEXT], zone[DNS_NAME_TEXT], why[REPLY_TEXT], what[120];
	const uint8_t *parent = in->subject->parent_zone.wire;
	server_text(in->subject, 0, &reply->answer->server, server);
	dns_name_text(parent, zone);
	const struct dns_rrset *set =
	        reply->use == USE_AUTHORITATIVE
	                ? dns_message_find(reply->message, DNS_ANSWER, parent, DNS_TYPE_DNSKEY)
	                : NULL;
	struct dns_keys keys;
	if (set == NULL) {
		problem_add(in, OBSERVE_GAP_UNVERIFIED, false, reply,
		        "Asked for the keys of %.80s, %.120s gives %s.", zone, server,
		        reply->use == USE_AUTHORITATIVE ? "none" : reply_text(reply, why));
		return;
	}
	enum result result = interpret_key_list(in, set, &keys);
	if (result == RESULT_LIMIT) {
		snprintf(what, sizeof what, "records in the DNSKEY set of %.80s", zone);
		too_many(in, reply, set->count, what, SAFETY_MAX_KEYS);
	}
	if (result != RESULT_OK)
		return;
	if (is_believable(in, reply, set, &keys))
		believe(in, &keys);
	else
		problem_add(in, OBSERVE_GAP_UNVERIFIED, true, reply,
		        in->subject->anchor_count > 0
		                ? "No trust anchor leads to the keys of %.80s that %.120s gives."
		                : "The keys of %.80s that %.120s gives are not signed by "
		                  "themselves.",
		        zone, server);
	dns_keys_clear(&keys);
}

void interpret_parent_keys(struct interpretation *in)
{
	char zone[DNS_NAME_TEXT];
	in->parent_keys.key =
	        arena_array(in->scratch, SAFETY_MAX_KEYS, sizeof *in->parent_keys.key);
	if (in->parent_keys.key == NULL)
		return;
	for (size_t i = 0; i < in->round->answer_count; i++)
		if (in->round->answers[i].question == OBSERVE_ASK_PARENT_DNSKEY)
			parent_keys_of(in, &in->replies[i]);
	if (in->subject->anchor_count == 0)
		problem_add(in, OBSERVE_GAP_UNANCHORED, false, NULL,
		        "The keys of %.80s are believed as they are served: no trust anchor is "
		        "given.",
		        dns_name_text(in->subject->parent_zone.wire, zone));
}

// ---- DS -------------------------------------------------------------------------------------

static int ds_compare(const void *a, const void *b)
{
	uint8_t one[DNS_DS_WIRE_MAX], other[DNS_DS_WIRE_MAX];
	size_t m = dns_ds_wire(a, one), n = dns_ds_wire(b, other);
	int order = memcmp(one, other, m < n ? m : n);
	return order != 0 ? order : (m > n) - (m < n);
}

enum result interpret_ds_list(struct interpretation *in, const struct dns_rrset *set,
        const struct dns_ds **ds, size_t *count)
{
	size_t n = 0, kept = 0;
	if (set->count > OBSERVE_MAX_DS)
		return RESULT_LIMIT;
	struct dns_ds *list = arena_array(in->round->arena, set->count + 1, sizeof *list);
	if (list == NULL)
		return RESULT_MEMORY;
	for (; n < set->count; n++)
		if (dns_ds_new(&set->rdata[n], &list[n], NULL) != RESULT_OK)
			return RESULT_INPUT;
	qsort(list, n, sizeof *list, ds_compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !dns_ds_equal(&list[kept - 1], &list[i]))
			list[kept++] = list[i];
	*ds = list;
	*count = kept;
	return RESULT_OK;
}

static void unverified(struct interpretation *in, const struct reply *reply, const char *what,
        const char *why, struct observe_content *content)
{
	char server[SERVER_TEXT];
	server_text(in->subject, 0, &reply->answer->server, server);
	// No instant is one at which a validator would accept it.
	content->signed_from_ms = content->signed_until_ms = TIME_EVER_MS;
	content->verified = false;
	problem_add(in, OBSERVE_GAP_UNVERIFIED, true, reply,
	        "%s from %.120s cannot be verified: %s.", what, server, why);
}

static void ds_present(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *set, struct observe_fact *fact)
{
	struct observe_content read = {0};
	char server[SERVER_TEXT];
	enum result result = interpret_ds_list(in, set, &read.ds, &read.ds_count);
	if (result == RESULT_LIMIT)
		too_many(in, reply, set->count, "DS records", OBSERVE_MAX_DS);
	else if (result != RESULT_OK)
		problem_add(in, OBSERVE_GAP_UNUSABLE, true, reply,
		        "The DS set from %.120s has a record that cannot be read.",
		        server_text(in->subject, 0, &reply->answer->server, server));
	if (result != RESULT_OK)
		return;
	struct cover cover;
	cover_find(in, reply, set, &in->parent_keys, &cover);
	struct observe_content *content = content_add(in, fact);
	content->ds = read.ds;
	content->ds_count = read.ds_count;
	content->ttl_s = cover.ttl_s;
	fact->state = OBSERVE_SHOWN;
	if (cover.signers == 0) {
		unverified(in, reply, "The DS set",
		        in->parent_keys.count == 0 ? "no key of the parent is known"
		                                   : dns_signature_text(cover.outcome),
		        content);
		return;
	}
	struct window window = cover_any(&cover);
	content->signed_from_ms = window.from_ms;
	content->signed_until_ms = window.until_ms;
	content->verified = true;
}

static const struct dns_rrset *soa_of(const struct reply *reply)
{
	const struct dns_message *message = reply->message;
	for (size_t i = 0; i < message->section[DNS_AUTHORITY].count; i++) {
		const struct dns_rrset *set = &message->section[DNS_AUTHORITY].rrset[i];
		if (set->type == DNS_TYPE_SOA && set->count == 1 && set->rdata[0].length >= 22)
			return set;
	}
	return NULL;
}

// RFC 2308 5: a negative answer lives for the smaller of the SOA's TTL and its minimum.
static uint32_t negative_ttl_s(const struct dns_rrset *soa)
{
	if (soa == NULL)
		return 0;
	const uint8_t *minimum = soa->rdata[0].octets + soa->rdata[0].length - 4;
	uint32_t minimum_s = (uint32_t)minimum[0] << 24 | (uint32_t)minimum[1] << 16 |
	                     (uint32_t)minimum[2] << 8 | minimum[3];
	return soa->ttl_max_s < minimum_s ? soa->ttl_max_s : minimum_s;
}

static void ds_absent(
        struct interpretation *in, const struct reply *reply, struct observe_fact *fact)
{
	struct window window;
	struct observe_content *content = content_add(in, fact);
	content->ttl_s = negative_ttl_s(soa_of(reply));
	fact->state = OBSERVE_SHOWN;
	if (!proof_of_no_ds(in, reply, &window)) {
		unverified(in, reply, "The absence of a DS set",
		        in->parent_keys.count == 0 ? "no key of the parent is known"
		                                   : "there is no signed proof of it",
		        content);
		return;
	}
	content->signed_from_ms = window.from_ms;
	content->signed_until_ms = window.until_ms;
	content->verified = true;
}

static void unusable(struct interpretation *in, const struct reply *reply, const char *what)
{
	char server[SERVER_TEXT], why[REPLY_TEXT];
	server_text(in->subject, reply->answer->publisher, &reply->answer->server, server);
	if (reply->answer->status == QUERY_ANSWERED) // silence is the view's to report
		problem_add(in, OBSERVE_GAP_UNUSABLE, true, reply, "Asked for %s, %.120s gives %s.",
		        what, server, reply_text(reply, why));
}

static void read_ds(struct interpretation *in, const struct reply *reply)
{
	const uint8_t *zone = in->subject->zone.wire;
	struct observe_fact *fact = fact_add(in, SAFETY_DS);
	fact_time(in, fact, reply);
	if (reply->use != USE_AUTHORITATIVE) {
		unusable(in, reply, "the DS set");
		return;
	}
	const struct dns_rrset *set =
	        dns_message_find(reply->message, DNS_ANSWER, zone, DNS_TYPE_DS);
	const struct dns_rrset *soa = soa_of(reply);
	if (set != NULL)
		ds_present(in, reply, set, fact);
	else if (reply->message->section[DNS_ANSWER].count > 0 ||
	         (soa != NULL && dns_name_equal(soa->owner, zone)))
		// The zone's own server was asked, which knows no DS (RFC 4035 3.1.4.1).
		unusable(in, reply, "the DS set");
	else
		ds_absent(in, reply, fact);
}

// ---- The delegation -------------------------------------------------------------------------

// A parent server that also serves the zone gives no referral; whoever asks it gets the zone from
// it.
static void served_by_parent(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *ns, struct observe_fact *fact)
{
	char server[SERVER_TEXT];
	uint32_t groups = delegation_groups_at(in->subject, &reply->answer->server);
	struct observe_content *content = content_add(in, fact);
	content->groups = groups;
	content->ttl_s = ns->ttl_max_s;
	fact->state = OBSERVE_SHOWN;
	server_text(in->subject, 0, &reply->answer->server, server);
	problem_add(in, OBSERVE_GAP_PARENT_SERVES_CHILD, groups == 0, reply,
	        "%.120s serves the zone as well as its parent%s.", server,
	        groups == 0 ? ", and belongs to no known group" : ", so it gives no delegation");
}

static void read_delegation(struct interpretation *in, const struct reply *reply)
{
	const uint8_t *zone = in->subject->zone.wire;
	struct observe_fact *fact = fact_add(in, SAFETY_NS);
	fact_time(in, fact, reply);
	const struct dns_rrset *set = NULL, *soa = NULL;
	if (reply->use == USE_REFERRAL)
		set = dns_message_find(reply->message, DNS_AUTHORITY, zone, DNS_TYPE_NS);
	if (reply->use == USE_AUTHORITATIVE) {
		const struct dns_rrset *own =
		        dns_message_find(reply->message, DNS_ANSWER, zone, DNS_TYPE_NS);
		soa = soa_of(reply);
		if (own != NULL) {
			served_by_parent(in, reply, own, fact);
			return;
		}
	}
	if (set != NULL) {
		delegation_read(in, reply, set, NULL, 0, content_add(in, fact));
		fact->state = OBSERVE_SHOWN;
	} else if (soa != NULL && dns_name_equal(soa->owner, in->subject->parent_zone.wire)) {
		// The parent denies that there is such a delegation: a set that names nobody.
		content_add(in, fact)->ttl_s = negative_ttl_s(soa);
		fact->state = OBSERVE_SHOWN;
	} else {
		unusable(in, reply, "the delegation");
	}
}

void interpret_parent(struct interpretation *in, const struct reply *replies, size_t count)
{
	const struct reply *ds = reply_find(replies, count, OBSERVE_ASK_DS);
	const struct reply *delegation = reply_find(replies, count, OBSERVE_ASK_DELEGATION);
	if (ds != NULL)
		read_ds(in, ds);
	if (delegation != NULL)
		read_delegation(in, delegation);
}
