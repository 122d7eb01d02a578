// baton lab demo: the zone moves, before one's eyes, and nobody notices.
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/data.h"
#include "cmd/lab_words.h"
#include "cmd/options.h"
#include "lab/prober.h"
#include "lab/rehearse.h"

static const char about[] =
        "Starts a lab, asks all validators all the time, and lets `baton run` move the zone from "
        "the losing to\n"
        "the gaining operator. Shows who acts, why it waits, and what the validators answer.";

static const char more[] =
        "exit status:\n"
        "  0  every answer was authenticated from the first second to the last, the change came\n"
        "     to its end, and its journal verifies\n"
        "  1  it was not so, or was interrupted\n"
        "  2  unusable input";

enum { DEMO_ANSWERS_MIN = 5000, DEMO_FRESH_MIN = 1000 };

struct demo {
	struct lab *lab;
	struct prober *prober;
	bool terminal, colour;
	bool line_shown;
	int64_t began_ms;
};

struct wishes {
	const char *change;
	struct prober_options probe;
	struct lab_options lab;
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static void erase_line(struct demo *d)
{
	if (d->line_shown)
		fputs("\r\033[K", stdout);
	d->line_shown = false;
}

static int columns(void)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
	return known ? size.ws_col : 100;
}

static void count_words(const struct demo *d, const struct prober_tally *sum, struct buffer *out)
{
	const struct prober_counts *counts = prober_counts(d->prober);
	unsigned long long failures = prober_failures(sum);
	long long s = (long long)(now_ms() - d->began_ms) / 1000;
	unsigned long long answered = sum->answered[PROBE_FRESH];
	answered += sum->answered[PROBE_REPEATED];
	buffer_printf(out, " %lld:%02lld  %llu answers, ", s / 60, s % 60, answered);
	if (failures == 0)
		buffer_puts(out, "every one authenticated (");
	else
		buffer_printf(out, "%llu NOT authenticated (", failures);
	for (int i = 0; i < LAB_RESOLVERS; i++)
		buffer_printf(out, "%s%s %llu", i > 0 ? ", " : "", lab_info(d->lab)->resolver[i].id,
		        (unsigned long long)counts->resolver[i].outcome[PROBE_SECURE]);
	buffer_puts(out, ")");
}

// What the validators said so far, in one line that stays below.
static void show_line(struct demo *d)
{
	struct prober_tally sum;
	if (!d->terminal)
		return;
	prober_sum(prober_counts(d->prober), &sum);
	uint64_t failures = prober_failures(&sum);
	struct buffer line = buffer_init(1000);
	count_words(d, &sum, &line);
	erase_line(d);
	printf("%s%.*s%s",
	        !d->colour      ? ""
	        : failures == 0 ? "\033[32m"
	                        : "\033[31m",
	        columns() - 1, buffer_text(&line), d->colour ? "\033[0m" : "");
	buffer_free(&line);
	d->line_shown = true;
	fflush(stdout);
}

static _Noreturn void change_child(const struct demo *d, const char *change, int out)
{
	struct rehearsal r = {
	        .change = change, .within_ms = 170 * SECOND_MS, .output = REHEARSAL_HERE};
	struct rehearsal_outcome outcome;
	struct error err = {0};
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	enum result result = rehearse(d->lab, &r, &outcome, &err);
	if (result != RESULT_OK)
		fprintf(stderr, "%s\n", err.text);
	fflush(NULL);
	_exit(result == RESULT_OK ? 0 : 1);
}

