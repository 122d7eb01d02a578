// Whether the records in a negative answer say that the name asked for has no records of the type:
// NSEC (RFC 4035 5.4) or NSEC3 (RFC 5155 8). Their signatures are verified elsewhere.
#include <string.h>

#include "dns/nsec3.h"
#include "technical/internal.h"

enum { RECORDS_MAX = 16 };

struct nsec {
	const uint8_t *owner;
	struct dns_name next;
	const uint8_t *maps;
	size_t maps_length;
};

struct proof {
	const uint8_t *zone, *name;
	size_t nsec_count, nsec3_count;
	struct nsec nsec[RECORDS_MAX];
	struct dns_nsec3 nsec3[RECORDS_MAX];
};

// "*." in front of a name that is shorter than one that exists.
static void wildcard_of(const uint8_t *encloser, struct dns_name *wildcard)
{
	wildcard->wire[0] = 1;
	wildcard->wire[1] = '*';
	memcpy(wildcard->wire + 2, encloser, dns_name_length(encloser));
}

// A name that is there, with other records.
static bool lacks(const uint8_t *maps, size_t length)
{
	return !dns_bitmap_has(maps, length, DNS_TYPE_A) &&
	       !dns_bitmap_has(maps, length, DNS_TYPE_CNAME);
}

// ---- NSEC -----------------------------------------------------------------------------------

static bool nsec_covers(const struct nsec *r, const uint8_t *name)
{
	bool after = dns_name_compare(r->owner, name) < 0,
	     before = dns_name_compare(name, r->next.wire) < 0;
	// The last record's next is the apex.
	return dns_name_compare(r->owner, r->next.wire) < 0 ? after && before : after || before;
}

static const struct nsec *nsec_at(const struct proof *p, const uint8_t *name)
{
	for (size_t i = 0; i < p->nsec_count; i++)
		if (dns_name_equal(p->nsec[i].owner, name))
			return &p->nsec[i];
	return NULL;
}

static const struct nsec *nsec_over(const struct proof *p, const uint8_t *name)
{
	for (size_t i = 0; i < p->nsec_count; i++)
		if (nsec_covers(&p->nsec[i], name))
			return &p->nsec[i];
	return NULL;
}

// The longest name above that one of the two names is below, or is.
static const uint8_t *encloser_of(const struct nsec *r, const uint8_t *name)
{
	size_t labels = dns_name_labels(name);
	for (size_t n = 1; n < labels; n++) {
		const uint8_t *above = dns_name_skip(name, n);
		if (dns_name_is_subdomain(r->owner, above) ||
		        dns_name_is_subdomain(r->next.wire, above))
			return above;
	}
	return dns_name_skip(name, labels);
}

static const char *nsec_lacks(const struct proof *p)
{
	const struct nsec *own = nsec_at(p, p->name), *over = nsec_over(p, p->name);
	struct dns_name wildcard;
	if (own != NULL)
		return lacks(own->maps, own->maps_length)
		               ? NULL
		               : "the NSEC record of the name says that it is there";
	if (over == NULL)
		return "no NSEC record covers the name";
	wildcard_of(encloser_of(over, p->name), &wildcard);
	const struct nsec *star = nsec_at(p, wildcard.wire);
	if (star != NULL ? lacks(star->maps, star->maps_length)
	                 : nsec_over(p, wildcard.wire) != NULL)
		return NULL;
	return "no NSEC record says that there is no wildcard for it";
}

// ---- NSEC3 ----------------------------------------------------------------------------------

static const struct dns_nsec3 *nsec3_find(const struct proof *p, const uint8_t *name,
        bool (*fits)(const struct dns_nsec3 *, const uint8_t *))
{
	for (size_t i = 0; i < p->nsec3_count; i++)
		if (fits(&p->nsec3[i], name))
			return &p->nsec3[i];
	return NULL;
}

static const char *nsec3_wildcard_lacks(const struct proof *p, const uint8_t *encloser)
{
	struct dns_name wildcard;
	wildcard_of(encloser, &wildcard);
	const struct dns_nsec3 *star = nsec3_find(p, wildcard.wire, dns_nsec3_matches);
	if (star != NULL ? lacks(star->maps, star->maps_length)
	                 : nsec3_find(p, wildcard.wire, dns_nsec3_covers) != NULL)
		return NULL;
	return "no NSEC3 record says that there is no wildcard for it";
}

static const char *nsec3_lacks(const struct proof *p)
{
	const struct dns_nsec3 *own = nsec3_find(p, p->name, dns_nsec3_matches);
	size_t below = dns_name_labels(p->name) - dns_name_labels(p->zone);
	if (own != NULL)
		return lacks(own->maps, own->maps_length)
		               ? NULL
		               : "the NSEC3 record of the name says that it is there";
	for (size_t n = 1; n <= below; n++) {
		const uint8_t *encloser = dns_name_skip(p->name, n);
		if (nsec3_find(p, encloser, dns_nsec3_matches) == NULL)
			continue;
		return nsec3_find(p, dns_name_skip(p->name, n - 1), dns_nsec3_covers) != NULL
		               ? nsec3_wildcard_lacks(p, encloser)
		               : "no NSEC3 record covers the name";
	}
	return "no NSEC3 record matches a name above it";
}

// ---- Both -----------------------------------------------------------------------------------

static void take(struct proof *p, const struct dns_rrset *set)
{
	size_t length;
	struct nsec *r = &p->nsec[p->nsec_count];
	if (set->count != 1)
		return;
	if (set->type == DNS_TYPE_NSEC3 && p->nsec3_count < RECORDS_MAX)
		p->nsec3_count += dns_nsec3_read(set, p->zone, &p->nsec3[p->nsec3_count]);
	if (set->type != DNS_TYPE_NSEC || p->nsec_count == RECORDS_MAX ||
	        dns_name_check(set->rdata[0].octets, set->rdata[0].length, &r->next, &length,
	                NULL) != RESULT_OK)
		return;
	r->owner = set->owner;
	r->maps = set->rdata[0].octets + length;
	r->maps_length = set->rdata[0].length - length;
	p->nsec_count++;
}

const char *denial_lacks(
        const struct dns_message *message, const uint8_t *zone, const uint8_t *name)
{
	struct proof p = {.zone = zone, .name = name};
	for (size_t i = 0; i < message->section[DNS_AUTHORITY].count; i++)
		take(&p, &message->section[DNS_AUTHORITY].rrset[i]);
	if (p.nsec_count > 0)
		return nsec_lacks(&p);
	return p.nsec3_count > 0 ? nsec3_lacks(&p) : "there is no record that could be used";
}
