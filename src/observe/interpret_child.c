// What a server of a group says: whether it serves the zone, its NS set, its keys and who signs
// them, who signs the data, and its signals to the parent.
#include "observe/interpret.h"

#include <string.h>

enum { SAMPLES_MAX = 256 }; // signed RRsets of one address that are looked at

static uint64_t known_bits(const struct dns_keys *all, const struct dns_keys *some)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < some->count; i++)
		for (size_t k = 0; k < all->count; k++)
			if (dns_key_equal(all->key[k], some->key[i]))
				bits |= UINT64_C(1) << k;
	return bits;
}

static void no_good(struct interpretation *in, const struct reply *reply, const char *what)
{
	char server[SERVER_TEXT], why[REPLY_TEXT];
	server_text(in->subject, reply->answer->publisher, &reply->answer->server, server);
	problem_add(in, OBSERVE_GAP_UNUSABLE, true, reply, "Asked for %s, %.120s gives %s.", what,
	        server, reply_text(reply, why));
}

// ---- Serving --------------------------------------------------------------------------------

enum serves { SERVES_UNKNOWN, SERVES_NOT, SERVES };

static enum serves read_serving(struct interpretation *in, const struct reply *reply)
{
	struct observe_fact *fact = fact_add(in, SAFETY_SERVING);
	fact_time(in, fact, reply);
	if (reply->use == USE_NONE)
		return SERVES_UNKNOWN;
	bool serving = reply->use == USE_AUTHORITATIVE &&
	               dns_message_find(reply->message, DNS_ANSWER, in->subject->zone.wire,
	                       DNS_TYPE_SOA) != NULL;
	content_add(in, fact)->serving = serving;
	fact->state = OBSERVE_SHOWN;
	return serving ? SERVES : SERVES_NOT;
}

// ---- NS -------------------------------------------------------------------------------------

static void read_ns(struct interpretation *in, const struct reply *reply, enum serves serves,
        const struct reply *replies, size_t count)
{
	struct observe_fact *fact = fact_add(in, SAFETY_NS);
	fact_time(in, fact, reply);
	if (serves == SERVES_NOT && reply->use != USE_NONE)
		fact->state = OBSERVE_SHOWN; // nothing
	if (reply->use != USE_AUTHORITATIVE) {
		if (serves != SERVES_NOT && reply->use != USE_NONE)
			no_good(in, reply, "its NS set");
		return;
	}
	const struct dns_rrset *set =
	        dns_message_find(reply->message, DNS_ANSWER, in->subject->zone.wire, DNS_TYPE_NS);
	fact->state = OBSERVE_SHOWN;
	if (set != NULL)
		delegation_read(in, reply, set, replies, count, content_add(in, fact));
	else if (serves != SERVES_NOT)
		no_good(in, reply, "its NS set");
}

// ---- DNSKEY ---------------------------------------------------------------------------------

static void keys_shown(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *set, struct observe_fact *fact)
{
	struct dns_keys keys;
	enum result result = interpret_key_list(in, set, &keys);
	if (result == RESULT_LIMIT)
		return; // the table of keys says so
	if (result != RESULT_OK) {
		no_good(in, reply, "its DNSKEY set");
		return;
	}
	// What has no room in the table of keys is said there; half a set is none.
	uint64_t bits = known_bits(&in->round->keys, &keys);
	if ((size_t)__builtin_popcountll(bits) < keys.count) {
		dns_keys_clear(&keys);
		return;
	}
	struct cover cover;
	cover_find(in, reply, set, &in->round->keys, &cover);
	struct observe_content *content = content_add(in, fact);
	content->keys = bits;
	content->signers = cover.signers & content->keys;
	content->ttl_s = cover.ttl_s;
	struct window window = cover_window(&cover, content->signers);
	content->signed_from_ms = window.from_ms;
	content->signed_until_ms = window.until_ms;
	fact->state = OBSERVE_SHOWN;
	dns_keys_clear(&keys);
	if (content->signers == 0 && cover.outcome != DNS_SIGNATURE_NONE) {
		char server[SERVER_TEXT];
		server_text(in->subject, reply->answer->publisher, &reply->answer->server, server);
		problem_add(in, OBSERVE_GAP_UNUSABLE, false, reply,
		        "The DNSKEY set from %.120s has no valid signature: %s.", server,
		        dns_signature_text(cover.outcome));
	}
}

