// The adapters of lab/adapters, as they are used by hand: all of them take the same words, and what
// they did is looked for at the secondary. Two labs, so that each signer has its turn.
#include "shell.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct lab_party *party;
static const char *foreign; // a key of the other operator

static void begin(const char *losing, const char *gaining)
{
	struct error err = {0};
	struct lab_options options = lab_options_default();
	options.names = 100;
	options.signer[LAB_LOSING].software = losing;
	options.signer[LAB_GAINING].software = gaining;
	if (lab_create(&options, &lab, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

static void look_at(int index)
{
	party = &lab_info(lab)->party[index];
	foreign = lab_info(lab)->party[LAB_LOSING + LAB_GAINING - index].zsk;
}

// Its exit status; what it prints goes to DIR/out.
static int adapter(const char *words)
{
	return shell("sh \"$D/%s-keys\" \"$D/%s.keys\" %s %s > \"$D/out\" 2>&1",
	        party->server[0].software, party->server[0].id, party->zone, words);
}

static int adapter_with(const char *word, const char *key)
{
	char words[1000];
	snprintf(words, sizeof(words), "%s '%s'", word, key);
	return adapter(words);
}

static void expect(const char *type, const char *rdata, bool there)
{
	struct error err = {0};
	struct lab_condition condition = {.address = party->server[1].v4,
	        .name = party->zone,
	        .type = type,
	        .rdata = rdata,
	        .absent = !there};
	if (lab_wait(lab, &condition, 20 * SECOND_MS, &err) != RESULT_OK)
		fail_msg("%s: %s", party->server[0].software, err.text);
}

// Waits until so many keys sign www at the secondary, among them (or not) this one.
static void expect_signers(int count, unsigned tag, bool there)
{
	int status = shell("for i in $(seq 100); do"
	                   "  tags=$(dig +short +norec +dnssec @%s www.%s A |"
	                   "    sed -n 's/^A \\([^ ]* \\)\\{5\\}\\([0-9]*\\) .*/\\2/p');"
	                   "  if echo $tags | grep -qw %u; then has=1; else has=0; fi;"
	                   "  [ $has -eq %d ] && [ $(echo $tags | wc -w) -eq %d ] && exit 0;"
	                   "  sleep 0.2; done; exit 1",
	        party->server[1].v4, party->zone, tag, there, count);
	if (status != 0)
		fail_msg("%s: not %d signatures, or %u is not as expected",
		        party->server[0].software, count, tag);
}

// The key that the adapter has just printed.
static void made(char *key, size_t size)
{
	snprintf(key, size, "%s", text_of("out"));
	key[strcspn(key, "\n")] = '\0';
}

static unsigned tag_of(const char *key)
{
	unsigned tag = 0;
	assert_int_equal(
	        shell("printf '%%s\\n' '%s 3600 IN DNSKEY %s' > \"$D/key\";"
	              "dnssec-dsfromkey -A -2 -f \"$D/key\" %s | sed 's/^.* DS //' > \"$D/out\"",
	                party->zone, key, party->zone),
	        0);
	assert_int_equal(sscanf(text_of("out"), "%u", &tag), 1);
	return tag;
}

static void foreign_keys_come_and_go(void)
{
	assert_int_equal(adapter_with("publish", foreign), 0);
	assert_int_equal(adapter_with("publish", foreign), 0); // again: nothing more
	expect("DNSKEY", foreign, true);
	expect("DNSKEY", party->zsk, true);
	assert_int_equal(adapter("list"), 0);
	assert_non_null(strstr(text_of("out"), "- foreign true false false 256 3 13 "));
	assert_non_null(strstr(text_of("out"), " ksk true true false 257 3 13 "));
	assert_non_null(strstr(text_of("out"), " zsk true false true 256 3 13 "));
	assert_int_equal(adapter_with("withdraw", foreign), 0);
	expect("DNSKEY", foreign, false);
	expect("DNSKEY", party->zsk, true);
	// It cannot sign here.
	assert_int_not_equal(adapter_with("flip", foreign), 0);
	assert_non_null(strstr(text_of("out"), "no such key in the key store"));
}

static void signals_are_frozen(void)
{
	assert_int_equal(adapter("thaw"), 0);
	expect("CDS", party->ds, true);
	expect("CDNSKEY", party->ksk, true);
	assert_int_equal(adapter("freeze"), 0);
	expect("CDS", NULL, false);
	expect("CDNSKEY", NULL, false);
}

static void a_zsk_is_rolled(void)
{
	char new[600];
	assert_int_equal(adapter("generate zsk"), 0);
	made(new, sizeof(new));
	unsigned new_tag = tag_of(new), old_tag = tag_of(party->zsk);
	assert_int_equal(adapter_with("publish", new), 0);
	expect("DNSKEY", new, true);
	expect_signers(1, old_tag, true);
	assert_int_equal(adapter_with("sign-with", new), 0);
	expect_signers(2, new_tag, true);
	assert_int_equal(adapter_with("stop-signing", new), 0);
	expect_signers(1, old_tag, true);
	assert_int_equal(adapter_with("flip", new), 0);
	expect_signers(1, new_tag, true);
	assert_int_equal(adapter_with("withdraw", party->zsk), 0);
	expect("DNSKEY", party->zsk, false);
	expect("DNSKEY", new, true);
}

static void a_ksk_is_rolled(void)
{
	char new[600];
	assert_int_equal(adapter("generate ksk"), 0);
	made(new, sizeof(new));
	assert_int_equal(adapter_with("publish", new), 0);
	expect("DNSKEY", new, true);
	assert_int_equal(adapter_with("sign-with", new), 0);
	assert_int_equal(adapter_with("withdraw", party->ksk), 0);
	expect("DNSKEY", party->ksk, false);
	assert_int_equal(adapter("list"), 0);
	char line[700];
	snprintf(line, sizeof(line), " ksk true true false %s\n", new);
	assert_non_null(strstr(text_of("out"), line));
}

static void words_are_checked(void)
{
	assert_int_not_equal(adapter("hop"), 0);
	assert_non_null(strstr(text_of("out"), "unknown word 'hop'"));
}

static void test_knot_and_powerdns(void **state)
{
	begin("knot", "powerdns");
	for (int i = LAB_LOSING; i <= LAB_GAINING; i++) {
		look_at(i);
		words_are_checked();
		foreign_keys_come_and_go();
		signals_are_frozen();
		a_zsk_is_rolled();
		a_ksk_is_rolled();
	}
	lab_stop(lab);
	(void)state;
}

// BIND's policy rolls its keys: it says so instead of doing something else.
static void test_bind(void **state)
{
	begin("bind", "knot");
	look_at(LAB_LOSING);
	words_are_checked();
	foreign_keys_come_and_go();
	signals_are_frozen();
	assert_int_not_equal(adapter("generate zsk"), 0);
	assert_int_not_equal(adapter_with("withdraw", party->zsk), 0);
	assert_non_null(strstr(text_of("out"), "BIND rolls its own keys"));
	expect("DNSKEY", party->zsk, true);
	lab_stop(lab);
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_knot_and_powerdns),
	        cmocka_unit_test(test_bind),
	};
	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
