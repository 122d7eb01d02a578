// The words of `baton lab` that start, show and enter labs.
#include "command.h"
#include "prober.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_server(const struct lab_server *server, const char *role)
{
	printf("  %-10s %-13s %-18s %-15s %-18s %s\n", server->id, server->software, server->name,
	        server->v4, server->v6, role);
}

static void print_lab(const struct lab_info *info)
{
	const struct lab_party *party = info->party;
	printf("%s with %u names, in %s\n\n", info->zone, info->names, info->dir);
	print_server(&info->root, "root");
	for (int i = 0; i < LAB_PARTIES; i++)
		for (int j = 0; j < LAB_PARTY_SERVERS; j++) {
			char role[64];
			snprintf(role, sizeof(role), "%s %s for %s", party[i].id,
			        j == 0 ? "primary" : "secondary", party[i].zone);
			print_server(&party[i].server[j], role);
		}
	for (int i = 0; i < LAB_RESOLVERS; i++)
		print_server(&info->resolver[i],
		        i < LAB_RESOLVERS - 1 ? "validator" : "validator behind the forwarder");
	print_server(&info->forwarder, "caches, does not validate");
	printf("\nTTLs:");
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		printf(" %s=%us", lab_ttl_word((enum lab_ttl)i), info->ttl_s[i]);
	printf("\n");
	fflush(stdout);
}

// Neither a zombie nor a stopped caller may hide that the lab has ended by itself.
static int wait_for_end(const struct lab *lab)
{
	while (!command_stopped() && lab_alive(lab))
		poll(NULL, 0, 200);
	if (command_stopped())
		return 0;
	fprintf(stderr, "baton lab up: the lab has been ended from elsewhere\n");
	return 0;
}

int command_up(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab up [--dir DIR] [--keep] [--ttl LIST] [--names N]\n\n"
	        "Starts a lab, prints its servers, and ends it on Ctrl-C.\n\n"
	        "  --dir DIR    the lab's folder, which must not exist (default: a new one in\n"
	        "               $TMPDIR)\n"
	        "  --keep       leave the folder there at the end\n"
	        "  --ttl LIST   TTLs of the zone, as in ds=6s,dnskey=10s; kinds: ds, ds-none,\n"
	        "               parent-ns, child-ns, dnskey, data, negative, address\n"
	        "  --names N    explicit names in the zone, n000001 and so on\n";
	struct command_options options;
	struct error err = {0};
	struct lab *lab;
	int status;
	if (!command_options(argc, argv, "dir keep ttl names", usage, &options, &status))
		return status;
	command_catch_signals();
	options.lab.progress = command_progress;
	if (lab_create(&options.lab, &lab, &err) != RESULT_OK)
		return command_fail("up", &err);
	print_lab(lab_info(lab));
	printf("\n'baton lab exec --dir %s COMMAND' runs a command inside. Ctrl-C ends the lab.\n",
	        lab_info(lab)->dir);
	fflush(stdout);
	status = wait_for_end(lab);
	lab_stop(lab);
	return status;
}

// For the words that need nothing but a running lab.
static bool open_lab(int argc, char **argv, const char *usage, struct command_options *options,
        struct lab **lab, int *status)
{
	struct error err = {0};
	if (!command_options(argc, argv, "dir", usage, options, status))
		return false;
	if (lab_open(options->dir, lab, &err) == RESULT_OK)
		return true;
	*status = command_fail(argv[0], &err);
	return false;
}

int command_down(int argc, char **argv)
{
	static const char usage[] = "usage: baton lab down [--dir DIR]\n\nEnds a running lab.\n";
	struct command_options options;
	struct error err = {0};
	int status;
	if (!command_options(argc, argv, "dir", usage, &options, &status))
		return status;
	return lab_down(options.dir, &err) == RESULT_OK ? 0 : command_fail("down", &err);
}

int command_status(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab status [--dir DIR]\n\nShows a running lab and its servers.\n";
	struct command_options options;
	struct lab *lab;
	int status;
	if (!open_lab(argc, argv, usage, &options, &lab, &status))
		return status;
	print_lab(lab_info(lab));
	lab_close(lab);
	return 0;
}

