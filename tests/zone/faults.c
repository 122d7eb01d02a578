#include "tests/zone/faults.h"

#include <string.h>

#define DAY_S     86400
#define FUN(name) static void name(struct made *z)

static const struct made_how past = {.inception_s = 1700000000, .expiration_s = 1700864000};
static const struct made_how wrong_ttl = {.original_ttl_s = 7200};
static const struct made_how few_labels = {.labels = -1}, many_labels = {.labels = 1};
static const struct made_how other_signer = {.signer = "www"};

static void flip(struct made *z, const char *owner, uint16_t type)
{
	struct made_record *record = made_signature(z, owner, type);
	made_octets(z, record)[record->rdata.length - 5] ^= 4;
}

// Signatures.
FUN(flip_www)
{
	flip(z, "www", DNS_TYPE_A);
}
FUN(flip_soa)
{
	flip(z, "@", DNS_TYPE_SOA);
}
FUN(flip_dnskey)
{
	flip(z, "@", DNS_TYPE_DNSKEY);
}
FUN(flip_ds)
{
	flip(z, "sec", DNS_TYPE_DS);
}
FUN(flip_denial)
{
	flip(z, made_denier(z, "www"), z->kind == MADE_NSEC ? DNS_TYPE_NSEC : DNS_TYPE_NSEC3);
}
FUN(short_signature)
{
	made_signature(z, "www", DNS_TYPE_A)->rdata.length -= 1;
}
FUN(expired)
{
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &past);
}
FUN(expired_keys)
{
	made_sign_anew(z, "@", DNS_TYPE_DNSKEY, 0, &past);
}
FUN(not_yet)
{
	struct made_how how = {
	        .inception_s = z->now_s + DAY_S, .expiration_s = z->now_s + 9 * DAY_S};
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &how);
}
FUN(reversed_dates)
{
	struct made_how how = {.inception_s = z->now_s + DAY_S, .expiration_s = z->now_s - DAY_S};
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &how);
}
FUN(expired_beside_good)
{
	made_sign_set(z, "www", DNS_TYPE_A, 1, &past);
}
FUN(unsigned_www)
{
	made_drop_signatures(z, "www", DNS_TYPE_TXT);
}
FUN(unsigned_keys)
{
	made_drop_signatures(z, "@", DNS_TYPE_DNSKEY);
}
FUN(unsigned_ds)
{
	made_drop_signatures(z, "sec", DNS_TYPE_DS);
}
FUN(unsigned_denial)
{
	made_drop_signatures(
	        z, made_denier(z, "www"), z->kind == MADE_NSEC ? DNS_TYPE_NSEC : DNS_TYPE_NSEC3);
}
FUN(signed_ns)
{
	made_sign_set(z, "plain", DNS_TYPE_NS, 1, NULL);
}
FUN(signed_glue)
{
	made_sign_set(z, "ns.sec", DNS_TYPE_A, 1, NULL);
}
FUN(foreign_key)
{
	made_sign_anew(z, "www", DNS_TYPE_A, made_key(z, 13, 256), NULL);
}
FUN(foreign_key_beside)
{
	made_sign_set(z, "www", DNS_TYPE_A, made_key(z, 13, 256), NULL);
}
FUN(too_few_labels)
{
	made_sign_anew(z, "deep.b.c", DNS_TYPE_TXT, 1, &few_labels);
}
FUN(too_many_labels)
{
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &many_labels);
}
FUN(wildcard_counted)
{
	made_sign_anew(z, "*.wild", DNS_TYPE_TXT, 1, &many_labels);
}
FUN(wrong_original_ttl)
{
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &wrong_ttl);
}
FUN(wrong_signer)
{
	made_sign_anew(z, "www", DNS_TYPE_A, 1, &other_signer);
}
FUN(signature_of_nothing)
{
	made_drop(z, "www", DNS_TYPE_TXT);
}
FUN(signature_of_nothing_at_all)
{
	made_add(z, "ghost 3600 IN TXT \"x\"");
	made_sign_set(z, "ghost", DNS_TYPE_TXT, 1, NULL);
	made_drop(z, "ghost", DNS_TYPE_TXT);
}
FUN(signature_ttl)
{
	made_signature(z, "www", DNS_TYPE_A)->ttl_s = 60;
}