// Nothing to be had counts as an empty set: no DS leads to it.
static void read_dnskey(struct interpretation *in, const struct reply *reply, enum serves serves)
{
	struct observe_fact *fact = fact_add(in, SAFETY_DNSKEY);
	fact_time(in, fact, reply);
	if (reply->use == USE_NONE)
		return;
	const struct dns_rrset *set = reply->use == USE_AUTHORITATIVE
	                                      ? dns_message_find(reply->message, DNS_ANSWER,
	                                                in->subject->zone.wire, DNS_TYPE_DNSKEY)
	                                      : NULL;
	if (set != NULL) {
		keys_shown(in, reply, set, fact);
		return;
	}
	fact->state = OBSERVE_SHOWN;
	if (serves == SERVES_NOT)
		return;
	content_add(in, fact)->keys = 0;
	if (reply->use != USE_AUTHORITATIVE)
		no_good(in, reply, "its DNSKEY set");
}

// ---- Data -----------------------------------------------------------------------------------

struct samples {
	size_t count, sets; // that were looked at, and that were there
	struct cover cover[SAMPLES_MAX];
};

static bool is_data(const struct interpretation *in, const struct dns_rrset *set)
{
	const uint8_t *zone = in->subject->zone.wire;
	if (set->rclass != DNS_CLASS_IN || set->count == 0 ||
	        !dns_name_is_subdomain(set->owner, zone))
		return false;
	// A delegation is not the zone's data (RFC 4035 2.2).
	return set->type != DNS_TYPE_NS || dns_name_equal(set->owner, zone);
}

static void sample_reply(
        struct interpretation *in, const struct reply *reply, struct samples *samples)
{
	static const enum dns_section sections[] = {DNS_ANSWER, DNS_AUTHORITY};
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < reply->message->section[sections[s]].count; i++) {
			const struct dns_rrset *set =
			        &reply->message->section[sections[s]].rrset[i];
			if (!is_data(in, set))
				continue;
			// Glue beside a referral is no data either.
			if (reply->use == USE_REFERRAL && set->type != DNS_TYPE_DS &&
			        set->type != DNS_TYPE_NSEC && set->type != DNS_TYPE_NSEC3)
				continue;
			if (++samples->sets > SAMPLES_MAX)
				continue;
			cover_find(in, reply, set, &in->round->keys,
			        &samples->cover[samples->count++]);
		}
}

static bool is_smallest(const struct samples *samples, size_t n)
{
	uint64_t keys = samples->cover[n].signers;
	for (size_t i = 0; i < samples->count; i++) {
		uint64_t other = samples->cover[i].signers;
		if ((other == keys && i < n) || (other != keys && (other & ~keys) == 0))
			return false;
	}
	return true;
}

// What these keys cover: everything that is signed by all of them.
static void content_of_keys(
        const struct samples *samples, uint64_t keys, struct observe_content *content)
{
	content->keys = keys;
	content->last_signature_ms = TIME_EVER_MS;
	for (size_t i = 0; i < samples->count; i++) {
		const struct cover *cover = &samples->cover[i];
		if (cover->ttl_s > content->ttl_s)
			content->ttl_s = cover->ttl_s;
		if (keys == 0 || (keys & ~cover->signers) != 0)
			continue;
		struct window window = cover_window(cover, keys);
		if (window.from_ms > content->signed_from_ms)
			content->signed_from_ms = window.from_ms;
		if (window.until_ms < content->signed_until_ms)
			content->signed_until_ms = window.until_ms;
		for (uint64_t rest = keys; rest != 0; rest &= rest - 1) {
			int64_t until_ms = cover->until_s[__builtin_ctzll(rest)] * SECOND_MS;
			if (until_ms > content->last_signature_ms)
				content->last_signature_ms = until_ms;
		}
	}
}

static bool is_asked_for_data(enum observe_question question)
{
	return question == OBSERVE_ASK_SOA || question == OBSERVE_ASK_NS ||
	       question == OBSERVE_ASK_ADDRESS || question == OBSERVE_ASK_SAMPLE;
}

