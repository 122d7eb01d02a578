// Signatures over RRsets: canonical form, and which keys really sign what.
//
//     struct dns_verified v;
//     if (dns_rrset_verify(arena, rrset, &keys, now_s, &v, err) != RESULT_OK) return err->code;
//     if (v.outcome == DNS_SIGNATURE_GOOD)
//             for (size_t i = 0; i < v.signer_count; i++)
//                     note(keys.key[v.signers[i].key], v.signers[i].until_s);
//
// An RRSIG is judged in this order, and the first thing that is wrong is the outcome: its own form;
// owner, type, labels and signer name against the RRset (RFC 4035 5.3.1); algorithm; which key;
// dates; the signature itself; whether the key may be used. Unknown algorithms are
// DNS_SIGNATURE_UNSUPPORTED, never bad: RFC 4035 5.2 treats what they sign as insecure.
//
// Time comes in as seconds since the Unix epoch. Inception and expiration are read in serial number
// arithmetic around it (RFC 4034 3.1.5, RFC 1982) and reported as full 64-bit seconds; a signature
// is good from inception to expiration, both included.
//
// Everything allocated lives in the caller's arena: per verification about the size of the RRset in
// canonical form. The result codes tell of failures of ours (RESULT_MEMORY, RESULT_LIMIT); a bad
// signature or a damaged RRSIG is no such failure, but an outcome.
#pragma once

#include "dns/key.h"
#include "dns/rrset.h"

// Worse ones later; the outcome of an RRset is the best among its signatures.
enum dns_signature {
	DNS_SIGNATURE_GOOD,
	DNS_SIGNATURE_REVOKED, // correct, but by a key with REVOKE set (what RFC 5011 looks for)
	DNS_SIGNATURE_EXPIRED, // dates only: nothing is known about the signature itself
	DNS_SIGNATURE_NOT_YET, // likewise
	DNS_SIGNATURE_BAD,     // matching key, wrong signature (or a key that cannot be decoded)
	DNS_SIGNATURE_KEY,     // correct, but the key is no zone key or its protocol is not 3
	DNS_SIGNATURE_UNSUPPORTED, // algorithm not verified here
	DNS_SIGNATURE_OTHER_KEY,   // made by none of the keys (signer name, algorithm, key tag)
	DNS_SIGNATURE_MALFORMED,   // no RRSIG, or it does not fit the RRset
	DNS_SIGNATURE_NONE,        // there is no signature at all
	DNS_SIGNATURE_COUNT,
};
// "good", "expired", "made by a key that is not there"; never NULL.
const char *dns_signature_text(enum dns_signature outcome);

struct dns_rrsig {
	uint16_t type_covered, tag;
	uint8_t algorithm, labels;
	uint32_t original_ttl_s;
	uint32_t expiration, inception; // as in the record: seconds modulo 2^32
	struct dns_name signer;         // in lower case
	const uint8_t *signature;       // inside the RDATA
	size_t signature_length;
	size_t head_length; // octets of RDATA before the signature
};
enum result dns_rrsig_parse(
        const struct dns_rdata *rdata, struct dns_rrsig *rrsig, struct error *err);

// The instant nearest to now_s that reads as `serial` modulo 2^32.
int64_t dns_serial_time(uint32_t serial, int64_t now_s);

struct dns_signer {
	size_t key;              // index into the keys given
	size_t signature;        // index into the RRset's signatures
	int64_t from_s, until_s; // inception and expiration
	uint32_t original_ttl_s;
	bool wildcard; // the RRset was synthesised from a wildcard (RFC 4035 5.3.4)
};

#define DNS_VERIFY_MAX_SIGNATURES 64 // of one RRset that are looked at
#define DNS_VERIFY_MAX_CHECKS     64 // public-key operations for one RRset

struct dns_verified {
	enum dns_signature outcome; // the best one
	size_t signer_count;
	const struct dns_signer
	        *signers; // every (key, signature) that is GOOD, in order of signatures
	size_t signature_count;
	const enum dns_signature *signatures; // what became of each of the RRset's signatures
	bool limited; // one of the two maxima was reached, so that some signatures were not checked
	// Where GOOD: the largest until_s among the signers, and the smallest. 0 otherwise.
	int64_t until_s, earliest_until_s;
};

// All signatures of an RRset against a set of keys, each matching pair checked. Several keys with
// the same tag are all tried, within DNS_VERIFY_MAX_CHECKS. The memory of *verified is the arena's.
enum result dns_rrset_verify(struct arena *arena, const struct dns_rrset *rrset,
        const struct dns_keys *keys, int64_t now_s, struct dns_verified *verified,
        struct error *err);

// A chain link: is there a key that one of the DS refers to, and that signs this DNSKEY RRset?
// `referenced` tells for each key whether a DS matches it; the array (keys->count) is the caller's.
// RESULT_OK and *linked; *unsupported where no DS record uses algorithms and digest types that are
// known here, so that the zone counts as insecure (RFC 4035 5.2, RFC 6840 5.2).
void dns_chain_link(const struct dns_ds *ds, size_t ds_count, const struct dns_keys *keys,
        const struct dns_verified *verified, bool *referenced, bool *linked, bool *unsupported);

// The RRset's records in canonical form and order (RFC 4034 6.2, 6.3; RFC 6840 5.1), equal ones
// once: RDATA with embedded names in lower case for the types that want it. In the arena.
enum result dns_canonical_rdata(struct arena *arena, const struct dns_rrset *rrset,
        struct dns_rdata **rdata, size_t *count, struct error *err);
