// baton lab: the words that start, show, enter and end labs.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/lab_words.h"
#include "cmd/options.h"
#include "lab/signer.h"

static const char only[] = "Without --dir it is the only lab that runs.";

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
			        strcmp(party[i].update, party[i].server[j].v4) == 0 ? "primary"
			                                                            : "secondary",
			        party[i].zone);
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

// --- up -----------------------------------------------------------------------------------------

// Neither a zombie nor a stopped caller may hide that the lab has ended by itself.
static void wait_for_end(const struct lab *lab)
{
	while (!lab_word_stopped() && lab_alive(lab))
		poll(NULL, 0, 200);
	if (!lab_word_stopped())
		fputs("the lab has been ended from elsewhere\n", stderr);
}

static int up(const struct lab_options *options)
{
	struct error err = {0};
	struct lab *lab;
	lab_word_catch_signals();
	if (lab_create(options, &lab, &err) != RESULT_OK)
		return lab_word_fail("up", &err);
	print_lab(lab_info(lab));
	printf("\n`baton lab exec --dir %s COMMAND` runs a command inside. Ctrl-C ends the lab.\n",
	        lab_info(lab)->dir);
	fflush(stdout);
	wait_for_end(lab);
	lab_stop(lab);
	return 0;
}

static int take_signer(const char *option, const char *name, struct lab_signer *signer)
{
	if (name != NULL && signer_find(name) == NULL)
		return usage_error("lab up: %s: unknown signer '%.60s', expected %s", option, name,
		        signer_names());
	if (name != NULL)
		signer->software = name;
	return 0;
}

int lab_word_up(int argc, char **argv)
{
	const char *ttls = NULL, *names = NULL, *losing = NULL, *gaining = NULL;
	struct lab_options options = lab_options_default();
	const struct option_spec specs[] = {
	        {"--dir", "DIR", "the lab's folder, which must not exist (default: a new one)",
	                .text = &options.dir},
	        {"--keep", NULL, "leave the folder there at the end", .flag = &options.keep},
	        {"--shape", "NAME", "domain (default), or tld: what moves", .text = &options.shape},
	        {"--ttl", "LIST", "TTLs of the zone, as in ds=6s,dnskey=10s", .text = &ttls},
	        {"--names", "N", "explicit names in the zone, n000001 and so on", .text = &names},
	        {"--losing", "SIGNER",
	                "what signs for the losing operator: knot (default), bind or powerdns",
	                .text = &losing},
	        {"--gaining", "SIGNER", "and for the gaining one (default: bind)",
	                .text = &gaining},
	        {0},
	};
	const struct command_help help = {"baton lab up [OPTION…]",
	        "Starts a lab, prints its servers, and ends it on Ctrl-C.", specs, NULL};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab up: '%.60s' is too much; --help explains", argv[0]);
	status = lab_word_ttls(ttls, &options);
	if (status == 0)
		status = lab_word_number("--names", names, 100, LAB_NAMES_MAX, &options.names);
	if (status == 0)
		status = take_signer("--losing", losing, &options.signer[LAB_LOSING]);
	if (status == 0)
		status = take_signer("--gaining", gaining, &options.signer[LAB_GAINING]);
	options.progress = lab_word_progress;
	return status == 0 ? up(&options) : status;
}

// --- status, down, restart ----------------------------------------------------------------------

static struct option_spec dir_spec(const char **dir)
{
	return (struct option_spec){"--dir", "DIR", "the lab's folder", .text = dir};
}

static int status_of(const char *dir)
{
	struct error err = {0};
	struct lab *lab;
	if (lab_open(dir, &lab, &err) != RESULT_OK)
		return lab_word_fail("status", &err);
	print_lab(lab_info(lab));
	lab_close(lab);
	return 0;
}

static void print_each(void *ctx, const char *dir)
{
	unsigned *count = ctx;
	struct error err = {0};
	struct lab *lab;
	if ((*count)++ > 0)
		putchar('\n');
	if (lab_open(dir, &lab, &err) != RESULT_OK) {
		printf("%s\n", err.text); // it starts, or has just ended
		return;
	}
	print_lab(lab_info(lab));
	lab_close(lab);
}

static int status_of_all(void)
{
	unsigned count = 0;
	lab_each(print_each, &count);
	if (count > 0)
		return 0;
	fputs("no lab of this user runs; `baton lab up` starts one\n", stderr);
	return EXIT_NO;
}

