// Checks of what the servers serve, against one another and against those that serve the zone now.
#include "technical/internal.h"

#include <stdio.h>
#include <string.h>

// RFC 1982 3.2: whether a comes before b. The distance of 2^31, which has no order, is not before.
static bool serial_before(uint32_t a, uint32_t b)
{
	uint32_t distance = b - a;
	return distance != 0 && distance < UINT32_C(0x80000000);
}

static uint32_t serial_distance(uint32_t a, uint32_t b)
{
	return serial_before(a, b) ? b - a : a - b;
}

static const struct dns_rrset *soa_of(
        const struct technical_facts *facts, const struct technical_address *a)
{
	const struct dns_rrset *soa = own_set(facts, &a->answer[TECHNICAL_SOA], DNS_TYPE_SOA);
	if (soa == NULL)
		soa = own_set(facts, &a->answer[TECHNICAL_SOA_TCP], DNS_TYPE_SOA);
	return soa != NULL && soa->rdata[0].length >= 22 ? soa : NULL;
}

// All but the serial number.
static bool same_soa(const struct dns_rrset *a, const struct dns_rrset *b)
{
	uint8_t copy[2 * DNS_NAME_MAX + 20];
	struct dns_rdata masked = {copy, a->rdata[0].length};
	if (a->rdata[0].length != b->rdata[0].length || a->rdata[0].length > sizeof copy)
		return false;
	memcpy(copy, a->rdata[0].octets, a->rdata[0].length);
	memcpy(copy + masked.length - 20, b->rdata[0].octets + masked.length - 20, 4);
	return dns_rdata_equal(DNS_TYPE_SOA, &masked, &b->rdata[0]);
}

static bool has_record(const struct dns_rrset *set, const struct dns_rdata *rdata)
{
	for (size_t i = 0; i < set->count; i++)
		if (dns_rdata_equal(set->type, &set->rdata[i], rdata))
			return true;
	return false;
}

static bool same_set(const struct dns_rrset *a, const struct dns_rrset *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!has_record(b, &a->rdata[i]))
			return false;
	for (size_t i = 0; i < b->count; i++)
		if (!has_record(a, &b->rdata[i]))
			return false;
	return true;
}

struct first {
	const struct technical_address *soa_at, *ns_at;
	const struct dns_rrset *soa, *ns;
	uint32_t serial;
};

static void compare_soa(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, struct first *first)
{
	char other[ADDRESS_TEXT], expected[80];
	const struct dns_rrset *soa = soa_of(j->facts, a);
	uint32_t serial;
	if (soa == NULL || !serial_of(j->facts, a, &serial))
		return;
	if (first->soa == NULL) {
		first->soa_at = a;
		first->soa = soa;
		first->serial = serial;
		return;
	}
	address_format_ip(&first->soa_at->at, other);
	snprintf(expected, sizeof expected, "serial numbers no more than %u apart",
	        (unsigned)j->rules->serial_tolerance);
	if (serial_distance(serial, first->serial) > j->rules->serial_tolerance)
		found(j, TECHNICAL_FAIL, s, &a->at, expected,
		        "the serial number is %u, that of %s is %u", (unsigned)serial, other,
		        (unsigned)first->serial);
	if (!same_soa(soa, first->soa))
		found(j, TECHNICAL_WARN, s, &a->at, "the same SOA record but for its serial number",
		        "the SOA record differs from that of %s", other);
}

static void compare_ns(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, struct first *first)
{
	char other[ADDRESS_TEXT];
	const struct dns_rrset *ns = own_set(j->facts, &a->answer[TECHNICAL_NS], DNS_TYPE_NS);
	if (ns == NULL)
		return;
	if (first->ns == NULL) {
		first->ns_at = a;
		first->ns = ns;
	} else if (!same_set(ns, first->ns)) {
		found(j, TECHNICAL_FAIL, s, &a->at, "the same NS set",
		        "the NS set differs from that of %s",
		        address_format_ip(&first->ns_at->at, other));
	}
}

void check_consistent(struct technical_judge *j)
{
	struct first first = {0};
	EACH_ADDRESS(j->facts)
	{
		compare_soa(j, s, a, &first);
		compare_ns(j, s, a, &first);
	}
	if (first.soa == NULL && first.ns == NULL)
		skip(j, "no address gave an SOA record or an NS set");
	else
		all_well(j, "all addresses have the same NS set, and serial numbers near %u",
		        (unsigned)first.serial);
}

// ---- Continuity -----------------------------------------------------------------------------

// The newest serial number among the servers that the parent has now.
static const struct technical_address *newest_of(
        const struct technical_facts *facts, uint32_t *newest)
{
	const struct technical_address *at = NULL;
	for (size_t i = 0; i < facts->present_count; i++)
		for (size_t k = 0; k < facts->present[i].address_count; k++) {
			const struct technical_address *a = &facts->present[i].address[k];
			uint32_t serial;
			if (serial_of(facts, a, &serial) &&
			        (at == NULL || serial_before(*newest, serial))) {
				at = a;
				*newest = serial;
			}
		}
	return at;
}

void check_continuity(struct technical_judge *j)
{
	char other[ADDRESS_TEXT], expected[120];
	uint32_t newest = 0, serial;
	size_t seen = 0;
	if (!j->facts->servers_given) {
		skip(j, "the delegation that is judged is the present one");
		return;
	}
	const struct technical_address *now = newest_of(j->facts, &newest);
	if (now == NULL) {
		skip(j, "no server of a present delegation gave an SOA record");
		return;
	}
	address_format_ip(&now->at, other);
	snprintf(expected, sizeof expected, "no older than %u, which %s serves now",
	        (unsigned)newest, other);
	EACH_ADDRESS(j->facts)
	{
		if (!serial_of(j->facts, a, &serial))
			continue;
		seen++;
		if (serial != newest && !serial_before(newest, serial) &&
		        serial_distance(newest, serial) > j->rules->serial_tolerance)
			found(j, TECHNICAL_FAIL, s, &a->at, expected, "the serial number is %u",
			        (unsigned)serial);
	}
	if (seen == 0)
		skip(j, "no address gave an SOA record");
	else
		all_well(j, "no serial number is older than %u, which is served now",
		        (unsigned)newest);
}
