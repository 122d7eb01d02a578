// What `baton watch` makes of a view.
#include "cmd/watch.h"
#include "script.h"

static struct watch_report *report_make(struct script *s)
{
	struct watch_report *report;
	struct error err;
	assert_int_equal(watch_report_make(s->view, s->subject, s->last, s->wall_ms, &report, &err),
	        RESULT_OK);
	return report;
}

static void expect_head(struct script *s, const char *head, const char *more)
{
	struct watch_report *report = report_make(s);
	struct buffer out = buffer_init(1 << 20);
	watch_report_text(report, 1000, &out);
	const char *text = buffer_text(&out), *end = strchr(text, '\n');
	assert_non_null(end);
	assert_int_equal((size_t)(end - text), strlen(head));
	assert_memory_equal(text, head, strlen(head));
	assert_non_null(strstr(text, more));
	buffer_free(&out);
	watch_report_free(report);
}

#define HEAD "example.test., delegated from test., 2027-01-15T08:00:00Z: "

static void more_than_is_read_is_neither_secure_nor_bogus(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct address parent = place_address(P1);
	tick(s, 0);
	expect_head(s, HEAD "secure", "");
	s->problem = (struct observe_gap){.kind = OBSERVE_GAP_LIMIT,
	        .blocks = true,
	        .until_ms = TIME_NEVER_MS,
	        .server = parent,
	        .text = "192.0.2.1@53 (ns.test.) serves 101 DS records; Baton reads at most 32."};
	s->cell[P1][SAFETY_DS].state = OBSERVE_UNKNOWN;
	tick(s, 0);
	expect_head(s, HEAD "unknown, as far as can be seen; something is MISSING (see the end)",
	        "  ! 192.0.2.1@53 (ns.test.) serves 101 DS records; Baton reads at most 32.");
	script_restart(s);
	tick(s, 0);
	expect_head(s, HEAD "unknown, as far as can be seen; something is MISSING (see the end)",
	        "  ! 192.0.2.1@53 (ns.test.) serves 101 DS records; Baton reads at most 32.");
	struct watch_report *report = report_make(s);
	assert_false(report->complete || report->secure || report->insecure);
	watch_report_free(report);
	script_free(s);
}

static void a_ttl_that_counts_down_is_shown(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	for (int64_t at = 0; at < 3; at++) {
		show_ns(s, P1, 1 << A, (uint32_t)(900 - at));
		tick_set(s, at, 0);
	}
	expect_head(s, HEAD "secure", "counts down: is it a cache?");
	script_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(more_than_is_read_is_neither_secure_nor_bogus),
	        cmocka_unit_test(a_ttl_that_counts_down_is_shown),
	};
	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