// A window that was made larger or smaller is so for `baton run`, too.
static void pass_size(const struct demo *d, int to)
{
	struct winsize size;
	if (d->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(to, TIOCSWINSZ, &size);
}

// Passes the change's lines on, with the counters below them, until it ends. What is not a whole
// line yet, or a whole picture, stays without the counters.
static void follow(struct demo *d, int from)
{
	char buffer[16384];
	struct pollfd p = {.fd = from, .events = POLLIN};
	while (!lab_word_stopped()) {
		int ready = poll(&p, 1, 500);
		pass_size(d, from);
		if (ready < 0 && errno != EINTR)
			return;
		if (ready > 0) {
			ssize_t n = read(from, buffer, sizeof(buffer));
			if (n <= 0) // the other end of a pseudo-terminal ends with EIO
				return;
			erase_line(d);
			fwrite(buffer, 1, (size_t)n, stdout);
			fflush(stdout);
			if (buffer[n - 1] != '\n')
				continue;
		}
		show_line(d);
	}
}

// A terminal of its own, so that `baton run` draws as it does for a person; else a pipe.
static bool open_between(const struct demo *d, int ends[2])
{
	struct winsize size;
	if (!d->terminal)
		return pipe(ends) == 0;
	bool sized = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
	return openpty(&ends[0], &ends[1], NULL, NULL, sized ? &size : NULL) == 0;
}

static bool run_change(struct demo *d, const char *change)
{
	int between[2], status = 0;
	if (!open_between(d, between))
		return false;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(between[0]);
		change_child(d, change, between[1]);
	}
	close(between[1]);
	follow(d, between[0]);
	close(between[0]);
	erase_line(d);
	if (pid > 0 && lab_word_stopped())
		kill(pid, SIGTERM);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Long enough under probing afterwards to see what the end of the change did, and to have asked
// enough.
static void ask_on(struct demo *d)
{
	int64_t until_ms = now_ms() + 12 * SECOND_MS, latest_ms = now_ms() + 60 * SECOND_MS;
	for (bool enough = false; !enough && !lab_word_stopped() && now_ms() < latest_ms;) {
		struct prober_tally sum;
		poll(NULL, 0, 500);
		show_line(d);
		prober_sum(prober_counts(d->prober), &sum);
		enough = now_ms() >= until_ms && sum.outcome[PROBE_SECURE] >= DEMO_ANSWERS_MIN;
		for (int i = 0; i < LAB_RESOLVERS; i++)
			enough = enough &&
			         prober_counts(d->prober)->resolver[i].answered[PROBE_FRESH] >=
			                 DEMO_FRESH_MIN;
	}
	erase_line(d);
}

// Only the gaining operator's keys are left, at its servers and at the parent.
static bool is_moved(const struct demo *d, struct error *err)
{
	const struct lab_info *info = lab_info(d->lab);
	const struct lab_party *losing = &info->party[LAB_LOSING],
	                       *gaining = &info->party[LAB_GAINING];
	const struct lab_server *tld = info->party[LAB_REGISTRY].server;
	const struct lab_condition conditions[] = {
	        {tld[1].v4, info->zone, "DS", gaining->ds, false},
	        {tld[1].v6, info->zone, "DS", losing->ds, true},
	        {gaining->server[0].v4, info->zone, "DNSKEY", losing->zsk, true},
	        {gaining->server[1].v6, info->zone, "DNSKEY", losing->zsk, true},
	        {gaining->server[1].v4, info->zone, "DNSKEY", gaining->zsk, false},
	};
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (lab_wait(d->lab, &conditions[i], 5 * SECOND_MS, err) != RESULT_OK)
			return false;
	return true;
}

static bool judge(const struct lab_info *info, const struct prober_counts *counts)
{
	struct prober_tally sum;
	bool good = true;
	prober_sum(counts, &sum);
	if (prober_failures(&sum) > 0) {
		printf("%llu answers were not authenticated\n",
		        (unsigned long long)prober_failures(&sum));
		good = false;
	}
	if (sum.outcome[PROBE_SECURE] < DEMO_ANSWERS_MIN) {
		printf("only %llu answers, %d were wanted\n",
		        (unsigned long long)sum.outcome[PROBE_SECURE], DEMO_ANSWERS_MIN);
		good = false;
	}
	for (int i = 0; i < LAB_RESOLVERS; i++)
		if (counts->resolver[i].answered[PROBE_FRESH] < DEMO_FRESH_MIN) {
			printf("%s answered only %llu fresh names, %d were wanted\n",
			        info->resolver[i].id,
			        (unsigned long long)counts->resolver[i].answered[PROBE_FRESH],
			        DEMO_FRESH_MIN);
			good = false;
		}
	return good;
}

static void print_counts(const struct demo *d, const struct prober_counts *counts)
{
	struct buffer out = buffer_init(1u << 16);
	prober_print(lab_info(d->lab), counts, &out);
	printf("\n%s\n", buffer_text(&out));
	buffer_free(&out);
}

static bool show(struct demo *d, const struct wishes *w, struct error *err)
{
	struct prober_counts counts;
	if (prober_start(d->lab, &w->probe, &d->prober, err) != RESULT_OK)
		return false;
	printf("\n%s moves from the losing operator (Knot DNS) to the gaining one (BIND), while a "
	       "prober\nasks four kinds of validators %u questions a second. `baton run` begins; "
	       "times are UTC.\n\n",
	        lab_info(d->lab)->zone, w->probe.rate);
	d->began_ms = now_ms();
	bool finished = run_change(d, w->change);
	if (finished && !lab_word_stopped())
		printf("\nThe change is over. The prober goes on for a while, to see what its end "
		       "did.\n");
	ask_on(d);
	bool moved = finished && is_moved(d, err);
	if (prober_stop(d->prober, &counts, err) != RESULT_OK)
		return false;
	print_counts(d, &counts);
	if (lab_word_stopped()) {
		puts("Interrupted. The lab is ended, and nothing of it stays.");
		return false;
	}
	bool good = judge(lab_info(d->lab), &counts) && moved;
	if (!moved)
		printf("the zone has not moved%s%s\n", err->text[0] != '\0' ? ": " : "", err->text);
	printf("%s\n", good ? "The zone has moved to another operator. Every single answer was "
	                      "authenticated."
	                    : "This did NOT go well.");
	return good;
}

static int demo(struct wishes *w)
{
	struct error err = {0};
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct demo d = {.terminal = isatty(STDOUT_FILENO) != 0 && term != NULL &&
	                             strcmp(term, "dumb") != 0};
	d.colour = d.terminal && (no_colour == NULL || no_colour[0] == '\0');
	w->lab.progress = lab_word_progress;
	puts("Starting a small internet: a root, a TLD, two DNS operators, four validating "
	     "resolvers.");
	fflush(stdout);
	lab_word_catch_signals();
	if (lab_create(&w->lab, &d.lab, &err) != RESULT_OK)
		return lab_word_fail("demo", &err);
	bool good = show(&d, w, &err);
	if (!good && err.text[0] != '\0')
		lab_word_fail("demo", &err);
	lab_stop(d.lab);
	return output_end(good ? 0 : EXIT_NO);
}

// The change is looked for before a lab is started for it.
static int check_change(const char *change)
{
	struct error err = {0};
	const char *path = NULL;
	struct arena *arena = arena_new(1u << 16);
	char *name = arena != NULL ? arena_printf(arena, "lab/changes/%s.yaml", change) : NULL;
	bool found = name != NULL && change[0] != '\0' && strchr(change, '/') == NULL &&
	             data_path(arena, name, &path, &err) == RESULT_OK;
	arena_free(arena);
	return found ? 0 : usage_error("lab demo: --change: no change '%.60s'", change);
}

int lab_word_demo(int argc, char **argv)
{
	const char *ttls = NULL, *names = NULL, *rate = NULL;
	struct wishes w = {.change = "operator-change",
	        .probe = prober_options_default(),
	        .lab = lab_options_default()};
	const struct option_spec specs[] = {
	        {"--change", "NAME", "a change of lab/changes (default operator-change)",
	                .text = &w.change},
	        {"--rate", "N", "questions per second, all validators together (default 80)",
	                .text = &rate},
	        {"--log", "FILE", "one line for each answer, fields separated by tabs",
	                .text = &w.probe.log_path},
	        {"--dir", "DIR", "the lab's folder, which must not exist (default: a new one)",
	                .text = &w.lab.dir},
	        {"--keep", NULL, "leave the folder there at the end", .flag = &w.lab.keep},
	        {"--ttl", "LIST", "TTLs of the zone, as in ds=6s,dnskey=10s", .text = &ttls},
	        {"--names", "N", "explicit names in the zone, n000001 and so on", .text = &names},
	        {0},
	};
	const struct command_help help = {"baton lab demo [OPTION…]", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab demo: '%.60s' is too much; --help explains", argv[0]);
	status = lab_word_ttls(ttls, &w.lab);
	if (status == 0)
		status = lab_word_number("--names", names, 100, LAB_NAMES_MAX, &w.lab.names);
	if (status == 0)
		status = lab_word_number("--rate", rate, 1, PROBER_RATE_MAX, &w.probe.rate);
	if (status == 0)
		status = check_change(w.change);
	return status == 0 ? demo(&w) : status;
}
