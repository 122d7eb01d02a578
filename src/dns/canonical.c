#include "dns/canonical.h"

#include "dns/layout.h"

#include <assert.h>
#include <libknot/wire.h>
#include <stdlib.h>
#include <string.h>

// Names in the RDATA to lower case. False where it does not have the form of its type; it stays as
// it is from there on.
static bool lower_rdata(const struct dns_layout *layout, uint8_t *octets, size_t n)
{
	size_t at = 0;
	for (const char *field = layout->fields; *field != '\0'; field++) {
		size_t step = dns_field_length(*field, octets + at, n - at);
		if (step == DNS_FIELD_BROKEN)
			return false;
		if (*field == 'n' && layout->lower) {
			struct dns_name name;
			dns_name_lower(&name, octets + at);
			memcpy(octets + at, name.wire, step);
		}
		at += step;
	}
	return at == n;
}

bool dns_rdata_canonicalise(uint16_t type, uint8_t *octets, size_t n)
{
	const struct dns_layout *layout = dns_layout_find(type);
	return layout == NULL || lower_rdata(layout, octets, n);
}

// The layout where there are names to be put into lower case, otherwise NULL.
static const struct dns_layout *lowering(uint16_t type)
{
	const struct dns_layout *layout = dns_layout_find(type);
	return layout != NULL && layout->lower ? layout : NULL;
}

static int compare_rdata(const void *a, const void *b)
{
	const struct dns_rdata *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	int order = shorter == 0 ? 0 : memcmp(x->octets, y->octets, shorter);
	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static bool canonical_copy(
        struct arena *arena, const struct dns_layout *layout, struct dns_rdata *rdata)
{
	if (layout == NULL)
		return true; // nothing to change: the original will do
	uint8_t *copy = arena_memdup(arena, rdata->octets, rdata->length);
	if (copy == NULL)
		return false;
	lower_rdata(layout, copy, rdata->length);
	rdata->octets = copy;
	return true;
}

enum result dns_canonical_rdata(struct arena *arena, const struct dns_rrset *rrset,
        struct dns_rdata **rdata, size_t *count, struct error *err)
{
	const struct dns_layout *layout = lowering(rrset->type);
	struct dns_rdata *sorted = arena_array(arena, rrset->count, sizeof *sorted);
	if (sorted == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for %zu records", rrset->count);
	for (size_t i = 0; i < rrset->count; i++) {
		sorted[i] = rrset->rdata[i];
		if (!canonical_copy(arena, layout, &sorted[i]))
			return error_set(
			        err, RESULT_MEMORY, "no memory for %zu records", rrset->count);
	}
	qsort(sorted, rrset->count, sizeof *sorted, compare_rdata);
	size_t distinct = 0;
	for (size_t i = 0; i < rrset->count; i++) {
		if (distinct == 0 || compare_rdata(&sorted[distinct - 1], &sorted[i]) != 0)
			sorted[distinct++] = sorted[i];
	}
	*rdata = sorted;
	*count = distinct;
	return RESULT_OK;
}

// RFC 4035 5.3.2: fewer labels than the owner's mean that a wildcard was expanded.
static void signed_name(const uint8_t *owner, uint8_t labels, struct dns_name *name)
{
	size_t owner_labels = dns_name_labels(owner);
	assert(labels <= owner_labels);
	dns_name_lower(name, dns_name_skip(owner, owner_labels - labels));
	// One label of the owner makes room for the asterisk, so that this cannot fail.
	if (labels < owner_labels)
		dns_name_prepend(name, "*", name->wire, NULL);
}

static uint8_t *put(uint8_t *at, const void *octets, size_t n)
{
	if (n > 0)
		memcpy(at, octets, n);
	return at + n;
}

enum result dns_signed_octets(struct arena *arena, const struct dns_rrset *rrset,
        const struct dns_rdata *rdata, size_t count, const struct dns_rdata *signature,
        const struct dns_rrsig *rrsig, uint8_t **octets, size_t *length, struct error *err)
{
	struct dns_name name;
	signed_name(rrset->owner, rrsig->labels, &name);
	uint8_t head[DNS_NAME_MAX + 10], *end = put(head, name.wire, dns_name_length(name.wire));
	knot_wire_write_u16(end, rrset->type);
	knot_wire_write_u16(end + 2, rrset->rclass);
	knot_wire_write_u32(end + 4, rrsig->original_ttl_s);
	end += 8;
	size_t head_length = (size_t)(end - head), total = rrsig->head_length;
	for (size_t i = 0; i < count; i++)
		total += head_length + 2 + rdata[i].length;

	uint8_t *all = arena_alloc(arena, total);
	if (all == NULL)
		return error_set(
		        err, RESULT_MEMORY, "no memory for the %zu octets that are signed", total);
	uint8_t *at = put(all, signature->octets, rrsig->head_length);
	size_t signer_length = dns_name_length(rrsig->signer.wire);
	memcpy(at - signer_length, rrsig->signer.wire, signer_length); // in lower case
	for (size_t i = 0; i < count; i++) {
		at = put(at, head, head_length);
		knot_wire_write_u16(at, rdata[i].length);
		at = put(at + 2, rdata[i].octets, rdata[i].length);
	}
	assert(at == all + total);
	*octets = all;
	*length = total;
	return RESULT_OK;
}

static bool same_octets(const uint8_t *a, const uint8_t *b, size_t n, bool ignore_case)
{
	for (size_t i = 0; i < n; i++) {
		bool letter = ignore_case && (a[i] | 0x20) >= 'a' && (a[i] | 0x20) <= 'z';
		if (a[i] != b[i] && !(letter && (a[i] ^ b[i]) == 0x20))
			return false;
	}
	return true;
}

bool dns_rdata_equal(uint16_t type, const struct dns_rdata *a, const struct dns_rdata *b)
{
	if (a->length != b->length)
		return false;
	const struct dns_layout *layout = lowering(type);
	size_t at = 0, n = a->length;
	const char *field = layout == NULL ? "" : layout->fields;
	for (; *field != '\0'; field++) {
		size_t step = dns_field_length(*field, a->octets + at, n - at);
		if (step == DNS_FIELD_BROKEN)
			break;
		if (!same_octets(a->octets + at, b->octets + at, step, *field == 'n'))
			return false;
		at += step;
	}
	return same_octets(a->octets + at, b->octets + at, n - at, false);
}
