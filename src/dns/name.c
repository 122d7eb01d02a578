#include "dns/name.h"

#include <assert.h>
#include <libknot/dname.h>
#include <stdio.h>
#include <string.h>

#define LABELS_MAX 127 // of a name of 255 octets

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

enum result dns_name_parse(const char *text, struct dns_name *name, struct error *err)
{
	assert(text != NULL && name != NULL);
	if (text[0] == '\0')
		return error_set(err, RESULT_INPUT, "a domain name is missing");
	if (strnlen(text, DNS_NAME_TEXT) == DNS_NAME_TEXT)
		return error_set(err, RESULT_INPUT, "a domain name is too long: '%.40s…'", text);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return error_set(err, RESULT_INPUT,
			        "domain name has an octet that is not printable ASCII at position "
			        "%td: write internationalised labels in xn-- form",
			        p - text + 1);
	}
	struct dns_name found;
	if (knot_dname_from_str(found.wire, text, sizeof found.wire) == NULL)
		return error_set(err, RESULT_INPUT,
		        "'%.80s' is no domain name: labels have 1 to 63 octets, a name at most 255",
		        text);
	dns_name_copy(name, found.wire);
	return RESULT_OK;
}

enum result dns_name_check(
        const uint8_t *octets, size_t n, struct dns_name *name, size_t *length, struct error *err)
{
	size_t at = 0;
	for (;;) {
		if (at >= n)
			return error_set(err, RESULT_INPUT, "domain name is cut off");
		if (at >= DNS_NAME_MAX)
			return error_set(
			        err, RESULT_INPUT, "domain name is longer than 255 octets");
		uint8_t label = octets[at];
		if (label > DNS_LABEL_MAX)
			return error_set(err, RESULT_INPUT,
			        "domain name has a label of an unknown kind at octet %zu", at);
		at += (size_t)label + 1;
		if (label == 0)
			break;
	}
	memcpy(name->wire, octets, at);
	*length = at;
	return RESULT_OK;
}

char *dns_name_text(const uint8_t *name, char *buf)
{
	if (knot_dname_to_str(buf, name, DNS_NAME_TEXT) == NULL)
		snprintf(buf, DNS_NAME_TEXT, "?");
	return buf;
}

size_t dns_name_length(const uint8_t *name)
{
	size_t n = 0;
	while (name[n] != 0)
		n += (size_t)name[n] + 1;
	return n + 1;
}

size_t dns_name_labels(const uint8_t *name)
{
	size_t labels = 0;
	for (; *name != 0; name += *name + 1)
		labels++;
	return labels;
}

bool dns_name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

const uint8_t *dns_name_parent(const uint8_t *name)
{
	return *name == 0 ? NULL : name + *name + 1;
}

const uint8_t *dns_name_skip(const uint8_t *name, size_t n)
{
	for (; n > 0; n--) {
		assert(*name != 0);
		name += *name + 1;
	}
	return name;
}

// Length octets are below 64 and so never taken for letters: names can be compared octet by octet.
bool dns_name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t n = dns_name_length(a);
	if (n != dns_name_length(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	uint8_t shorter = *a < *b ? *a : *b;
	for (uint8_t i = 1; i <= shorter; i++) {
		int difference = (int)lower(a[i]) - (int)lower(b[i]);
		if (difference != 0)
			return difference;
	}
	return (int)*a - (int)*b;
}

static size_t list_labels(const uint8_t *name, const uint8_t *labels[static LABELS_MAX])
{
	size_t n = 0;
	for (; *name != 0 && n < LABELS_MAX; name += *name + 1)
		labels[n++] = name;
	return n;
}

int dns_name_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *in_a[LABELS_MAX], *in_b[LABELS_MAX];
	size_t left_a = list_labels(a, in_a), left_b = list_labels(b, in_b);
	while (left_a > 0 && left_b > 0) {
		int order = compare_labels(in_a[--left_a], in_b[--left_b]);
		if (order != 0)
			return order;
	}
	return (left_a > left_b) - (left_a < left_b);
}

bool dns_name_is_subdomain(const uint8_t *name, const uint8_t *ancestor)
{
	size_t below = dns_name_labels(name), above = dns_name_labels(ancestor);
	return below >= above && dns_name_equal(dns_name_skip(name, below - above), ancestor);
}

uint64_t dns_name_hash(const uint8_t *name)
{
	uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
	size_t n = dns_name_length(name);
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ lower(name[i])) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

void dns_name_copy(struct dns_name *to, const uint8_t *from)
{
	memmove(to->wire, from, dns_name_length(from));
}

void dns_name_lower(struct dns_name *to, const uint8_t *from)
{
	size_t n = dns_name_length(from);
	for (size_t i = 0; i < n; i++)
		to->wire[i] = lower(from[i]);
}

enum result dns_name_prepend(
        struct dns_name *to, const char *label, const uint8_t *name, struct error *err)
{
	size_t octets = strlen(label), n = dns_name_length(name);
	assert(octets >= 1 && octets <= DNS_LABEL_MAX);
	if (octets + 1 + n > DNS_NAME_MAX)
		return error_set(err, RESULT_LIMIT,
		        "with '%s' in front the name is longer than 255 octets", label);
	memmove(to->wire + octets + 1, name, n);
	to->wire[0] = (uint8_t)octets;
	memcpy(to->wire + 1, label, octets);
	return RESULT_OK;
}