// Data that came, went or changed after signing.
FUN(added_record)
{
	made_add(z, "www 3600 IN A 192.0.2.99");
}
FUN(added_set)
{
	made_add(z, "www 3600 IN AAAA 2001:db8::99");
}
FUN(added_name)
{
	made_add(z, "new 3600 IN A 192.0.2.99");
}
FUN(added_delegation)
{
	made_add(z, "newdel 3600 IN NS ns.other.test.");
}
FUN(lost_record)
{
	made_find(z, "www", DNS_TYPE_A)->gone = true;
}
FUN(lost_name)
{
	made_drop(z, "mail", 0);
	made_drop(z, "alias", 0);
}
FUN(lost_plain_delegation)
{
	made_drop(z, "sibling", DNS_TYPE_NS);
}
FUN(changed_record)
{
	made_octets(z, made_find(z, "www", DNS_TYPE_A))[3] ^= 1;
}
FUN(lost_ds)
{
	made_drop(z, "sec", DNS_TYPE_DS);
	made_drop_signatures(z, "sec", DNS_TYPE_DS);
}
FUN(added_ds)
{
	made_add(z, "plain 3600 IN DS 1 13 2 "
	            "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE7F2E6B5B0E6E6C4B45C55D4A");
	made_sign_set(z, "plain", DNS_TYPE_DS, 1, NULL);
}
FUN(changed_ttl)
{
	for (size_t i = 0; i < z->count; i++)
		if (dns_name_equal(z->records[i].owner, made_name(z, "www")) &&
		        z->records[i].type != DNS_TYPE_NSEC)
			z->records[i].ttl_s = 60;
}
FUN(different_ttls)
{
	made_find(z, "www", DNS_TYPE_A)->ttl_s = 60;
}

// Denial of existence.
static struct made_record *denial(struct made *z, const char *owner)
{
	return made_find(
	        z, made_denier(z, owner), z->kind == MADE_NSEC ? DNS_TYPE_NSEC : DNS_TYPE_NSEC3);
}

// Where the next name or hash begins in the RDATA, and behind it the bitmap.
static size_t next_at(const struct made *z)
{
	return z->kind == MADE_NSEC ? 0 : 5u + 1u + (z->iterations > 0 ? 2 : 0);
}

static size_t bitmap_at(const struct made *z, const struct made_record *record)
{
	size_t at = next_at(z);
	return z->kind == MADE_NSEC ? dns_name_length(record->rdata.octets) : at + 20;
}

FUN(lost_denial)
{
	denial(z, "www")->gone = true;
}
// The record before takes over its next name, as if the name were not there.
FUN(skipped_denial)
{
	struct made_record *gone = denial(z, "www");
	size_t at = next_at(z);
	for (size_t i = 0; i < z->count; i++) {
		struct made_record *r = &z->records[i];
		if (r->gone || r->type != gone->type || r == gone)
			continue;
		if (z->kind == MADE_NSEC ? !dns_name_equal(r->rdata.octets, gone->owner)
		                         : dns_name_equal(r->owner, gone->owner))
			continue;
		if (z->kind == MADE_NSEC) {
			size_t n = dns_name_length(gone->rdata.octets), old = bitmap_at(z, r);
			uint8_t octets[400];
			memcpy(octets, gone->rdata.octets, n);
			memcpy(octets + n, r->rdata.octets + old, r->rdata.length - old);
			n += r->rdata.length - old;
			r->rdata =
			        (struct dns_rdata){arena_memdup(z->arena, octets, n), (uint16_t)n};
			break;
		}
		// The hash of the label of the record that goes is what the one before it names.
		struct dns_name text;
		dns_name_copy(&text, gone->owner);
		uint8_t hash[20] = {0};
		for (unsigned bit = 0; bit < 160; bit++) {
			uint8_t c = text.wire[1 + bit / 5];
			unsigned v = c <= '9' ? c - (unsigned)'0' : c - (unsigned)'a' + 10;
			if (v >> (4 - bit % 5) & 1)
				hash[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
		if (memcmp(r->rdata.octets + at, hash, 20) == 0)
			memcpy(made_octets(z, r) + at, gone->rdata.octets + at, 20);
	}
	gone->gone = true;
}
FUN(broken_chain)
{
	struct made_record *record = denial(z, "www"), *other = denial(z, "mail");
	if (z->kind == MADE_NSEC)
		record->rdata = other->rdata;
	else
		made_octets(z, record)[next_at(z) + 7] ^= 1;
}
FUN(chain_to_itself)
{
	if (z->kind != MADE_NSEC)
		return;
	struct made_record *record = denial(z, "www");
	uint8_t octets[400];
	size_t n = dns_name_length(record->owner), old = bitmap_at(z, record);
	memcpy(octets, record->owner, n);
	memcpy(octets + n, record->rdata.octets + old, record->rdata.length - old);
	n += record->rdata.length - old;
	record->rdata = (struct dns_rdata){arena_memdup(z->arena, octets, n), (uint16_t)n};
}

static void toggle_bit(struct made *z, const char *owner, uint16_t type)
{
	struct made_record *record = denial(z, owner);
	made_octets(z, record)[bitmap_at(z, record) + 2 + type / 8] ^= (uint8_t)(0x80 >> type % 8);
}
FUN(bitmap_lacks)
{
	toggle_bit(z, "www", DNS_TYPE_TXT);
}
FUN(bitmap_has)
{
	toggle_bit(z, "www", DNS_TYPE_MX);
}
FUN(bitmap_lacks_ds)
{
	toggle_bit(z, "sec", DNS_TYPE_DS);
}
FUN(bitmap_has_ds)
{
	toggle_bit(z, "plain", DNS_TYPE_A);
}
FUN(bitmap_lacks_ns)
{
	toggle_bit(z, "sec", DNS_TYPE_NS);
}
FUN(bitmap_lacks_rrsig)
{
	toggle_bit(z, "www", DNS_TYPE_RRSIG);
}
FUN(bitmap_apex_lacks_soa)
{
	toggle_bit(z, "@", DNS_TYPE_SOA);
}
FUN(denial_at_glue)
{
	made_add(z, "ns.sec 300 IN NSEC plain A RRSIG NSEC");
	made_sign_set(z, "ns.sec", DNS_TYPE_NSEC, 1, NULL);
}
FUN(two_denials)
{
	made_add(z, "www 300 IN NSEC zzz A TXT RRSIG NSEC");
}
FUN(no_denial)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_NSEC || z->records[i].type == DNS_TYPE_NSEC3 ||
		        z->records[i].type == DNS_TYPE_NSEC3PARAM)
			z->records[i].gone = true;
}
FUN(nsec_in_nsec3)
{
	made_add(z, "www 300 IN NSEC zzz A TXT RRSIG NSEC");
}
FUN(extra_nsec3)
{
	// In its place in the chain, but of no name: the record before is the one before "zz9".
	made_add(z, "zz9 3600 IN TXT \"only for the chain\"");
}
FUN(extra_nsec3_name_goes)
{
	made_drop(z, "zz9", DNS_TYPE_TXT);
}
FUN(empty_name_lost)
{
	made_find(z, made_denier(z, "b.c"), DNS_TYPE_NSEC3)->gone = true;
}
FUN(opt_out_flag_cleared)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_NSEC3)
			made_octets(z, &z->records[i])[1] = 0;
}
FUN(opt_out_flag_set)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_NSEC3)
			made_octets(z, &z->records[i])[1] = 1;
}
FUN(secure_left_out)
{
	made_find(z, made_denier(z, "sec"), DNS_TYPE_NSEC3)->gone = true;
}
FUN(strange_flag)
{
	made_octets(z, denial(z, "www"))[1] |= 0x40;
}
FUN(other_iterations)
{
	made_octets(z, denial(z, "www"))[3] = 7;
}
FUN(all_other_iterations)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_NSEC3)
			made_octets(z, &z->records[i])[3] = 7;
}
FUN(no_parameters)
{
	made_drop(z, "@", DNS_TYPE_NSEC3PARAM);
}
// What a server leaves that is about to build or to remove a chain.
FUN(no_denial_but_parameters)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_NSEC3)
			z->records[i].gone = true;
	made_octets(z, made_find(z, "@", DNS_TYPE_NSEC3PARAM))[1] = 1;
}
FUN(other_parameters)
{
	made_octets(z, made_find(z, "@", DNS_TYPE_NSEC3PARAM))[3] = 9;
}

