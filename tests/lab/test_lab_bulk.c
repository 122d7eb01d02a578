// `baton bulk` moves some dozens of real zones from Knot to BIND, while all validators are asked
// for each of them. One zone is not at its new operator: that halts the bulk, and is mended; in
// between the program is killed.
//
//     test_lab_bulk PROGRAM FOLDER               the `baton` to run, and where bulk-zones is
#include "shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ZONES = 30, LACKING = 17 };

static const char *folder;

static int start_lab(void **state)
{
	struct error err = {0};
	struct lab_options options = lab_options_default();
	options.names = 100;
	(void)state;
	if (lab_create(&options, &lab, &err) == RESULT_OK)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int stop_lab(void **state)
{
	(void)state;
	lab_stop(lab);
	return 0;
}

static void must(int status, const char *what)
{
	if (status != 0)
		fail_msg("%s: status %d: %.3000s", what, status, text_of("bulk/out"));
}

static void add_zones(const char *words)
{
	const struct lab_party *p = lab_info(lab)->party;
	must(shell("mkdir -p $D/bulk; "
	           "REGISTRY=%s REGISTRY_V6=%s REGISTRY_2=%s REGISTRY_2_V6=%s LOSING=%s "
	           "LOSING_V6=%s GAINING=%s GAINING_V6=%s sh '%s/bulk-zones' %s > $D/bulk/out 2>&1",
	             p[0].server[0].v4, p[0].server[0].v6, p[0].server[1].v4, p[0].server[1].v6,
	             p[1].server[0].v4, p[1].server[0].v6, p[2].server[0].v4, p[2].server[0].v6,
	             folder, words),
	        words);
}

static void begin(void)
{
	must(shell("$B bulk run --json $D/bulk/bulk.yaml >> $D/bulk/run.log 2>&1 & "
	           "echo $! > $D/bulk/pid"),
	        "run");
}

// Until the status has this, for at most so many seconds.
static void wait_for(const char *condition, int seconds)
{
	for (int rest_s = seconds; rest_s > 0; rest_s -= 60) {
		int status =
		        shell("end=$(($(date +%%s) + %d)); while [ $(date +%%s) -lt $end ]; do "
		              "$B bulk status --json $D/bulk/bulk.yaml > $D/bulk/out 2>&1; "
		              "jq -e '%s' $D/bulk/out > /dev/null 2>&1 && exit 0; "
		              "sleep 0.5; done; exit 1",
		                rest_s < 60 ? rest_s : 60, condition);
		if (status == 0)
			return;
	}
	fail_msg("not %s: %.3000s", condition, text_of("bulk/out"));
}

static unsigned updates(void)
{
	const char *text = text_of("bulk/run.log");
	unsigned n = 0;
	while ((text = strstr(text, "\"what\": \"acts\"")) != NULL) {
		n++;
		text++;
	}
	return n;
}

// Every question was answered, and every answer authenticated.
static void check_answers(void)
{
	unsigned long asked = 0, answered = 0, authentic = 0, a, b, c;
	const char *line = text_of("bulk/probe.log");
	for (; sscanf(line, "%lu %lu %lu", &a, &b, &c) == 3; line = strchr(line, '\n') + 1) {
		asked += a;
		answered += b;
		authentic += c;
		if (strchr(line, '\n') == NULL)
			break;
	}
	print_message(
	        "# %lu questions, %lu answers, %lu authenticated\n", asked, answered, authentic);
	assert_true(asked > 10 * ZONES);
	assert_int_equal(answered, asked);
	assert_int_equal(authentic, asked);
}

static void dozens_of_zones_move(void **state)
{
	(void)state;
	char words[40];
	const struct lab_server *v = lab_info(lab)->resolver;
	snprintf(words, sizeof words, "%d %d", ZONES, LACKING);
	add_zones(words);
	must(shell("$B bulk check $D/bulk/bulk.yaml > $D/bulk/out 2>&1"), "check");
	must(shell("sh $D/bulk/probe %s %s %s %s > $D/log/probe.log 2>&1 &", v[0].v4, v[1].v4,
	             v[2].v4, v[3].v4),
	        "probe");
	begin();
	wait_for(".waves[0].complete", 90);
	wait_for(".halted and .halted_by == \"z17.test\"", 60);
	// They hold, whoever watches them.
	must(shell("sleep 3; kill -9 $(cat $D/bulk/pid)"), "kill");
	unsigned acts = updates();
	begin();
	must(shell("sleep 5"), "sleep");
	assert_int_equal(updates(), acts);
	wait_for(".halted and .finished == 2 and .to_come == 0", 5);
	snprintf(words, sizeof words, "mend %d", LACKING);
	add_zones(words);
	must(shell("$B bulk resume $D/bulk/bulk.yaml > $D/bulk/out 2>&1"), "resume");
	wait_for(".complete and .finished == 30", 120);
	must(shell("sleep 12; touch $D/bulk/enough; sleep 6"), "sleep");
	must(shell("for zone in $(cat $D/bulk/zones.txt); do "
	           "$B verify $D/bulk/lab.journals/$zone.journal || exit 1; done "
	           "> $D/bulk/out 2>&1"),
	        "verify");
	check_answers();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dozens_of_zones_move)};
	if (argc != 3)
		return 2;
	program = realpath(argv[1], NULL);
	folder = argv[2];
	return cmocka_run_group_tests_name("bulk", tests, start_lab, stop_lab);
}
