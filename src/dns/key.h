// DNSKEY records and DS records: identity, digests, and decoded public keys.
//
//     struct dns_key *key;
//     if (dns_key_parse(zone, "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d...", &key, err)
//             != RESULT_OK)
//             return err->code;
//     struct dns_ds ds;
//     dns_ds_from_key(key, DNS_DIGEST_SHA256, &ds, err);
//     assert(dns_ds_match(&ds, key) == DNS_DS_MATCHES);
//     dns_key_unref(key);
//
// A key is its owner (case ignored) and its whole RDATA, flags included: dns_key_equal. Two keys
// can share a key tag, and a key with the REVOKE bit set is another key than before. Any RDATA of
// at least four octets makes a key that can be named and compared; only verification cares whether
// the algorithm is known and the public key is any good.
//
// struct dns_key is an opaque heap object with a reference count: every dns_key that a function
// hands out has to be given back by dns_key_unref. The public key is decoded at the first
// verification and kept, because decoding costs as much as several verifications; a dns_key_cache
// keeps keys between messages. Neither may be used by two threads at the same time.
//
// struct dns_ds is plain memory. Errors: RESULT_INPUT for text and octets that are no such record,
// RESULT_UNSUPPORTED for a digest type that Baton does not compute, RESULT_MEMORY.
#pragma once

#include "base/error.h"
#include "dns/rrset.h"

#define DNS_KEY_ZONE   0x0100 // RFC 4034 2.1.1
#define DNS_KEY_REVOKE 0x0080 // RFC 5011 7
#define DNS_KEY_SEP    0x0001 // RFC 4034 2.1.1

struct dns_key;

// From RDATA in wire form. CDNSKEY RDATA is the same.
enum result dns_key_new(const uint8_t *owner, const struct dns_rdata *rdata, struct dns_key **key,
        struct error *err);
// From "flags protocol algorithm base64", where the base64 may contain spaces.
enum result dns_key_parse(
        const uint8_t *owner, const char *text, struct dns_key **key, struct error *err);
struct dns_key *dns_key_ref(struct dns_key *key);
void dns_key_unref(struct dns_key *key); // NULL is fine

const uint8_t *dns_key_owner(const struct dns_key *key); // in lower case
const struct dns_rdata *dns_key_rdata(const struct dns_key *key);
uint8_t dns_key_algorithm(const struct dns_key *key);
uint16_t dns_key_tag(const struct dns_key *key); // RFC 4034 appendix B

bool dns_key_is_zone_key(const struct dns_key *key); // ZONE set and protocol 3
bool dns_key_is_sep(const struct dns_key *key);
bool dns_key_is_revoked(const struct dns_key *key);

// Whether the public key has the form of its algorithm, so that signatures can be checked by it.
bool dns_key_is_decodable(struct dns_key *key);
// Whether the signature over these octets is this key's. Nothing is said about dates, or about
// whether the key may sign; false where it cannot be decoded.
bool dns_key_verify(struct dns_key *key, const uint8_t *data, size_t length,
        const uint8_t *signature, size_t signature_length);

bool dns_key_equal(const struct dns_key *a, const struct dns_key *b);

#define DNS_KEY_ID_TEXT 65
// A name for the key that does not collide: SHA-256 of lower-case owner and RDATA in hexadecimal
// (the digest of a DS of type 2). buf has DNS_KEY_ID_TEXT octets. Returns buf.
char *dns_key_id(const struct dns_key *key, char *buf);
// "257 3 13 base64" in the arena; NULL without memory.
char *dns_key_text(const struct dns_key *key, struct arena *arena);

// Whether signatures of this algorithm can be checked here: 8, 10, 13, 14, 15.
bool dns_algorithm_is_supported(uint8_t algorithm);
// Whether digests of this type can be computed here: 1, 2, 4.
bool dns_digest_is_supported(uint8_t digest_type);

// The CDNSKEY and CDS records that ask for the removal of all DS (RFC 8078 4), compared whole.
bool dns_cdnskey_is_delete(const struct dns_rdata *rdata);
bool dns_cds_is_delete(const struct dns_rdata *rdata);

#define DNS_DS_DIGEST_MAX 64 // octets; longer digests (no such type exists) are refused

struct dns_ds {
	uint16_t tag;
	uint8_t algorithm, digest_type, digest_length;
	uint8_t digest[DNS_DS_DIGEST_MAX];
};

// From RDATA in wire form (DS or CDS). A digest whose length is wrong for its type is refused.
enum result dns_ds_new(const struct dns_rdata *rdata, struct dns_ds *ds, struct error *err);
// From "tag algorithm type hexadecimal".
enum result dns_ds_parse(const char *text, struct dns_ds *ds, struct error *err);
// RFC 4034 5.1.4; RESULT_UNSUPPORTED for digest types other than 1, 2, 4.
enum result dns_ds_from_key(
        const struct dns_key *key, uint8_t digest_type, struct dns_ds *ds, struct error *err);
bool dns_ds_equal(const struct dns_ds *a, const struct dns_ds *b);

enum dns_ds_match { DNS_DS_OTHER, DNS_DS_MATCHES, DNS_DS_UNSUPPORTED };
// Recomputes the digest; tag and algorithm have to agree as well. DNS_DS_UNSUPPORTED where tag and
// algorithm agree and the digest type is not computed here. Whether the key may be used at all
// (zone key, not revoked) is another question: dns_key_is_zone_key.
enum dns_ds_match dns_ds_match(const struct dns_ds *ds, const struct dns_key *key);

#define DNS_DS_TEXT (32 + 2 * DNS_DS_DIGEST_MAX)
// "12345 13 2 ABCD…". buf has DNS_DS_TEXT octets. Returns buf.
char *dns_ds_text(const struct dns_ds *ds, char *buf);
#define DNS_DS_WIRE_MAX (4 + DNS_DS_DIGEST_MAX)
// Writes the RDATA into octets (DNS_DS_WIRE_MAX of room) and returns its length.
size_t dns_ds_wire(const struct dns_ds *ds, uint8_t *octets);

// Decoded keys, kept between messages: a bounded table by owner and RDATA. Where it is full, the
// key longest unused goes (it lives on for those who hold a reference).
struct dns_key_cache;
struct dns_key_cache *dns_key_cache_new(size_t max_keys); // NULL without memory; max_keys > 0
void dns_key_cache_free(struct dns_key_cache *cache);
// The kept key, or a new one that is kept from now on. A reference for the caller: dns_key_unref.
enum result dns_key_cache_get(struct dns_key_cache *cache, const uint8_t *owner,
        const struct dns_rdata *rdata, struct dns_key **key, struct error *err);

#define DNS_KEYS_MAX 256 // keys of one DNSKEY RRset that are looked at

// The keys of a DNSKEY (or CDNSKEY) RRset, in order, equal ones once.
struct dns_keys {
	size_t count;
	struct dns_key **key;
};
// cache may be NULL. The array lives in the arena; the references are given back by
// dns_keys_clear. RDATA that is too short to be a key is RESULT_INPUT, too many keys RESULT_LIMIT.
enum result dns_keys_from_rrset(struct arena *arena, const struct dns_rrset *rrset,
        struct dns_key_cache *cache, struct dns_keys *keys, struct error *err);
void dns_keys_clear(struct dns_keys *keys);