// Keys.
FUN(single_key)
{
	made_key_flags(z, 0, 257);
	made_publish(z, 0);
}
FUN(two_algorithms)
{
	made_publish(z, 0);
	made_publish(z, 1);
	made_publish(z, made_key(z, 8, 257));
	made_publish(z, made_key(z, 8, 256));
}
FUN(standby_key)
{
	made_publish(z, 0);
	made_publish(z, 1);
	made_publish(z, made_key(z, 13, 256));
}
FUN(standby_key_unused)
{
	uint16_t tag = z->keys[2].tag;
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_RRSIG &&
		        (z->records[i].rdata.octets[16] << 8 | z->records[i].rdata.octets[17]) ==
		                tag)
			z->records[i].gone = true;
}
FUN(algorithm_without_signatures)
{
	made_publish(z, 0);
	made_publish(z, 1);
	size_t idle = made_key(z, 8, 256);
	made_put(z, z->apex, DNS_TYPE_DNSKEY, 3600, z->keys[idle].dnskey.octets,
	        z->keys[idle].dnskey.length);
}
FUN(no_zsk)
{
	made_publish(z, 0);
	z->keys[1].published = true; // signs, but is not there
}
FUN(no_ksk)
{
	made_publish(z, 1);
	z->keys[0].published = true;
}
FUN(no_keys)
{
	z->keys[0].published = z->keys[1].published = true;
}
FUN(keys_by_zsk)
{
	made_sign_anew(z, "@", DNS_TYPE_DNSKEY, 1, NULL);
}
FUN(no_zone_flag)
{
	made_key_flags(z, 1, 0);
	made_publish(z, 0);
	made_publish(z, 1);
}
FUN(revoked_zsk)
{
	made_key_flags(z, 1, 256 | DNS_KEY_REVOKE);
	made_publish(z, 0);
	made_publish(z, 1);
}
FUN(revoked_ksk)
{
	made_key_flags(z, 0, 257 | DNS_KEY_REVOKE);
	made_publish(z, 0);
	made_publish(z, 1);
}
FUN(revoked_beside)
{
	made_publish(z, 0);
	made_publish(z, 1);
	made_publish(z, made_key(z, 13, 257 | DNS_KEY_REVOKE));
}
FUN(other_protocol)
{
	uint8_t octets[100];
	made_publish(z, 0);
	memcpy(octets, z->keys[1].dnskey.octets, z->keys[1].dnskey.length);
	octets[2] = 4;
	z->keys[1].published = true;
	uint32_t tag = z->keys[1].tag + 0x100u;
	z->keys[1].tag = (uint16_t)(tag + (tag >> 16)); // the carry comes back (RFC 4034 B)
	made_put(z, z->apex, DNS_TYPE_DNSKEY, 3600, octets, z->keys[1].dnskey.length);
}
FUN(no_point)
{
	uint8_t octets[100];
	made_publish(z, 0);
	made_publish(z, 1);
	memcpy(octets, z->keys[1].dnskey.octets, z->keys[1].dnskey.length);
	octets[40] ^= 1;
	made_put(z, z->apex, DNS_TYPE_DNSKEY, 3600, octets, z->keys[1].dnskey.length);
}