// Keys that sign every sample make one content; where they differ, each smallest set is one of its
// own, because a reader can meet each.
static void read_data(
        struct interpretation *in, const struct reply *replies, size_t count, enum serves serves)
{
	struct samples *samples = arena_alloc(in->scratch, sizeof *samples);
	struct observe_fact *fact = fact_add(in, SAFETY_DATA);
	bool complete = true, any = false;
	for (size_t i = 0; i < count; i++) {
		const struct reply *reply = &replies[i];
		if (!is_asked_for_data(reply->answer->question))
			continue;
		fact_time(in, fact, reply);
		any |= reply->use != USE_NONE;
		if (reply->use == USE_NONE)
			complete = false;
		else if (samples != NULL &&
		         (reply->use == USE_AUTHORITATIVE || reply->use == USE_REFERRAL))
			sample_reply(in, reply, samples);
		else if (serves != SERVES_NOT)
			no_good(in, reply, "a sample of its data");
	}
	if (!any || samples == NULL)
		return;
	fact->state = complete ? OBSERVE_SHOWN : OBSERVE_PARTLY;
	size_t contents = 0;
	for (size_t i = 0; i < samples->count && serves != SERVES_NOT; i++)
		if (is_smallest(samples, i) && ++contents <= OBSERVE_MAX_CONTENTS)
			content_of_keys(samples, samples->cover[i].signers, content_add(in, fact));
	if (samples->sets > SAMPLES_MAX)
		too_many(in, &replies[0], samples->sets, "sets for the samples of its data",
		        SAMPLES_MAX);
	if (contents > OBSERVE_MAX_CONTENTS)
		too_many(in, &replies[0], contents, "kinds of signed data", OBSERVE_MAX_CONTENTS);
	if (complete && samples->count == 0 && serves != SERVES_NOT)
		fact->state = OBSERVE_UNKNOWN;
}

// ---- Signals --------------------------------------------------------------------------------

static const struct dns_rrset *signal_set(
        const struct interpretation *in, const struct reply *reply, uint16_t type)
{
	if (reply == NULL || reply->use != USE_AUTHORITATIVE)
		return NULL;
	return dns_message_find(reply->message, DNS_ANSWER, in->subject->zone.wire, type);
}

static bool signal_verified(
        struct interpretation *in, const struct reply *reply, const struct dns_rrset *set)
{
	struct cover cover;
	cover_find(in, reply, set, &in->round->keys, &cover);
	return cover.signers != 0;
}

static void read_signals(struct interpretation *in, const struct reply *replies, size_t count)
{
	const struct reply *cds = reply_find(replies, count, OBSERVE_ASK_CDS),
	                   *cdnskey = reply_find(replies, count, OBSERVE_ASK_CDNSKEY);
	const struct dns_rrset *ds_set = signal_set(in, cds, DNS_TYPE_CDS),
	                       *key_set = signal_set(in, cdnskey, DNS_TYPE_CDNSKEY);
	if ((ds_set == NULL && key_set == NULL) || in->round->signal_count == in->signals_max)
		return;
	struct observe_signal *signal = &in->round->signals[in->round->signal_count++];
	*signal = (struct observe_signal){.publisher = replies[0].answer->publisher,
	        .server = replies[0].answer->server,
	        .cds = ds_set != NULL,
	        .cdnskey = key_set != NULL};
	if (ds_set != NULL) {
		signal->cds_verified = signal_verified(in, cds, ds_set);
		signal->remove |= dns_cds_is_delete(&ds_set->rdata[0]);
		if (interpret_ds_list(in, ds_set, &signal->ds, &signal->ds_count) == RESULT_LIMIT)
			too_many(in, cds, ds_set->count, "CDS records", OBSERVE_MAX_DS);
	}
	struct dns_keys keys;
	if (key_set != NULL) {
		signal->cdnskey_verified = signal_verified(in, cdnskey, key_set);
		signal->remove |= dns_cdnskey_is_delete(&key_set->rdata[0]);
		if (interpret_key_list(in, key_set, &keys) == RESULT_OK) {
			signal->keys = known_bits(&in->round->keys, &keys);
			dns_keys_clear(&keys);
		}
	}
}

void interpret_child(struct interpretation *in, const struct reply *replies, size_t count)
{
	const struct reply *soa = reply_find(replies, count, OBSERVE_ASK_SOA),
	                   *ns = reply_find(replies, count, OBSERVE_ASK_NS),
	                   *dnskey = reply_find(replies, count, OBSERVE_ASK_DNSKEY);
	if (soa == NULL || ns == NULL || dnskey == NULL)
		return;
	size_t first = in->round->fact_count;
	enum serves serves = read_serving(in, soa);
	struct observe_fact serving = in->round->facts[first];
	in->round->fact_count = first;
	// In the order of enum safety_kind.
	read_ns(in, ns, serves, replies, count);
	read_dnskey(in, dnskey, serves);
	read_data(in, replies, count, serves);
	*fact_add(in, SAFETY_SERVING) = serving;
	read_signals(in, replies, count);
}