int command_restart(int argc, char **argv)
{
	static const char usage[] = "usage: baton lab restart [--dir DIR] [SERVER]\n\n"
	                            "Kills a server, named as 'baton lab status' shows it, and "
	                            "starts it again. Without\n"
	                            "SERVER, starts every server again that has ended.\n";
	struct command_options options;
	struct error err = {0};
	struct lab *lab;
	int status;
	if (!open_lab(argc, argv, usage, &options, &lab, &status))
		return status;
	enum result result =
	        lab_restart(lab, options.operands < argc ? argv[options.operands] : NULL, &err);
	lab_close(lab);
	return result == RESULT_OK ? 0 : command_fail("restart", &err);
}

static int run_inside(struct lab *lab, char *const argv[], const char *word)
{
	struct error err = {0};
	int status = 0;
	signal(SIGINT, SIG_IGN); // it is for the command, which gets it from the terminal as well
	enum result result = lab_run_in(lab, argv, 0, &status, &err);
	lab_close(lab);
	if (result != RESULT_OK)
		return command_fail(word, &err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_exec(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab exec [--dir DIR] COMMAND [ARGUMENT...]\n\n"
	        "Runs a command inside a running lab: its network and its processes. The\n"
	        "command sees BATON_LAB, the lab's folder. The exit status is the command's.\n";
	struct command_options options;
	struct lab *lab;
	int status;
	if (!open_lab(argc, argv, usage, &options, &lab, &status))
		return status;
	if (options.operands < argc)
		return run_inside(lab, argv + options.operands, "exec");
	lab_close(lab);
	fputs(usage, stderr);
	return 2;
}

int command_shell(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab shell [--dir DIR]\n\nA shell ($SHELL) inside a running lab.\n";
	struct command_options options;
	struct lab *lab;
	int status;
	if (!open_lab(argc, argv, usage, &options, &lab, &status))
		return status;
	const char *shell = getenv("SHELL");
	char *words[] = {strdup(shell != NULL && shell[0] == '/' ? shell : "/bin/sh"), NULL};
	status = words[0] != NULL ? run_inside(lab, words, "shell") : 1;
	free(words[0]);
	return status;
}

// --- probe --------------------------------------------------------------------------------------

// Shows the counts once a second on a terminal, until the time is over.
static void probe_wait(const struct lab *lab, const struct prober *prober, int64_t time_ms)
{
	struct clock clock = clock_system();
	int64_t until_ms = time_ms > 0 ? time_add(clock_now_ms(&clock), time_ms) : TIME_NEVER_MS;
	bool terminal = isatty(STDERR_FILENO) != 0;
	for (int i = 0; !command_stopped() && clock_now_ms(&clock) < until_ms && lab_alive(lab);
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

int command_probe(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab probe [--dir DIR] [--rate N] [--for TIME] [--log FILE] "
	        "[--json]\n\n"
	        "Asks all validators of a running lab and counts the answers, until the time is\n"
	        "over or Ctrl-C. Exit status 0 if every answer was authenticated, 1 if not.\n\n"
	        "  --rate N     questions per second, all validators together (default 80)\n"
	        "  --for TIME   how long, as in 30s\n"
	        "  --log FILE   one line for each answer, fields separated by tabs\n"
	        "  --json       print the counts as JSON\n";
	struct command_options options;
	struct error err = {0};
	struct lab *lab;
	struct prober *prober;
	struct prober_counts counts;
	int status;
	if (!command_options(argc, argv, "dir rate for log json", usage, &options, &status))
		return status;
	if (lab_open(options.dir, &lab, &err) != RESULT_OK)
		return command_fail("probe", &err);
	command_catch_signals();
	struct prober_options how = prober_options_default();
	how.rate = options.rate;
	how.log_path = options.log;
	enum result result = prober_start(lab, &how, &prober, &err);
	if (result == RESULT_OK) {
		probe_wait(lab, prober, options.time_ms);
		result = prober_stop(prober, &counts, &err);
	}
	status = result == RESULT_OK ? 0 : command_fail("probe", &err);
	if (result == RESULT_OK) {
		struct prober_tally sum;
		struct buffer out = buffer_init(1u << 16);
		(options.json ? prober_json : prober_print)(lab_info(lab), &counts, &out);
		fputs(buffer_text(&out), stdout);
		buffer_free(&out);
		prober_sum(&counts, &sum);
		status = prober_failures(&sum) > 0;
	}
	lab_close(lab);
	return status;
}
