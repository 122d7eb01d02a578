// Whether a parent proves that a delegation has no DS: NSEC (RFC 4035 3.1.4.1) or NSEC3, matching
// or with opt-out (RFC 5155 7.2.4, 8.6). Every record that counts has a signature of the parent's
// keys.
#include "dns/nsec3.h"
#include "observe/interpret.h"

// A delegation (NS, no SOA) without DS, so that the record is the parent's and not the child's.
static bool maps_say_no_ds(const uint8_t *maps, size_t length)
{
	return dns_bitmap_has(maps, length, DNS_TYPE_NS) &&
	       !dns_bitmap_has(maps, length, DNS_TYPE_DS) &&
	       !dns_bitmap_has(maps, length, DNS_TYPE_SOA);
}

static bool is_signed(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *set, struct window *window)
{
	struct cover cover;
	cover_find(in, reply, set, &in->parent_keys, &cover);
	if (cover.signers == 0)
		return false;
	struct window one = cover_any(&cover);
	if (one.from_ms > window->from_ms)
		window->from_ms = one.from_ms;
	if (one.until_ms < window->until_ms)
		window->until_ms = one.until_ms;
	return true;
}

static bool nsec_says_so(const struct dns_rrset *set)
{
	struct dns_name next;
	size_t length;
	const struct dns_rdata *rdata = &set->rdata[0];
	if (dns_name_check(rdata->octets, rdata->length, &next, &length, NULL) != RESULT_OK)
		return false;
	return maps_say_no_ds(rdata->octets + length, rdata->length - length);
}

struct nsec3_list {
	size_t count;
	struct dns_nsec3 record[8];
};

static const struct dns_nsec3 *find(const struct nsec3_list *list, const uint8_t *name,
        bool (*fits)(const struct dns_nsec3 *, const uint8_t *))
{
	for (size_t i = 0; i < list->count; i++)
		if (fits(&list->record[i], name))
			return &list->record[i];
	return NULL;
}

// The closest encloser matches, and the name one label longer falls into an opt-out span.
static bool opt_out_says_so(struct interpretation *in, const struct reply *reply,
        const struct nsec3_list *list, struct window *window)
{
	const uint8_t *zone = in->subject->zone.wire;
	size_t below = dns_name_labels(zone) - dns_name_labels(in->subject->parent_zone.wire);
	for (size_t n = 1; n <= below; n++) {
		const struct dns_nsec3 *encloser =
		        find(list, dns_name_skip(zone, n), dns_nsec3_matches);
		if (encloser == NULL)
			continue;
		const struct dns_nsec3 *cover =
		        find(list, dns_name_skip(zone, n - 1), dns_nsec3_covers);
		return cover != NULL && cover->opt_out &&
		       is_signed(in, reply, encloser->set, window) &&
		       is_signed(in, reply, cover->set, window);
	}
	return false;
}

static bool nsec3_proves(struct interpretation *in, const struct reply *reply,
        const struct nsec3_list *list, struct window *window)
{
	const struct dns_nsec3 *own = find(list, in->subject->zone.wire, dns_nsec3_matches);
	if (own != NULL)
		return maps_say_no_ds(own->maps, own->maps_length) &&
		       is_signed(in, reply, own->set, window);
	return opt_out_says_so(in, reply, list, window);
}

bool proof_of_no_ds(struct interpretation *in, const struct reply *reply, struct window *window)
{
	struct nsec3_list list = {0};
	struct window found = {TIME_EVER_MS, TIME_NEVER_MS};
	const struct dns_message *message = reply->message;
	bool proven = false;
	for (size_t i = 0; i < message->section[DNS_AUTHORITY].count; i++) {
		const struct dns_rrset *set = &message->section[DNS_AUTHORITY].rrset[i];
		if (set->rclass != DNS_CLASS_IN || set->count != 1)
			continue;
		if (set->type == DNS_TYPE_NSEC && !proven &&
		        dns_name_equal(set->owner, in->subject->zone.wire))
			proven = nsec_says_so(set) && is_signed(in, reply, set, &found);
		if (set->type == DNS_TYPE_NSEC3 &&
		        list.count < sizeof list.record / sizeof list.record[0] &&
		        dns_nsec3_read(
		                set, in->subject->parent_zone.wire, &list.record[list.count]))
			list.count++;
	}
	proven = proven || nsec3_proves(in, reply, &list, &found);
	if (proven)
		*window = found;
	return proven;
}
