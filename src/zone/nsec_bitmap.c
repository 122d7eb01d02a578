// Type bitmaps: what is at a name, as NSEC and NSEC3 say it.
#include "zone/check_internal.h"

#include <stdio.h>
#include <string.h>

struct writer {
	uint8_t *octets;
	size_t length; // of the finished windows
	int window;    // -1: none is open
	uint8_t bits[32];
	size_t used; // octets of this window
};

static void close_window(struct writer *writer)
{
	if (writer->window < 0)
		return;
	uint8_t *at = writer->octets + writer->length;
	at[0] = (uint8_t)writer->window;
	at[1] = (uint8_t)writer->used;
	memcpy(at + 2, writer->bits, writer->used);
	writer->length += 2 + writer->used;
}

// In rising order of types.
static void put_type(struct writer *writer, uint16_t type)
{
	if (type >> 8 != writer->window) {
		close_window(writer);
		writer->window = type >> 8;
		writer->used = 0;
		memset(writer->bits, 0, sizeof writer->bits);
	}
	writer->bits[(type & 0xff) / 8] |= (uint8_t)(0x80 >> type % 8);
	writer->used = (type & 0xff) / 8 + 1u;
}

// At a delegation only what this zone answers for, and NS (RFC 4035 2.3, RFC 5155 7.1).
static bool stands_in_bitmap(
        const struct zone_node *node, const struct zone_rrset *set, uint16_t self)
{
	if (set->count == 0 || set->type == DNS_TYPE_RRSIG || set->type == DNS_TYPE_NSEC3)
		return false;
	if (set->type == self)
		return false; // has its place below
	return zone_is_authoritative(node, set->type) ||
	       (node->flags & ZONE_NODE_DELEGATION && set->type == DNS_TYPE_NS);
}

size_t bitmap_expected(
        const struct zone *zone, const struct zone_node *node, uint16_t self, uint8_t *octets)
{
	struct writer writer = {.window = -1};
	writer.octets = octets;
	bool has_rrsig = self == DNS_TYPE_NSEC; // it is signed itself
	for (uint32_t i = 0; i < node->set_count; i++) {
		const struct zone_rrset *set = zone_node_set(zone, node, i);
		if (stands_in_bitmap(node, set, self) && zone_is_authoritative(node, set->type))
			has_rrsig = true;
	}
	bool rrsig_put = !has_rrsig, self_put = self != DNS_TYPE_NSEC;
	for (uint32_t i = 0; i < node->set_count; i++) {
		const struct zone_rrset *set = zone_node_set(zone, node, i);
		if (!stands_in_bitmap(node, set, self))
			continue;
		if (!rrsig_put && set->type > DNS_TYPE_RRSIG) {
			put_type(&writer, DNS_TYPE_RRSIG);
			rrsig_put = true;
		}
		if (!self_put && set->type > DNS_TYPE_NSEC) {
			put_type(&writer, DNS_TYPE_NSEC);
			self_put = true;
		}
		put_type(&writer, set->type);
	}
	if (!rrsig_put)
		put_type(&writer, DNS_TYPE_RRSIG);
	if (!self_put)
		put_type(&writer, DNS_TYPE_NSEC);
	close_window(&writer);
	return writer.length;
}

// The bits of one window; the RDATA has the form of its type, so that lengths are right.
static void window_bits(const uint8_t *octets, size_t length, unsigned window, uint8_t bits[32])
{
	memset(bits, 0, 32);
	for (size_t at = 0; at + 2 <= length; at += 2u + octets[at + 1])
		if (octets[at] == window)
			memcpy(bits, octets + at + 2, octets[at + 1]);
}

// The first few types that are in a and not in b.
static size_t list_missing(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length,
        char *text, size_t room)
{
	size_t count = 0, at = 0;
	text[0] = '\0';
	for (unsigned window = 0; window < 256; window++) {
		uint8_t in_a[32], in_b[32];
		window_bits(a, a_length, window, in_a);
		window_bits(b, b_length, window, in_b);
		for (unsigned bit = 0; bit < 256; bit++) {
			char name[DNS_TYPE_TEXT];
			if (!(in_a[bit / 8] & ~in_b[bit / 8] & (0x80 >> bit % 8)))
				continue;
			if (++count > 3)
				continue;
			int n = snprintf(text + at, room - at, "%s%s", at > 0 ? ", " : "",
			        dns_type_text((uint16_t)(window << 8 | bit), name));
			at += (size_t)n < room - at ? (size_t)n : 0;
		}
	}
	if (count > 3)
		snprintf(text + at, room - at, " and %zu more", count - 3);
	return count;
}

void bitmap_difference(const uint8_t *found, size_t found_length, const uint8_t *expected,
        size_t expected_length, char *text)
{
	char lacks[90], extra[90];
	size_t few =
	        list_missing(expected, expected_length, found, found_length, lacks, sizeof lacks);
	size_t many =
	        list_missing(found, found_length, expected, expected_length, extra, sizeof extra);
	if (few > 0 && many > 0)
		snprintf(text, BITMAP_TEXT, "lacks %s, and has %s", lacks, extra);
	else if (few > 0)
		snprintf(text, BITMAP_TEXT, "lacks %s", lacks);
	else if (many > 0)
		snprintf(text, BITMAP_TEXT, "has %s, which %s not there", extra,
		        many == 1 ? "is" : "are");
	else
		snprintf(text, BITMAP_TEXT, "has octets that say nothing");
}