// What the child asks of the parent.
static void put_cds(struct made *z, size_t key)
{
	struct dns_key *parsed;
	struct dns_ds ds;
	uint8_t octets[DNS_DS_WIRE_MAX];
	dns_key_new(z->apex, &z->keys[key].dnskey, &parsed, NULL);
	dns_ds_from_key(parsed, DNS_DIGEST_SHA256, &ds, NULL);
	dns_key_unref(parsed);
	made_put(z, z->apex, DNS_TYPE_CDS, 3600, octets, dns_ds_wire(&ds, octets));
}
static void put_cdnskey(struct made *z, size_t key)
{
	made_put(z, z->apex, DNS_TYPE_CDNSKEY, 3600, z->keys[key].dnskey.octets,
	        z->keys[key].dnskey.length);
}
FUN(cds_good)
{
	put_cds(z, 0);
	put_cdnskey(z, 0);
}
FUN(cds_of_nobody)
{
	size_t other = made_key(z, 13, 257);
	put_cds(z, other);
	put_cdnskey(z, other);
}
FUN(cds_differ)
{
	put_cds(z, 0);
	put_cdnskey(z, 0);
	put_cdnskey(z, made_key(z, 13, 257));
}
FUN(cds_delete_and_more)
{
	put_cds(z, 0);
	made_add(z, "@ 3600 IN CDS 0 0 0 00");
}
FUN(cds_delete)
{
	made_add(z, "@ 3600 IN CDS 0 0 0 00");
	made_add(z, "@ 3600 IN CDNSKEY 0 3 0 AA==");
}

// What any zone has to be.
FUN(no_soa)
{
	made_drop(z, "@", DNS_TYPE_SOA);
}
FUN(two_soas)
{
	made_add(z, "@ 3600 IN SOA ns1 admin 1001 7200 3600 1209600 300");
}
FUN(outside)
{
	made_add(z, "www.elsewhere.test. 3600 IN A 192.0.2.1");
}
FUN(no_apex_ns)
{
	made_drop(z, "@", DNS_TYPE_NS);
}
FUN(beside_cname)
{
	made_add(z, "alias 3600 IN A 192.0.2.5");
}
FUN(two_cnames)
{
	made_add(z, "alias 3600 IN CNAME mail");
}
FUN(two_dnames)
{
	made_add(z, "redirect 3600 IN DNAME other.test.");
}
FUN(below_dname)
{
	made_add(z, "a.redirect 3600 IN A 192.0.2.5");
}
FUN(no_glue)
{
	made_drop(z, "ns.sec", DNS_TYPE_A);
}
FUN(no_sibling_glue)
{
	made_add(z, "sibling 3600 IN NS ns2.sec");
}
FUN(server_alias)
{
	made_add(z, "@ 3600 IN NS alias");
}
FUN(server_missing)
{
	made_add(z, "@ 3600 IN NS ns3");
}
FUN(ds_alone)
{
	made_add(z, "www 3600 IN DS 1 13 2 "
	            "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE7F2E6B5B0E6E6C4B45C55D4A");
}
FUN(wildcard_delegation)
{
	made_add(z, "*.wilder 3600 IN NS ns.example.net.");
}
FUN(ds_at_apex)
{
	made_add(z, "@ 3600 IN DS 1 13 2 "
	            "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE7F2E6B5B0E6E6C4B45C55D4A");
}