int lab_word_status(int argc, char **argv)
{
	const char *dir = NULL;
	const struct option_spec specs[] = {dir_spec(&dir), {0}};
	const struct command_help help = {"baton lab status [OPTION…]",
	        "Shows the labs that run, and their servers; with --dir only that one.", specs,
	        "exit status:\n"
	        "  0  at least one lab runs\n"
	        "  1  none does"};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab status: '%.60s' is too much; --help explains", argv[0]);
	return output_end(dir != NULL ? status_of(dir) : status_of_all());
}

int lab_word_down(int argc, char **argv)
{
	const char *dir = NULL;
	const struct option_spec specs[] = {dir_spec(&dir), {0}};
	const struct command_help help = {"baton lab down --dir DIR",
	        "Ends a running lab. Which one has to be said, for another one may be somebody "
	        "else's.",
	        specs, NULL};
	struct error err = {0};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab down: '%.60s' is too much; --help explains", argv[0]);
	return lab_down(dir, &err) == RESULT_OK ? 0 : lab_word_fail("down", &err);
}

int lab_word_restart(int argc, char **argv)
{
	const char *dir = NULL;
	const struct option_spec specs[] = {dir_spec(&dir), {0}};
	const struct command_help help = {"baton lab restart [OPTION…] [SERVER]",
	        "Kills a server, named as `baton lab status` shows it, and starts it again.\n"
	        "Without SERVER, starts every server again that has ended.",
	        specs, only};
	struct error err = {0};
	struct lab *lab;
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 1)
		return usage_error("lab restart: expected one server; --help explains");
	enum result result = lab_open(dir, &lab, &err);
	if (result == RESULT_OK) {
		result = lab_restart(lab, n == 1 ? argv[0] : NULL, &err);
		lab_close(lab);
	}
	return result == RESULT_OK ? 0 : lab_word_fail("restart", &err);
}

// --- exec, shell --------------------------------------------------------------------------------

static void outlive(int number)
{
	(void)number;
}

// Ctrl-C is for the command, which gets it from the terminal as well: a handler ends with exec(),
// while a signal that we ignore would be ignored there, too.
static void outlive_ctrl_c(void)
{
	struct sigaction action = {.sa_handler = outlive, .sa_flags = SA_RESTART}, before;
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

// Enters the lab in dir, or the only one; the exit status is the command's.
static int run_inside(const char *dir, char *const argv[], const char *word)
{
	struct error err = {0};
	struct lab *lab;
	int status = 0;
	if (lab_open(dir, &lab, &err) != RESULT_OK)
		return lab_word_fail(word, &err);
	outlive_ctrl_c();
	enum result result = lab_run_in(lab, argv, 0, &status, &err);
	lab_close(lab);
	if (result != RESULT_OK)
		return lab_word_fail(word, &err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int lab_word_exec(int argc, char **argv)
{
	const char *dir = NULL;
	const struct option_spec specs[] = {dir_spec(&dir), {0}};
	const struct command_help help = {"baton lab exec [OPTION…] COMMAND [ARGUMENT…]",
	        "Runs a command inside a running lab: its network and its processes. The command "
	        "sees\n"
	        "BATON_LAB, the lab's folder. The exit status is the command's. What stands behind "
	        "COMMAND\n"
	        "belongs to it, options as well.",
	        specs, only};
	int status = 0;
	int n = options_parse_leading(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n == 0)
		return usage_error("lab exec: expected a command; --help explains");
	argv[n] = NULL;
	return run_inside(dir, argv, "exec");
}

int lab_word_shell(int argc, char **argv)
{
	const char *dir = NULL;
	const struct option_spec specs[] = {dir_spec(&dir), {0}};
	const struct command_help help = {"baton lab shell [OPTION…]",
	        "A shell ($SHELL) inside a running lab. It sees BATON_LAB, the lab's folder.",
	        specs, only};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n > 0)
		return usage_error("lab shell: '%.60s' is too much; --help explains", argv[0]);
	const char *shell = getenv("SHELL");
	char *words[] = {strdup(shell != NULL && shell[0] == '/' ? shell : "/bin/sh"), NULL};
	status = words[0] != NULL ? run_inside(dir, words, "shell") : EXIT_NO;
	free(words[0]);
	return status;
}
