// Domain names in wire form: labels with a length octet each, ended by the root's empty label, at
// most 255 octets in all (RFC 1035 3.1).
//
//     struct dns_name zone, server;
//     char text[DNS_NAME_TEXT];
//     if (dns_name_parse("Example.COM", &zone, err) != RESULT_OK) return err->code;
//     if (dns_name_parse("ns1.example.com.", &server, err) != RESULT_OK) return err->code;
//     dns_name_is_subdomain(server.wire, zone.wire);     // true
//     dns_name_text(zone.wire, text);                    // "Example.COM."
//
// struct dns_name is plain storage, to be kept by value. All functions take `const uint8_t *`: a
// name that is known to be well formed and uncompressed, because it came from dns_name_parse,
// dns_name_check, or a parsed message. They do not allocate.
//
// Comparison ignores the case of ASCII letters everywhere (RFC 4343). Texts are presentation format
// (RFC 1035 5.1): unusual octets as \. or \DDD, always with the final dot. On input the final dot
// may be missing: every name is absolute.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX  255  // octets, the root's included
#define DNS_LABEL_MAX 63   // octets
#define DNS_NAME_TEXT 1008 // room for the longest text and its NUL

struct dns_name {
	uint8_t wire[DNS_NAME_MAX];
};

// RESULT_INPUT with the reason: empty, a label or the name too long, a bad escape, an octet that
// is not printable ASCII (internationalised names are to be given in their xn-- form).
enum result dns_name_parse(const char *text, struct dns_name *name, struct error *err);
// An uncompressed name at the start of octets: copies it and says how many octets it took.
enum result dns_name_check(
        const uint8_t *octets, size_t n, struct dns_name *name, size_t *length, struct error *err);

// buf has DNS_NAME_TEXT octets. Returns buf.
char *dns_name_text(const uint8_t *name, char *buf);

// Octets of the name, the root's included: 1 for the root.
size_t dns_name_length(const uint8_t *name);
// Labels without the root's: 0 for the root, 2 for example.com. A wildcard's asterisk counts.
size_t dns_name_labels(const uint8_t *name);
bool dns_name_is_wildcard(const uint8_t *name);
// The name without its first label, inside the same memory; NULL for the root.
const uint8_t *dns_name_parent(const uint8_t *name);
// The name without its first n labels; n must not exceed dns_name_labels().
const uint8_t *dns_name_skip(const uint8_t *name, size_t n);

bool dns_name_equal(const uint8_t *a, const uint8_t *b);
// Canonical order (RFC 4034 6.1): negative, 0 or positive.
int dns_name_compare(const uint8_t *a, const uint8_t *b);
// Whether name is ancestor or lies below it.
bool dns_name_is_subdomain(const uint8_t *name, const uint8_t *ancestor);
// A number for hash tables that is equal for equal names.
uint64_t dns_name_hash(const uint8_t *name);

void dns_name_copy(struct dns_name *to, const uint8_t *from);
// A copy with ASCII letters in lower case.
void dns_name_lower(struct dns_name *to, const uint8_t *from);
// Puts a label in front of a name: "_dsboot" and example. RESULT_LIMIT where the result is too
// long. label holds 1 to 63 octets. to and name may be the same memory.
enum result dns_name_prepend(
        struct dns_name *to, const char *label, const uint8_t *name, struct error *err);