// The zone's digest. 48 and 64 octets of anything are computed at the end.
static void put_zonemd(struct made *z, uint32_t serial, uint8_t scheme, uint8_t hash, size_t n)
{
	uint8_t octets[6 + 64] = {(uint8_t)(serial >> 24), (uint8_t)(serial >> 16),
	        (uint8_t)(serial >> 8), (uint8_t)serial, scheme, hash};
	memset(octets + 6, 0xab, n);
	made_put(z, z->apex, DNS_TYPE_ZONEMD, 3600, octets, 6 + n);
}
FUN(zonemd)
{
	put_zonemd(z, 1000, 1, 1, 48);
	put_zonemd(z, 1000, 1, 2, 64);
}
FUN(zonemd_other_serial)
{
	put_zonemd(z, 999, 1, 1, 48);
}
FUN(zonemd_twice)
{
	put_zonemd(z, 1000, 1, 1, 48);
	put_zonemd(z, 1000, 1, 1, 47);
}
FUN(zonemd_short)
{
	put_zonemd(z, 1000, 1, 1, 20);
}
FUN(zonemd_private)
{
	put_zonemd(z, 1000, 240, 1, 48);
}
FUN(zonemd_changed)
{
	made_digest(z);
	made_octets(z, made_find(z, "ns.plain", DNS_TYPE_A))[3] ^= 1;
}
FUN(zonemd_wrong)
{
	made_digest(z);
	for (size_t i = 0; i < z->count; i++)
		if (z->records[i].type == DNS_TYPE_ZONEMD)
			made_octets(z, &z->records[i])[20] ^= 1;
	made_sign_anew(z, "@", DNS_TYPE_ZONEMD, 1, NULL);
}
FUN(zonemd_one_wrong)
{
	made_digest(z);
	made_octets(z, made_find(z, "@", DNS_TYPE_ZONEMD))[20] ^= 1;
	made_sign_anew(z, "@", DNS_TYPE_ZONEMD, 1, NULL);
}

