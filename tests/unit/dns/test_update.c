#include "dns/update.h"
#include "support.h"

struct built {
	uint8_t *wire;
	size_t length, room;
};

static struct built finish(struct dns_update *u)
{
	struct built b;
	struct error err = {0};
	must(dns_update_finish(u, 0x4242, &b.wire, &b.length, &b.room, &err), &err);
	return b;
}

// The octets of one record behind the others.
static const uint8_t *expect(const uint8_t *at, struct arena *arena, const char *owner,
        uint16_t type, uint16_t rclass, uint32_t ttl_s, const struct dns_rdata *r)
{
	const uint8_t *n = name(arena, owner);
	size_t length = dns_name_length(n);
	assert_memory_equal(at, n, length);
	at += length;
	const uint16_t rdlength = r == NULL ? 0 : r->length;
	const uint8_t fixed[] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(rclass >> 8),
	        (uint8_t)rclass, (uint8_t)(ttl_s >> 24), (uint8_t)(ttl_s >> 16),
	        (uint8_t)(ttl_s >> 8), (uint8_t)ttl_s, (uint8_t)(rdlength >> 8), (uint8_t)rdlength};
	assert_memory_equal(at, fixed, sizeof fixed);
	at += sizeof fixed;
	if (r != NULL && r->length > 0)
		assert_memory_equal(at, r->octets, r->length);
	return at + rdlength;
}

static void has_the_form_of_rfc_2136(void **state)
{
	const uint8_t *zone = name(*state, "Example"), *child = name(*state, "child.example");
	struct dns_rdata old = rdata(*state, DNS_TYPE_DS,
	                         "1 13 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
	                 new = rdata(*state, DNS_TYPE_DS,
	                         "2 13 1 2BB183AF5F22588179A53B0A98631FAD1A292118");
	struct dns_update *u = dns_update_new(*state, zone, 4096);
	dns_update_require(u, child, DNS_TYPE_DS, &old, 1);
	dns_update_require_no_rrset(u, child, DNS_TYPE_CNAME);
	dns_update_add(u, child, DNS_TYPE_DS, 3600, &new);
	dns_update_delete(u, child, DNS_TYPE_DS, &old);
	dns_update_delete_rrset(u, child, DNS_TYPE_TXT);
	struct built b = finish(u);
	assert_memory_equal(b.wire, "\x42\x42\x28\0\0\1\0\2\0\3\0\0", 12);
	const uint8_t *at = b.wire + 12;
	assert_memory_equal(at, "\7Example\0\0\6\0\1", 13);
	at += 13;
	at = expect(at, *state, "child.example", DNS_TYPE_DS, DNS_CLASS_IN, 0, &old);
	at = expect(at, *state, "child.example", DNS_TYPE_CNAME, DNS_CLASS_NONE, 0, NULL);
	at = expect(at, *state, "child.example", DNS_TYPE_DS, DNS_CLASS_IN, 3600, &new);
	at = expect(at, *state, "child.example", DNS_TYPE_DS, DNS_CLASS_NONE, 0, &old);
	at = expect(at, *state, "child.example", DNS_TYPE_TXT, DNS_CLASS_ANY, 0, NULL);
	assert_ptr_equal(at, b.wire + b.length);
	assert_true(b.room >= b.length + DNS_UPDATE_TSIG_ROOM);
	struct dns_message m;
	assert_int_equal(dns_message_parse(*state, b.wire, b.length, &m, NULL), RESULT_OK);
	assert_int_equal(m.opcode, 5);
}

static void mistakes_are_reported_at_the_end(void **state)
{
	const uint8_t *zone = name(*state, "example");
	uint8_t *wire = NULL;
	size_t length, room;
	struct error err = {0};
	struct dns_update *u = dns_update_new(*state, zone, 4096);
	dns_update_delete_rrset(u, name(*state, "a.other"), DNS_TYPE_A);
	dns_update_delete_rrset(u, zone, DNS_TYPE_A);
	assert_int_equal(dns_update_finish(u, 1, &wire, &length, &room, &err), RESULT_INPUT);
	assert_string_equal(err.text, "the update names something outside of its zone");
	u = dns_update_new(*state, zone, 4096);
	dns_update_delete_rrset(u, zone, DNS_TYPE_A);
	dns_update_require_no_rrset(u, zone, DNS_TYPE_A);
	assert_int_equal(dns_update_finish(u, 1, &wire, &length, &room, &err), RESULT_INPUT);
	assert_null(wire);
}

static void fills_up_to_its_limit_and_no_further(void **state)
{
	const uint8_t *zone = name(*state, "example");
	struct dns_update *u = dns_update_new(*state, zone, 2048);
	uint8_t big[1500] = {0}, *wire;
	size_t length, room;
	const size_t head = 12 + 9 + 4, record = 9 + 10, left = 2048 - DNS_UPDATE_TSIG_ROOM - head;
	dns_update_add(u, zone, 65400, 1, &(struct dns_rdata){big, (uint16_t)(left - record)});
	assert_int_equal(dns_update_finish(u, 1, &wire, &length, &room, NULL), RESULT_OK);
	assert_int_equal(length, 2048 - DNS_UPDATE_TSIG_ROOM);
	dns_update_delete_rrset(u, zone, DNS_TYPE_A);
	struct error err = {0};
	assert_int_equal(dns_update_finish(u, 1, &wire, &length, &room, &err), RESULT_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(has_the_form_of_rfc_2136),
	        cmocka_unit_test(mistakes_are_reported_at_the_end),
	        cmocka_unit_test(fills_up_to_its_limit_and_no_further),
	};
	return cmocka_run_group_tests_name("dns update", tests, make_arena, free_arena);
}
