// `baton lab demo`: the zone moves, before one's eyes, and nobody notices.
#include "command.h"
#include "prober.h"
#include "rehearse.h"

#include "base/buffer.h"
#include "base/clock.h"

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

static const char usage[] = "usage: baton lab demo [--change NAME] [--rate N] [--log FILE] "
                            "[--keep] [--dir D] [--ttl LIST]\n\n"
                            "Starts a lab, asks all validators all the time, and lets `baton run` "
                            "move the zone from the losing to\n"
                            "the gaining operator. Shows who acts, why it waits, and what the "
                            "validators answer. Exit status 0 where\n"
                            "every answer was authenticated from the first second to the last, the "
                            "change came to its end, and its\n"
                            "journal verifies.\n";

enum { DEMO_ANSWERS_MIN = 5000, DEMO_FRESH_MIN = 1000 };

struct demo {
	struct lab *lab;
	struct prober *prober;
	bool terminal, colour;
	bool line_shown;
	int64_t began_ms;
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
	buffer_printf(out, " %lld:%02lld  %llu answers, ", s / 60, s % 60,
	        (unsigned long long)(sum->answered[PROBE_FRESH] + sum->answered[PROBE_REPEATED]));
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
	while (!command_stopped()) {
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
	if (pid > 0 && command_stopped())
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
	for (bool enough = false; !enough && !command_stopped() && now_ms() < latest_ms;) {
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

static bool show(
        struct demo *d, const struct command_options *o, const char *change, struct error *err)
{
	struct prober_options p = prober_options_default();
	struct prober_counts counts;
	p.rate = o->rate;
	p.log_path = o->log;
	if (prober_start(d->lab, &p, &d->prober, err) != RESULT_OK)
		return false;
	printf("\n%s moves from the losing operator (Knot DNS) to the gaining one (BIND), while a "
	       "prober\nasks four kinds of validators %u questions a second. `baton run` begins; "
	       "times are UTC.\n\n",
	        lab_info(d->lab)->zone, p.rate);
	d->began_ms = now_ms();
	bool finished = run_change(d, change);
	if (finished && !command_stopped())
		printf("\nThe change is over. The prober goes on for a while, to see what its end "
		       "did.\n");
	ask_on(d);
	bool moved = finished && is_moved(d, err);
	if (prober_stop(d->prober, &counts, err) != RESULT_OK)
		return false;
	print_counts(d, &counts);
	if (command_stopped()) {
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

int command_demo(int argc, char **argv)
{
	struct command_options o;
	int status;
	struct error err = {0};
	if (!command_options(argc, argv, "change rate log keep dir ttl names", usage, &o, &status))
		return status;
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct demo d = {.terminal = isatty(STDOUT_FILENO) != 0 && term != NULL &&
	                             strcmp(term, "dumb") != 0};
	d.colour = d.terminal && (no_colour == NULL || no_colour[0] == '\0');
	o.lab.progress = command_progress;
	puts("Starting a small internet: a root, a TLD, two DNS operators, four validating "
	     "resolvers.");
	fflush(stdout);
	command_catch_signals();
	if (lab_create(&o.lab, &d.lab, &err) != RESULT_OK)
		return command_fail(argv[0], &err);
	bool good = show(&d, &o, o.change != NULL ? o.change : "operator-change", &err);
	if (!good && err.text[0] != '\0')
		command_fail(argv[0], &err);
	lab_stop(d.lab);
	return good ? 0 : 1;
}