// clang-format off
const struct fault faults[] = {
	{"good", ALL, .baton = "g", .bind = "g", .knot = "g"},
	{"good, one key for all", NSEC | NSEC3, .keys = single_key, .single_key = true,
	        .baton = "g", .bind = "g", .knot = "g"},
	{"good, RSA", NSEC, .algorithm = 8, .baton = "g", .bind = "g", .knot = "g"},
	{"good, P-384", NSEC3, .algorithm = 14, .baton = "g", .bind = "g", .knot = "g"},
	{"good, Ed25519", NSEC, .algorithm = 15, .baton = "g", .bind = "g", .knot = "g"},
	{"good, two algorithms", NSEC3, .keys = two_algorithms, .baton = "g", .bind = "g", .knot = "g"},
	{"good, standby ZSK", NSEC, .keys = standby_key, .sign = standby_key_unused,
	        .baton = "g", .bind = "g", .knot = "g"},
	{"good, revoked key beside", NSEC, .keys = revoked_beside, .baton = "g", .bind = "g", .knot = "g"},
	{"good, iterations and salt", HASHED, .iterations = 5, .baton = "g", .bind = "g", .knot = "g"},
	{"good, CDS and CDNSKEY", NSEC, .data = cds_good, .baton = "g", .bind = "g", .knot = "g"},
	{"good, deletion asked for", NSEC, .data = cds_delete, .baton = "g", .bind = "g", .knot = "g"},
	{"good, ZONEMD", ALL, .data = zonemd, .sign = made_digest, .baton = "g", .bind = "g", .knot = "g", .ldns = "g"},
	{"good, unknown ZONEMD scheme", NSEC, .data = zonemd_private, .baton = "g", .bind = "g", .knot = "g"},

	{"wrong signature", ALL, .sign = flip_www, .says = "www.example. A: the signature by key",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"wrong signature over SOA", NSEC, .sign = flip_soa, .says = "example. SOA: the signature by key",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"wrong signature over DNSKEY", NSEC3, .sign = flip_dnskey,
	        .says = "example. DNSKEY: the signature by key", .baton = "b", .bind = "b", .knot = "b"},
	{"wrong signature over DS", OPT_OUT, .sign = flip_ds, .says = "sec.example. DS: the signature by key",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"wrong signature over denial", ALL, .sign = flip_denial, .says = "does not match the set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"signature one octet short", NSEC, .sign = short_signature,
	        .says = "www.example. A: the signature by key", .baton = "b", .bind = "b", .knot = "b"},
	{"expired", ALL, .sign = expired, .says = "expired at 2023-11-24T22:13:20Z",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"expired over DNSKEY", NSEC, .sign = expired_keys, .says = "example. DNSKEY: the signature by key",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"not yet valid", NSEC3, .sign = not_yet, .says = "is valid only from",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"ends before it begins", NSEC, .sign = reversed_dates, .says = "before it begins",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"expired beside a good one", NSEC, .sign = expired_beside_good, .says = "expired at",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "one good signature is enough for dnssec-verify; Baton wants each right, for caches keep any"},
	{"not signed", ALL, .sign = unsigned_www, .says = "www.example. TXT: is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"DNSKEY not signed", NSEC, .sign = unsigned_keys, .says = "example. DNSKEY: is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"DS not signed", ALL, .sign = unsigned_ds, .says = "sec.example. DS: is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"denial not signed", ALL, .sign = unsigned_denial, .says = "is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"NS of a delegation signed", NSEC | NSEC3, .sign = signed_ns,
	        .says = "plain.example. NS: is signed, but stands at a delegation",
	        .baton = "b", .bind = "gb", .knot = "b",
	        .why = "dnssec-verify does not look, in zones with NSEC"},
	{"glue signed", NSEC | NSEC3, .sign = signed_glue,
	        .says = "ns.sec.example. A: is signed, but lies below a delegation",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "RFC 4035 2.2; dnssec-verify does not look"},
	{"foreign key", NSEC, .sign = foreign_key, .says = "no such key is in the DNSKEY set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"foreign key beside a good one", NSEC3, .sign = foreign_key_beside,
	        .says = "no such key is in the DNSKEY set", .baton = "b", .bind = "g", .knot = "g",
	        .why = "a key that nobody has: harmless to validators, but nobody can say what it is"},
	{"too few labels", NSEC, .sign = too_few_labels, .says = "says that the owner has 3 labels; it has 4",
	        .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not compare labels with the owner"},
	{"too many labels", NSEC, .sign = too_many_labels, .says = "says that the owner has 3 labels; it has 2",
	        .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not compare labels with the owner"},
	{"asterisk counted as a label", NSEC, .sign = wildcard_counted, .says = "without the asterisk",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "RFC 4034 3.1.3; validators refuse what the wildcard is expanded to"},
	{"wrong original TTL", NSEC, .sign = wrong_original_ttl, .says = "is for a TTL of 7200 s; the set's is 3600 s",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"wrong signer", NSEC, .sign = wrong_signer, .says = "names www.example. as its signer",
	        .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not compare the signer with the zone"},
	{"signature of a set that is gone", NSEC, .sign = signature_of_nothing,
	        .says = "www.example. TXT: there is a signature, but no set", .baton = "b", .bind = "b", .knot = "b"},
	{"signature where nothing is", NSEC, .sign = signature_of_nothing_at_all,
	        .says = "ghost.example. TXT: there is a signature, but no set", .baton = "b", .bind = "b", .knot = "b"},
	{"TTL of a signature", NSEC, .sign = signature_ttl, .says = "the TTL of its signatures is 60 s",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "RFC 4034 3: it has to be that of the set"},

	{"record added", ALL, .sign = added_record, .says = "www.example. A: the signature",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"set added", ALL, .sign = added_set, .says = "www.example. AAAA: is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"name added", ALL, .sign = added_name, .says = "new.example. A: is not signed",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"unsigned delegation added", NSEC | NSEC3, .sign = added_delegation, .says = "newdel.example. NSEC",
	        .baton = "b", .bind = "bg", .knot = "b",
	        .why = "dnssec-verify takes any unsigned delegation for left out by opt-out"},
	{"unsigned delegation added under opt-out", OPT_OUT, .sign = added_delegation,
	        .baton = "g", .bind = "g", .knot = "g", .why = "that is what opt-out is for"},
	{"record lost", ALL, .sign = lost_record, .says = "www.example. A: the signature",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"names lost", ALL, .sign = lost_name, .says = "", .baton = "b", .bind = "b", .knot = "bgg",
	        .why = "kzonecheck does not look for NSEC3 records of no name"},
	{"unsigned delegation lost", NSEC | NSEC3, .sign = lost_plain_delegation, .says = "",
	        .baton = "b", .bind = "b", .knot = "bg",
	        .why = "kzonecheck does not look for NSEC3 records of no name"},
	{"unsigned delegation lost under opt-out", OPT_OUT, .sign = lost_plain_delegation,
	        .baton = "g", .bind = "g", .knot = "g", .why = "only baton-zone compare or ZONEMD can tell"},
	{"record changed", NSEC3, .sign = changed_record, .says = "www.example. A: the signature",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"DS lost", ALL, .sign = lost_ds, .says = "has DS", .baton = "b", .bind = "b", .knot = "b"},
	{"DS added", NSEC | NSEC3, .sign = added_ds, .says = "lacks DS", .baton = "b", .bind = "b", .knot = "b"},
	{"DS added under opt-out", OPT_OUT, .sign = added_ds, .says = "the delegation has a DS set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"TTL changed", NSEC, .sign = changed_ttl, .says = "is for a TTL of 3600 s; the set's is 60 s",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"TTLs differ", NSEC, .sign = different_ttls, .says = "its records have different TTLs",
	        .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck takes the first TTL for all, with a warning"},

	{"denial lost", ALL, .chain = lost_denial, .says = "is missing", .baton = "b", .bind = "b", .knot = "b"},
	{"denial left out", ALL, .chain = skipped_denial, .says = "www.example. NSEC",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"chain broken", ALL, .chain = broken_chain, .says = "as the next", .baton = "b", .bind = "b", .knot = "b"},
	{"chain ends in itself", NSEC, .chain = chain_to_itself, .says = "names www.example. as the next name",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap lacks a type", ALL, .chain = bitmap_lacks, .says = "lacks TXT",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap has a type too many", ALL, .chain = bitmap_has, .says = "has MX, which is not there",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap lacks DS", ALL, .chain = bitmap_lacks_ds, .says = "lacks DS", .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap of a delegation has A", NSEC, .chain = bitmap_has_ds, .says = "has A",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap of a delegation lacks NS", NSEC | NSEC3, .chain = bitmap_lacks_ns, .says = "lacks NS",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap lacks RRSIG", NSEC | NSEC3, .chain = bitmap_lacks_rrsig, .says = "lacks RRSIG",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"bitmap of the apex lacks SOA", ALL, .chain = bitmap_apex_lacks_soa, .says = "lacks SOA",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"NSEC at glue", NSEC, .sign = denial_at_glue, .says = "ns.sec.example. NSEC:",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"two NSEC records", NSEC, .chain = two_denials, .says = "there are 2 NSEC records",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"NSEC in a zone with NSEC3", NSEC3, .chain = nsec_in_nsec3, .says = "there is no chain that this belongs to",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"no denial at all", ALL, .chain = no_denial, .says = "nothing can be denied",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"NSEC3 of no name", HASHED, .data = extra_nsec3, .chain = extra_nsec3_name_goes,
	        .says = "no name of the zone has this hash", .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not look for NSEC3 records of no name"},
	{"NSEC3 of an empty name lost", HASHED, .chain = empty_name_lost, .says = "b.c.example. NSEC3: its NSEC3 record",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"spans are not opt-out", OPT_OUT, .chain = opt_out_flag_cleared, .says = "is not opt-out",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"all spans opt-out, nothing left out", NSEC3, .chain = opt_out_flag_set, .baton = "g", .bind = "g", .knot = "g"},
	{"signed delegation left out", OPT_OUT, .chain = secure_left_out, .says = "the delegation has a DS set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"unknown NSEC3 flag", NSEC3, .chain = strange_flag, .says = "that mean nothing",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "RFC 5155 8.2: validators ignore such a record"},
	{"NSEC3 with other iterations", NSEC3, .chain = other_iterations, .says = "its hash parameters (7 iterations",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"all NSEC3 with other iterations", NSEC3, .chain = all_other_iterations,
	        .says = "its hash parameters (7 iterations", .baton = "b", .bind = "b", .knot = "b"},
	{"no NSEC3PARAM", HASHED, .chain = no_parameters, .says = "there is no NSEC3PARAM record",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"NSEC3PARAM with flags, no NSEC3", NSEC3, .chain = no_denial_but_parameters, .says = "an NSEC3PARAM record without flags at the apex: nothing",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify is content with a chain that is being built; nothing can be denied yet"},
	{"other NSEC3PARAM", HASHED, .chain = other_parameters, .says = "example. NSEC3PARAM: no NSEC3 record has its parameters",
	        .baton = "b", .bind = "b", .knot = "b"},

	{"algorithm without signatures", NSEC, .keys = algorithm_without_signatures,
	        .says = "has no signature of algorithm 8", .baton = "b", .bind = "g", .knot = "g",
	        .why = "RFC 4035 2.2; both forget algorithms that sign no DNSKEY set"},
	{"ZSK missing", NSEC3, .keys = no_zsk, .says = "no such key is in the DNSKEY set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"KSK missing", NSEC, .keys = no_ksk, .says = "no such key is in the DNSKEY set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"DNSKEY set missing", NSEC, .keys = no_keys, .says = "there is no DNSKEY set",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"DNSKEY set signed by the ZSK only", NSEC, .sign = keys_by_zsk, .says = "by a key with the SEP flag",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"ZSK without zone flag", NSEC, .keys = no_zone_flag, .says = "example. DNSKEY: key",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "RFC 4034 2.1.1; dnssec-verify does not look at the flag"},
	{"ZSK revoked", NSEC, .keys = revoked_zsk, .says = "does not count: that key is revoked", .baton = "b", .bind = "b", .knot = "g",
	        .why = "RFC 5011 2.1; kzonecheck does not look at the flag"},
	{"KSK revoked, no other", NSEC, .keys = revoked_ksk, .says = "is by a key that the parent's DS could name", .baton = "b", .bind = "b", .knot = "b"},
	{"key of another protocol", NSEC, .keys = other_protocol, .says = "only 3 is possible",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "RFC 4034 2.1.2"},
	{"key that is no point", NSEC, .keys = no_point, .says = "is no public key of algorithm 13",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "a key that no validator can use; the others are good"},
	{"CDS of no key", NSEC, .data = cds_of_nobody, .says = "it would make the zone bogus",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify does not look at CDS and CDNSKEY"},
	{"CDS and CDNSKEY differ", NSEC, .data = cds_differ, .says = "the CDS set has no record for one of its keys",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify does not look at CDS and CDNSKEY"},
	{"CDS deletion and more", NSEC, .data = cds_delete_and_more, .says = "has other records beside",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify does not look at CDS and CDNSKEY"},

	{"no SOA", NSEC, .sign = no_soa, .baton = "u", .bind = "b", .knot = "b"},
	{"two SOAs", NSEC, .data = two_soas, .baton = "u", .bind = "b", .knot = "b"},
	{"name of another zone", NSEC, .sign = outside, .baton = "u", .bind = "g", .knot = "g",
	        .why = "both leave it out; what is verified would not be what is in the file"},
	{"no NS at the apex", NSEC, .data = no_apex_ns, .says = "the apex has no NS set",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify looks at DNSSEC only"},
	{"data beside CNAME", NSEC, .data = beside_cname, .says = "alias.example. CNAME: stands beside A",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"two CNAMEs", NSEC, .data = two_cnames, .says = "there are 2 CNAME records", .baton = "b", .bind = "b", .knot = "b"},
	{"two DNAMEs", NSEC, .data = two_dnames, .says = "there are 2 DNAME records", .baton = "b", .bind = "b", .knot = "b"},
	{"data below DNAME", NSEC, .data = below_dname, .says = "a.redirect.example.: lies below the DNAME",
	        .baton = "b", .bind = "b", .knot = "b"},
	{"glue missing", ALL, .sign = no_glue, .says = "ns.sec.example. is below the delegation",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify looks at DNSSEC only"},
	{"sibling glue missing", NSEC, .data = no_sibling_glue, .baton = "g", .bind = "g", .knot = "g"},
	{"name server is an alias", NSEC, .data = server_alias, .says = "alias.example. is an alias",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify looks at DNSSEC only"},
	{"name server has no address", NSEC, .data = server_missing, .says = "ns3.example. would be in this zone",
	        .baton = "b", .bind = "g", .knot = "b",
	        .why = "dnssec-verify looks at DNSSEC only"},
	{"DS without delegation", NSEC, .data = ds_alone, .says = "stands where there is no delegation",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "neither looks; RFC 4035 2.4"},
	{"delegation at a wildcard", OPT_OUT, .data = wildcard_delegation, .says = "warning: *.wilder.example. NS: a wildcard delegates nothing",
	        .baton = "g", .bind = "b", .knot = "g",
	        .why = "RFC 4592 4.2 leaves open what it means; dnssec-verify does not load the zone"},
	{"DS at the apex", NSEC, .data = ds_at_apex, .says = "stands at the apex", .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not look; RFC 4035 2.4"},

	{"ZONEMD wrong", ALL, .data = zonemd, .sign = zonemd_wrong, .says = "example. ZONEMD: the zone's",
	        .baton = "b", .bind = "g", .knot = "g",
	        .why = "neither computes the digest; ldns-verify-zone does", .ldns = "b"},
	{"one of two ZONEMD wrong", NSEC, .data = zonemd, .sign = zonemd_one_wrong,
	        .says = "example. ZONEMD: the zone's SHA-384", .baton = "b", .bind = "g", .knot = "g", .ldns = "g",
	        .why = "RFC 8976 4 is content with one; who knows only the other hash is not"},
	{"glue changed, found by ZONEMD", NSEC3, .data = zonemd, .sign = zonemd_changed,
	        .says = "which is not what the record says", .baton = "b", .bind = "g", .knot = "g",
	        .why = "neither computes the digest; ldns-verify-zone does", .ldns = "b"},
	{"ZONEMD of another serial", NSEC, .data = zonemd_other_serial, .sign = made_digest,
	        .says = "is for serial 999; the SOA record has 1000", .baton = "b", .bind = "g", .knot = "g",
	        .why = "neither computes the digest; ldns-verify-zone does", .ldns = "b"},
	{"ZONEMD twice", NSEC, .data = zonemd_twice, .says = "more than one record of scheme 1",
	        .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not look at ZONEMD", .ldns = "b"},
	{"ZONEMD too short", NSEC, .data = zonemd_short, .says = "48 are expected", .baton = "b", .bind = "b", .knot = "g",
	        .why = "kzonecheck does not look at ZONEMD", .ldns = "b"},
};
// clang-format on
const size_t fault_count = sizeof faults / sizeof *faults;

struct made *fault_zone(const struct fault *fault, enum made_kind kind, int64_t now_s)
{
	struct made *zone = made_new(kind, now_s);
	zone->iterations = fault->iterations;
	made_base(zone, fault->algorithm != 0 ? fault->algorithm : 13);
	if (fault->keys != NULL) {
		fault->keys(zone);
	} else {
		made_publish(zone, 0);
		made_publish(zone, 1);
	}
	if (fault->data != NULL)
		fault->data(zone);
	made_chain(zone);
	if (fault->chain != NULL)
		fault->chain(zone);
	made_sign(zone);
	if (fault->sign != NULL)
		fault->sign(zone);
	return zone;
}
