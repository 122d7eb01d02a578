// A zone of some thousand names as a whole: the fast path against OpenSSL, any number of threads,
// limits, dates, the parent's DS.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/zone/generate.h"
#include "tests/zone/make.h"
#include "zone/check.h"
#include "zone/read.h"

#define NOW_S   1767225600 // 2026-01-01
#define DAY_S   86400
#define DAMAGED 40

struct text {
	char *octets;
	size_t length;
};

static struct text generate(uint32_t delegations, bool nsec3, bool opt_out)
{
	struct text text;
	struct zone_generate options = {.origin = "example",
	        .delegations = delegations,
	        .signed_percent = 33,
	        .nsec3 = nsec3,
	        .opt_out = opt_out,
	        .seed = 7,
	        .now_s = NOW_S,
	        .serial = 1};
	FILE *out = open_memstream(&text.octets, &text.length);
	assert_true(zone_generate(&options, out, NULL));
	assert_int_equal(fclose(out), 0);
	return text;
}

static struct zone *load(const struct text *text)
{
	struct zone *zone;
	struct error err;
	if (zone_read_text("test", text->octets, text->length, &(struct zone_read_options){0},
	            &zone, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return zone;
}

static struct zone_report *check(const struct zone *zone, struct zone_check_options options)
{
	struct zone_report *report;
	struct error err;
	options.now_s = options.now_s != 0 ? options.now_s : NOW_S;
	options.threads = options.threads != 0 ? options.threads : 1;
	if (zone_check(zone, &options, &report, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return report;
}

static void assert_same(const struct zone_report *a, const struct zone_report *b)
{
	assert_int_equal(a->errors, b->errors);
	assert_int_equal(a->warnings, b->warnings);
	assert_int_equal(a->valid, b->valid);
	assert_int_equal(a->finding_count, b->finding_count);
	assert_int_equal(a->earliest_expiration_s, b->earliest_expiration_s);
	assert_int_equal(a->earliest_type, b->earliest_type);
	assert_ptr_equal(a->earliest_owner, b->earliest_owner);
	assert_memory_equal(a->headroom, b->headroom, sizeof a->headroom);
	for (size_t i = 0; i < a->finding_count; i++) {
		assert_ptr_equal(a->findings[i].owner, b->findings[i].owner);
		assert_int_equal(a->findings[i].type, b->findings[i].type);
		assert_string_equal(a->findings[i].text, b->findings[i].text);
	}
}

// Another character of base64 near the end of every n-th signature.
static size_t damage(struct text *text, size_t every)
{
	size_t count = 0, damaged = 0;
	char *at = text->octets;
	while ((at = strstr(at, " IN RRSIG ")) != NULL) {
		at = strchr(at, '\n');
		if (count++ % every == every / 2) {
			at[-20] = at[-20] == 'A' ? 'B' : 'A';
			damaged++;
		}
	}
	return damaged;
}

static void test_fast_path_says_what_openssl_says(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct text text = generate(900, i > 0, i == 2);
		struct zone *good = load(&text);
		struct zone_report *a = check(good, (struct zone_check_options){0});
		assert_int_equal(a->errors, 0);
		assert_int_equal(a->warnings, 0);
		assert_true(a->valid == a->signatures && a->valid > 500);
		zone_report_free(a);
		zone_free(good);

		size_t damaged = damage(&text, DAMAGED);
		struct zone *bad = load(&text);
		a = check(bad, (struct zone_check_options){.limit = 1000});
		struct zone_report *b = check(
		        bad, (struct zone_check_options){.limit = 1000, .reference_only = true});
		assert_true(damaged > 10);
		assert_true(a->errors >= damaged - 1); // of one the DNSKEY set may be the owner
		assert_same(a, b);
		zone_report_free(a);
		zone_report_free(b);
		zone_free(bad);
		free(text.octets);
	}
}

static void test_any_number_of_threads(void **state)
{
	(void)state;
	struct text text = generate(2500, true, false);
	damage(&text, DAMAGED / 2);
	struct zone *zone = load(&text);
	for (size_t limit = 0; limit <= 120; limit += 60) {
		struct zone_report *one = check(zone, (struct zone_check_options){.limit = limit});
		assert_true(one->errors > 130);
		assert_int_equal(one->finding_count, limit);
		for (unsigned threads = 2; threads <= 7; threads += 5) {
			struct zone_report *many = check(zone,
			        (struct zone_check_options){.limit = limit, .threads = threads});
			assert_same(one, many);
			zone_report_free(many);
		}
		zone_report_free(one);
	}
	zone_free(zone);
	free(text.octets);
}

struct seen {
	size_t calls, last, total;
};

static void see(void *ctx, size_t done, size_t total)
{
	struct seen *seen = ctx;
	assert_true(done >= seen->last && done <= total);
	*seen = (struct seen){seen->calls + 1, done, total};
}

static void test_progress(void **state)
{
	(void)state;
	struct text text = generate(1500, true, true);
	struct zone *zone = load(&text);
	struct seen seen = {0};
	zone_report_free(
	        check(zone, (struct zone_check_options){.progress = see, .progress_ctx = &seen}));
	assert_true(seen.calls >= 3);
	assert_int_equal(seen.last, seen.total);
	zone_free(zone);
	free(text.octets);
}

// Signatures of the generator end 20 to 30 days after its now.
static void test_dates(void **state)
{
	(void)state;
	struct text text = generate(300, false, false);
	struct zone *zone = load(&text);
	struct zone_report *report = check(zone, (struct zone_check_options){0});
	assert_true(report->earliest_expiration_s >= NOW_S + 20 * DAY_S);
	assert_true(report->earliest_expiration_s < NOW_S + 21 * DAY_S);
	assert_int_equal(report->headroom[4], report->valid); // 14 to 30 days
	int64_t first_s = report->earliest_expiration_s;
	zone_report_free(report);

	report = check(zone, (struct zone_check_options){.now_s = first_s});
	assert_int_equal(report->errors, 0); // both ends included
	assert_true(report->headroom[0] > 0);
	zone_report_free(report);
	report = check(zone, (struct zone_check_options){.now_s = first_s + 1, .limit = 5});
	assert_true(report->errors > 0);
	assert_non_null(strstr(report->findings[0].text, "expired at 2026-01-2"));
	zone_report_free(report);
	report = check(zone, (struct zone_check_options){.now_s = NOW_S + 40 * DAY_S});
	assert_int_equal(report->valid, 0);
	assert_null(report->earliest_owner);
	zone_report_free(report);
	report = check(zone, (struct zone_check_options){.now_s = NOW_S - 2 * DAY_S, .limit = 5});
	assert_int_equal(report->valid, 0);
	zone_report_free(report);
	zone_free(zone);
	free(text.octets);
}

static struct dns_ds ds_of(struct made *made, size_t number)
{
	struct dns_key *key;
	struct dns_ds ds;
	assert_int_equal(
	        dns_key_new(made->apex, &made->keys[number].dnskey, &key, NULL), RESULT_OK);
	assert_int_equal(dns_ds_from_key(key, DNS_DIGEST_SHA256, &ds, NULL), RESULT_OK);
	dns_key_unref(key);
	return ds;
}

// The parent names a key that signs the keys; a standby key; a key that is there and does not sign
// them; and nobody at all.
static void test_parent(void **state)
{
	(void)state;
	char path[] = "/tmp/baton-zone-XXXXXX";
	int fd = mkstemp(path);
	struct made *made = made_new(MADE_NSEC, NOW_S);
	struct zone *zone;
	assert_true(fd >= 0);
	made_base(made, 13);
	made_publish(made, 0);
	made_publish(made, 1);
	size_t elsewhere = made_key(made, 13, 257);
	made_chain(made);
	made_sign(made);
	made_write(made, path);
	assert_int_equal(zone_read(path, &(struct zone_read_options){0}, &zone, NULL), RESULT_OK);
	const struct dns_ds ksk = ds_of(made, 0), zsk = ds_of(made, 1),
	                    other = ds_of(made, elsewhere);
	const struct {
		struct dns_ds ds[2];
		size_t count, errors, warnings;
	} cases[] = {{{ksk}, 1, 0, 0}, {{ksk, other}, 2, 0, 1}, {{zsk}, 1, 1, 1},
	        {{other}, 1, 1, 1}, {{ksk}, 0, 1, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct zone_report *report = check(
		        zone, (struct zone_check_options){
		                      .ds = cases[i].ds, .ds_count = cases[i].count, .limit = 10});
		assert_int_equal(report->errors, cases[i].errors);
		assert_int_equal(report->warnings, cases[i].warnings);
		if (cases[i].errors > 0)
			assert_non_null(strstr(report->findings[0].text, "the zone is bogus"));
		zone_report_free(report);
	}
	zone_free(zone);
	made_free(made);
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fast_path_says_what_openssl_says),
	        cmocka_unit_test(test_any_number_of_threads),
	        cmocka_unit_test(test_progress),
	        cmocka_unit_test(test_dates),
	        cmocka_unit_test(test_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
