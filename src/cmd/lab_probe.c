// baton lab probe: all validators of a running lab are asked, and the answers counted.
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cmd/lab_words.h"
#include "cmd/options.h"
#include "lab/prober.h"

// Shows the counts once a second on a terminal, until the time is over.
static void wait_and_show(const struct lab *lab, const struct prober *prober, int64_t time_ms)
{
	struct clock clock = clock_system();
	int64_t until_ms = time_ms > 0 ? time_add(clock_now_ms(&clock), time_ms) : TIME_NEVER_MS;
	bool terminal = isatty(STDERR_FILENO) != 0;
	for (int i = 0; !lab_word_stopped() && clock_now_ms(&clock) < until_ms && lab_alive(lab);
	        i++) {
		struct prober_tally sum;
		poll(NULL, 0, 100);
		if (!terminal || i % 10 != 0)
			continue;
		prober_sum(prober_counts(prober), &sum);
		fprintf(stderr, "\r%llu asked, %llu authenticated, %llu failures ",
		        (unsigned long long)sum.asked,
		        (unsigned long long)sum.outcome[PROBE_SECURE],
		        (unsigned long long)prober_failures(&sum));
	}
	if (terminal)
		fputc('\n', stderr);
}

static bool print_counts(const struct lab *lab, const struct prober_counts *counts, bool json)
{
	struct prober_tally sum;
	struct buffer out = buffer_init(1u << 16);
	(json ? prober_json : prober_print)(lab_info(lab), counts, &out);
	fputs(buffer_text(&out), stdout);
	buffer_free(&out);
	prober_sum(counts, &sum);
	return prober_failures(&sum) == 0;
}

static int probe(const char *dir, const struct prober_options *how, int64_t time_ms, bool json)
{
	struct error err = {0};
	struct lab *lab;
	struct prober *prober;
	struct prober_counts counts;
	int status = 0;
	if (lab_open(dir, &lab, &err) != RESULT_OK)
		return lab_word_fail("probe", &err);
	lab_word_catch_signals();
	enum result result = prober_start(lab, how, &prober, &err);
	if (result == RESULT_OK) {
		wait_and_show(lab, prober, time_ms);
		result = prober_stop(prober, &counts, &err);
	}
	if (result != RESULT_OK)
		status = lab_word_fail("probe", &err);
	else if (!print_counts(lab, &counts, json))
		status = EXIT_NO;
	lab_close(lab);
	return output_end(status);
}

static const char about[] =
        "Asks all validators of a running lab and counts the answers, until the time is over or "
        "Ctrl-C.";

static const char more[] = "Without --dir it is the only lab that runs.\n\n"
                           "exit status:\n"
                           "  0  every answer was authenticated\n"
                           "  1  one was not, or the lab could not be asked\n"
                           "  2  unusable input";

int lab_word_probe(int argc, char **argv)
{
	const char *dir = NULL, *rate = NULL, *time = NULL;
	bool json = false;
	struct prober_options how = prober_options_default();
	const struct option_spec specs[] = {
	        {"--dir", "DIR", "the lab's folder", .text = &dir},
	        {"--rate", "N", "questions per second, all validators together (default 80)",
	                .text = &rate},
	        {"--for", "TIME", "how long, as in 30s", .text = &time},
	        {"--log", "FILE", "one line for each answer, fields separated by tabs",
	                .text = &how.log_path},
	        {"--json", NULL, "print the counts as one JSON object", .flag = &json},
	        {0},
	};
	const struct command_help help = {"baton lab probe [OPTION…]", about, specs, more};
	struct error err = {0};
	int64_t time_ms = 0;
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab probe: '%.60s' is too much; --help explains", argv[0]);
	if (time != NULL && duration_parse(time, &time_ms, &err) != RESULT_OK)
		return usage_error("--for: %s", err.text);
	if (time != NULL && time_ms == 0)
		return usage_error(
		        "--for: '%.60s' is no time; without --for it is until Ctrl-C", time);
	status = lab_word_number("--rate", rate, 1, PROBER_RATE_MAX, &how.rate);
	return status == 0 ? probe(dir, &how, time_ms, json) : status;
}
