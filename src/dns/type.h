// Numbers of the DNS and their texts: types, classes, response codes, algorithms, digests.
//
// Only the numbers that Baton itself handles have a constant; every other value is a plain uint16_t
// and prints as "TYPE65280" (RFC 3597). The texts for types and response codes come from libknot;
// nobody outside src/dns includes its headers, so that a new libknot is felt here only.
#pragma once

#include "base/error.h"

#include <stdint.h>

enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_NONE = 254, DNS_CLASS_ANY = 255 };

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_RRSIG = 46,
	DNS_TYPE_NSEC = 47,
	DNS_TYPE_DNSKEY = 48,
	DNS_TYPE_NSEC3 = 50,
	DNS_TYPE_NSEC3PARAM = 51,
	DNS_TYPE_CDS = 59,
	DNS_TYPE_CDNSKEY = 60,
	DNS_TYPE_CSYNC = 62,
	DNS_TYPE_ZONEMD = 63,
	DNS_TYPE_TSIG = 250,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255,
};

enum dns_rcode {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_YXDOMAIN = 6,
	DNS_RCODE_YXRRSET = 7,
	DNS_RCODE_NXRRSET = 8,
	DNS_RCODE_NOTAUTH = 9,
	DNS_RCODE_NOTZONE = 10,
	DNS_RCODE_BADVERS = 16,
};

enum dns_algorithm {
	DNS_ALGORITHM_RSASHA256 = 8,
	DNS_ALGORITHM_RSASHA512 = 10,
	DNS_ALGORITHM_ECDSAP256SHA256 = 13,
	DNS_ALGORITHM_ECDSAP384SHA384 = 14,
	DNS_ALGORITHM_ED25519 = 15,
};

enum dns_digest { DNS_DIGEST_SHA1 = 1, DNS_DIGEST_SHA256 = 2, DNS_DIGEST_SHA384 = 4 };

#define DNS_TYPE_TEXT 20
// "DNSKEY", or "TYPE65280" for numbers without a name. buf has DNS_TYPE_TEXT octets. Returns buf.
char *dns_type_text(uint16_t type, char *buf);
// Both forms, in any case. RESULT_INPUT for anything else.
enum result dns_type_parse(const char *text, uint16_t *type, struct error *err);

// Whether one can ask a zone for its records of this type and get them, with their signatures:
// RESULT_INPUT and the reason for types of questions and messages (RFC 6895 3.1), RRSIG and SIG,
// NSEC3 (RFC 5155 7.2.8), and reserved numbers.
enum result dns_type_check_data(uint16_t type, struct error *err);

#define DNS_RCODE_TEXT 20
// "SERVFAIL", or "RCODE4095". buf has DNS_RCODE_TEXT octets. Returns buf.
char *dns_rcode_text(uint16_t rcode, char *buf);

#define DNS_DIGEST_TEXT 24
// "SHA-256", or "digest type 99". buf has DNS_DIGEST_TEXT octets. Returns buf.
char *dns_digest_text(uint8_t digest_type, char *buf);
