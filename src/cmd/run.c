// baton run: runs a change to its end.
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/change_file.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/screen.h"
#include "cmd/stop.h"

static const char about[] = "Runs a change: observes every address of every name server, asks the "
                            "safety model whether the next step is\n"
                            "safe now, acts or asks the party whose turn it is, observes the "
                            "effect on every address, and goes on.\n"
                            "Killed at any moment and started again it goes on where it was, and "
                            "keeps its waits. CHANGE is a YAML file\n"
                            "(baton-change(5)), or the journal of a change that has begun.";

static const char more[] =
        "exit status:\n"
        "  0  the change is finished, or what was to be undone is undone\n"
        "  1  it was stopped before its end (by a signal); start it again to go on\n"
        "  2  it cannot be run: unusable input, another program runs it, a failing disk";

static enum result run_engine(const struct change_definition *d, struct journal *journal,
        const char *path, struct screen *screen, enum change_end *end, struct error *err)
{
	struct loop *loop;
	struct change_engine *engine;
	enum result result = loop_new(&loop, err);
	if (result != RESULT_OK)
		return result;
	struct change_engine_options o = {.loop = loop,
	        .random = random_system(),
	        .journal = journal,
	        .definition = d,
	        .said = screen_said,
	        .turned = screen_turned,
	        .ctx = screen};
	result = change_engine_new(&o, &engine, err);
	if (result == RESULT_OK) {
		struct stop stop;
		stop_watch(&stop, loop);
		screen_start(screen, loop);
		if (change_engine_end(engine, NULL) == CHANGE_RUNNING) {
			screen_begins(screen, path);
			loop_run(loop, TIME_NEVER_MS);
		}
		screen_stop(screen);
		stop_end(&stop);
		*end = change_engine_end(engine, err);
		change_engine_free(engine);
	}
	loop_free(loop);
	return result;
}

static void print_head(struct journal *journal, const char *path, bool json)
{
	struct journal_mark head;
	char hash[JOURNAL_HASH_TEXT];
	if (journal_head(journal, &head, NULL) != RESULT_OK)
		return;
	journal_hash_format(&head.hash, hash);
	if (!json) {
		printf("%s: %lld records, head %s\n", path, (long long)head.seq, hash);
		return;
	}
	json_t *line = json_pack("{s:o, s:I, s:s}", "journal", json_text(path), "records",
	        (json_int_t)head.seq, "head", hash);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static enum result run(
        struct arena *arena, const char *given, bool json, enum change_end *end, struct error *err)
{
	const struct change_definition *d;
	const char *path;
	struct journal *journal;
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	enum result result = change_file_open(arena, given, &d, &path, err);
	if (result == RESULT_OK)
		result = journal_open(path, JOURNAL_CREATE, &options, &journal, err);
	if (result != RESULT_OK)
		return result;
	enum screen_style style = json                    ? SCREEN_JSON
	                          : isatty(STDOUT_FILENO) ? SCREEN_TERMINAL
	                                                  : SCREEN_PLAIN;
	struct screen *screen = screen_new(stdout, d, style);
	result = screen == NULL ? error_set(err, RESULT_MEMORY, "out of memory")
	                        : run_engine(d, journal, path, screen, end, err);
	screen_free(screen);
	if (result == RESULT_OK)
		print_head(journal, path, json);
	journal_close(journal);
	return result;
}

int cmd_run(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
	        {"--json", NULL, "print what happens as JSON lines", .flag = &json},
	        {0},
	};
	const struct command_help help = {"baton run [OPTION…] CHANGE", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("run: expected one change; --help explains");
	struct arena *arena = arena_new(64u << 20);
	struct error err = {0};
	enum change_end end = CHANGE_RUNNING;
	enum result result = arena == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                                   : run(arena, argv[0], json, &end, &err);
	arena_free(arena);
	if (result != RESULT_OK || end == CHANGE_FAILED)
		return usage_error("%s", err.text);
	return end == CHANGE_RUNNING ? EXIT_NO : EXIT_SAFE;
}
