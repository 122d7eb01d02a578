// baton bulk: one change for very many zones. The words, and what they share.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bulk/ledger.h"
#include "bulk/pace.h"
#include "cmd/bulk_page.h"
#include "cmd/bulk_screen.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/program.h"
#include "cmd/stop.h"

enum { ARENA_MAX = 1 << 30, FILES_EACH = 4, FILES_BESIDE = 600 };

// ---- check -------------------------------------------------------------------------------------

// How often a zone is looked at, where so many are in mid-change together.
static enum result print_load(
        struct arena *arena, const struct bulk_definition *b, size_t together, struct error *err)
{
	const struct change_definition *d;
	struct bulk_load load;
	struct bulk_pace *pace = bulk_pace_new(b->queries_each, b->queries_all);
	char every[DURATION_TEXT], poll[DURATION_TEXT];
	if (pace == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	enum result result = bulk_definition_zone(arena, b, &b->zones[0], &d, err);
	if (result == RESULT_OK)
		result = bulk_load_find(pace, arena, d, &load, err);
	if (result == RESULT_OK) {
		for (size_t i = 0; i < together; i++)
			bulk_pace_take(pace, &load, 0);
		int64_t every_ms = (bulk_pace_from_ms(pace, &load) + 999) / 1000 * 1000;
		printf("a look at a zone asks %" PRIu32
		       " questions; with %zu zones in mid-change each is looked at every %s\n",
		        load.queries, together,
		        every_ms > d->poll_ms ? duration_format(every_ms, every)
		                              : duration_format(d->poll_ms, every));
		if (every_ms > d->poll_ms)
			printf("('poll: %s' would be more than %u questions a second to a server, "
			       "or %u in all)\n",
			        duration_format(d->poll_ms, poll), b->queries_each, b->queries_all);
	}
	bulk_pace_free(pace);
	return result;
}

static void print_waves(const struct bulk_definition *b)
{
	char name[32], soak[DURATION_TEXT], per[DURATION_TEXT];
	printf("%s: %s of %zu zones\n", b->id, b->procedure, b->zone_count);
	for (size_t i = 0; i < b->wave_count; i++) {
		const struct bulk_wave *wave = &b->waves[i];
		printf("  %-8s %6zu  %s", bulk_page_wave(b, i, name), wave->count,
		        b->zones[wave->first].name);
		if (wave->count > 1)
			printf(" to %s", b->zones[wave->first + wave->count - 1].name);
		if (i == 0 && b->soak_ms > 0)
			printf(", then watched for %s", duration_format(b->soak_ms, soak));
		putchar('\n');
	}
	for (size_t i = 0; i < b->lane_count; i++) {
		const struct bulk_limit *limit = &b->limits[b->lanes[i].limit];
		printf("  %s:", b->lanes[i].name);
		if (limit->effects > 0)
			printf(" at most %u effects in %s", limit->effects,
			        duration_format(limit->per_ms, per));
		if (limit->zones > 0)
			printf("%s at most %u zones in mid-change", limit->effects > 0 ? "," : "",
			        limit->zones);
		putchar('\n');
	}
}

static enum result check_zones(const struct bulk_definition *b, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < b->zone_count; i++) {
		const struct change_definition *d;
		struct error inner = {0};
		struct arena *arena = arena_new(64 << 20);
		result = arena == NULL ? error_set(err, RESULT_MEMORY, "out of memory")
		                       : bulk_definition_zone(arena, b, &b->zones[i], &d, err);
		if (result == RESULT_OK && change_definition_usable(d, &inner) != RESULT_OK)
			result = error_set(
			        err, inner.code, "%s (for zone %s)", inner.text, b->zones[i].name);
		arena_free(arena);
	}
	return result;
}

static enum result check(struct arena *arena, const struct bulk_definition *b, struct error *err)
{
	size_t together = 0;
	for (size_t i = 0; i < b->wave_count; i++)
		together = b->waves[i].count > together ? b->waves[i].count : together;
	if (together > b->at_once)
		together = b->at_once;
	enum result result = check_zones(b, err);
	if (result != RESULT_OK)
		return result;
	print_waves(b);
	return print_load(arena, b, together, err);
}

// ---- run ---------------------------------------------------------------------------------------

// Every zone in mid-change keeps its journal open.
static enum result check_files(const struct bulk_definition *b, struct error *err)
{
	struct rlimit limit;
	size_t zones = b->zone_count < b->at_once ? b->zone_count : b->at_once;
	rlim_t need = zones * FILES_EACH + FILES_BESIDE;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return error_set_errno(err, "the limit of open files");
	if (limit.rlim_cur >= need)
		return RESULT_OK;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < need || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return error_set(err, RESULT_LIMIT,
		        "%zu zones at once need %" PRIu64 " open files, and %" PRIu64
		        " are allowed: raise that (ulimit -n), or let 'zones-at-once' be smaller",
		        zones, (uint64_t)need, (uint64_t)limit.rlim_max);
	return RESULT_OK;
}

static enum result run_on(const struct bulk_definition *b, struct loop *loop,
        struct bulk_screen *screen, bool end_at_halt, enum bulk_end *end, struct error *err)
{
	struct bulk *bulk;
	struct stop stop;
	struct bulk_options o = {.loop = loop,
	        .random = random_system(),
	        .definition = b,
	        .end_at_halt = end_at_halt,
	        .said = bulk_screen_said,
	        .ctx = screen};
	enum result result = bulk_new(&o, &bulk, err);
	if (result != RESULT_OK)
		return result;
	stop_watch(&stop, loop);
	bulk_screen_start(screen, bulk, loop);
	while (bulk_end(bulk, NULL) == BULK_RUNNING && !stop_called())
		loop_run(loop, TIME_NEVER_MS);
	*end = bulk_end(bulk, err);
	bulk_screen_stop(screen);
	stop_end(&stop);
	bulk_free(bulk);
	return RESULT_OK;
}

static int run(const struct bulk_definition *b, bool json, bool end_at_halt)
{
	struct error err = {0};
	struct loop *loop;
	enum bulk_end end = BULK_RUNNING;
	enum result result = check_files(b, &err);
	if (result == RESULT_OK)
		result = loop_new(&loop, &err);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	struct bulk_screen *screen = bulk_screen_new(stdout, b, json);
	result = screen == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                        : run_on(b, loop, screen, end_at_halt, &end, &err);
	bulk_screen_free(screen);
	loop_free(loop);
	if (result != RESULT_OK || end == BULK_FAILED)
		return usage_error("%s", err.text);
	return end == BULK_COMPLETE ? EXIT_SAFE : EXIT_NO;
}

// ---- status ------------------------------------------------------------------------------------

static enum result read_state(struct arena *arena, const struct bulk_definition *b,
        struct bulk_state **state, struct bulk_decision *decision, struct bulk_view *view,
        struct error *err)
{
	struct clock clock = clock_system();
	int64_t now_ms = clock_now_ms(&clock);
	enum result result = bulk_state_new(arena, b, state, err);
	if (result == RESULT_OK)
		result = bulk_decision_new(arena, b, decision, err);
	if (result == RESULT_OK)
		result = bulk_ledger_read(*state, now_ms, err);
	if (result != RESULT_OK)
		return result;
	bulk_decide(*state, now_ms, decision);
	*view = (struct bulk_view){
	        .state = *state, .decision = decision, .wall_ms = now_ms, .now_ms = now_ms};
	return RESULT_OK;
}

static enum result print_status(
        struct arena *arena, const struct bulk_definition *b, bool json, struct error *err)
{
	struct bulk_state *state;
	struct bulk_decision decision;
	struct bulk_view view;
	struct bulk_page *page = arena_alloc(arena, sizeof *page);
	if (page == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	enum result result = read_state(arena, b, &state, &decision, &view, err);
	if (result != RESULT_OK)
		return result;
	bulk_page_make(&view, page);
	if (json) {
		json_t *all = bulk_page_json(page);
		json_dumpf(all, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(all);
		return RESULT_OK;
	}
	struct lines_look look = lines_look_of(stdout);
	struct buffer out = buffer_init(8 << 20);
	look.height = 0;
	bulk_page_text(page, &look, &out);
	fputs(buffer_text(&out), stdout);
	buffer_free(&out);
	return RESULT_OK;
}

// ---- What people say ---------------------------------------------------------------------------

static enum result say(const struct bulk_definition *b, enum journal_kind kind, json_t *payload,
        const char *then, struct error *err)
{
	enum result result = payload == NULL ? error_set(err, RESULT_MEMORY, "out of memory")
	                                     : bulk_ledger_say(b, kind, payload, err);
	json_decref(payload);
	if (result == RESULT_OK)
		printf("recorded: %s, in a moment where `baton bulk run` runs, otherwise when it "
		       "is started\n",
		        then);
	return result;
}

static enum result resume(
        const struct bulk_definition *b, const struct bulk_state *s, bool aside, struct error *err)
{
	bool any = false;
	for (size_t i = 0; i < b->zone_count; i++)
		any = any || (aside && s->zones[i].phase == BULK_ASIDE) || s->zones[i].held;
	if (!s->halted && !any)
		return error_set(err, RESULT_INPUT,
		        "%s is not halted, and no zone of it is held%s: there is nothing to resume",
		        b->id, aside ? " or set aside" : "");
	return say(
	        b, JOURNAL_APPROVAL, json_pack("{s:b}", "aside", aside), "the bulk goes on", err);
}

static enum result halt(
        const struct bulk_definition *b, const struct bulk_state *s, struct error *err)
{
	if (s->halted)
		return error_set(err, RESULT_INPUT, "%s is halted already", b->id);
	return say(b, JOURNAL_NOTE, json_pack("{s:b}", "halt", 1), "nothing new begins", err);
}

static enum result undo(const struct bulk_definition *b, const struct bulk_state *s, char **zones,
        int count, struct error *err)
{
	json_t *payload = json_object(), *names = json_array();
	size_t any = 0;
	for (int i = 0; i < count; i++) {
		int zone = bulk_zone_find(b, zones[i]);
		const char *wrong = zone < 0 ? "is no zone of"
		                    : s->zones[zone].phase != BULK_STARTED &&
		                                    s->zones[zone].phase != BULK_FINISHED
		                            ? "has not begun, or is taken back already, in"
		                            : NULL;
		if (wrong != NULL) {
			json_decref(payload);
			json_decref(names);
			return error_set(err, RESULT_INPUT, "%.200s %s %s", zones[i], wrong, b->id);
		}
		json_array_append_new(names, json_string(b->zones[zone].name));
		any++;
	}
	for (size_t i = 0; count == 0 && i < b->zone_count; i++)
		any += s->zones[i].phase == BULK_STARTED;
	if (count > 0)
		json_object_set(payload, "zones", names);
	json_decref(names);
	if (any == 0) {
		json_decref(payload);
		return error_set(err, RESULT_INPUT,
		        "no zone of %s is in mid-change; a finished one is taken back by its name",
		        b->id);
	}
	return say(b, JOURNAL_UNDO, payload,
	        "the bulk halts, and takes back the changes that are meant", err);
}

// ---- The words ---------------------------------------------------------------------------------

enum word { WORD_CHECK, WORD_RUN, WORD_STATUS, WORD_HALT, WORD_RESUME, WORD_UNDO, WORDS };

static const struct word_help {
	const char *word, *usage, *short_about, *about, *more;
} words[WORDS] = {
        [WORD_CHECK] = {"check", "baton bulk check BULK", "can it be run, and how would it go?",
                "Reads the file of a bulk (baton-bulk(5)) and the change of every zone in it, sees "
                "whether the keys and\n"
                "programs that they name are there, and prints waves, rates, and how often a zone "
                "would be looked at.\n"
                "Nothing is asked of any server.",
                "exit status:\n  0  it can be run\n  2  it cannot: unusable input"},
        [WORD_RUN] = {"run", "baton bulk run [OPTION…] BULK",
                "bring every zone's change to its end",
                "Runs the change of every zone: the canary, then wave after wave, not faster than "
                "the rates allow, each\n"
                "zone with a journal of its own. At the first anomaly nothing new begins; zones in "
                "mid-change hold, and\n"
                "are looked at, until somebody resumes or takes them back. Killed at any moment "
                "and started again it\n"
                "goes on where it was.",
                "exit status:\n"
                "  0  every zone's change is over\n"
                "  1  it was stopped before: by a signal, or halted with no zone in mid-change\n"
                "  2  it cannot be run: unusable input, another program runs it, a failing disk"},
        [WORD_STATUS] = {"status", "baton bulk status [OPTION…] BULK", "one page about all zones",
                "Says where a bulk stands, as far as its ledger tells. `baton status` with the "
                "journal of a zone tells\n"
                "more of that zone.",
                "exit status:\n  0  it is said\n  2  unusable input, or a bulk that has not begun"},
        [WORD_HALT] = {"halt", "baton bulk halt BULK", "let nothing new begin",
                "Lets nothing new begin, as an anomaly does.",
                "exit status:\n  0  it is recorded\n  2  it is not"},
        [WORD_RESUME] = {"resume", "baton bulk resume [OPTION…] BULK", "go on after a halt",
                "Goes on after a halt: what went wrong until now is known, and is no reason to "
                "halt any more.",
                "exit status:\n  0  it is recorded\n  2  it is not: there is nothing to resume"},
        [WORD_UNDO] = {"undo", "baton bulk undo BULK [ZONE…]",
                "take back the changes of zones in mid-change",
                "Halts the bulk and takes back the change of every zone in mid-change, or of those "
                "named, which may be\n"
                "finished; each step judged as carefully as forward. Other zones go on after "
                "`baton bulk resume`.",
                "exit status:\n  0  it is recorded\n  2  it is not: unusable input, nothing to "
                "undo"},
};

struct given {
	bool json, end_at_halt, aside;
};

static int do_word(enum word word, const struct given *given, char **argv, int n)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct error err = {0};
	const struct bulk_definition *b;
	struct bulk_state *state = NULL;
	struct bulk_decision decision;
	struct bulk_view view;
	int status = 0;
	bool speaks = word >= WORD_HALT;
	enum result result = arena == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                     : speaks      ? bulk_definition_load_zones(arena, argv[0], &b, &err)
	                                   : bulk_definition_load(arena, argv[0], &b, &err);
	if (result == RESULT_OK && speaks)
		result = read_state(arena, b, &state, &decision, &view, &err);
	if (result == RESULT_OK && word == WORD_CHECK)
		result = check(arena, b, &err);
	else if (result == RESULT_OK && word == WORD_RUN)
		status = run(b, given->json, given->end_at_halt);
	else if (result == RESULT_OK && word == WORD_STATUS)
		result = print_status(arena, b, given->json, &err);
	else if (result == RESULT_OK && word == WORD_HALT)
		result = halt(b, state, &err);
	else if (result == RESULT_OK && word == WORD_RESUME)
		result = resume(b, state, given->aside, &err);
	else if (result == RESULT_OK)
		result = undo(b, state, argv + 1, n - 1, &err);
	arena_free(arena);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	// What is recorded counts, whether or not somebody could read so.
	return speaks ? 0 : output_end(status);
}

static int run_word(int argc, char **argv)
{
	size_t word = 0;
	while (strcmp(argv[0], words[word].word) != 0)
		word++;
	struct given given = {false, false, false};
	const struct option_spec none[] = {{0}};
	const struct option_spec of_run[] = {
	        {"--json", NULL, "print what happens, and progress, as JSON lines",
	                .flag = &given.json},
	        {"--end-at-halt", NULL, "end when halted, with status 1, and hold nothing",
	                .flag = &given.end_at_halt},
	        {0},
	};
	const struct option_spec of_status[] = {
	        {"--json", NULL, "print one JSON object", .flag = &given.json},
	        {0},
	};
	const struct option_spec of_resume[] = {
	        {"--aside", NULL, "try the zones again that were set aside", .flag = &given.aside},
	        {0},
	};
	const struct option_spec *specs[WORDS] = {none, of_run, of_status, none, of_resume, none};
	struct command_help help = {
	        words[word].usage, words[word].about, specs[word], words[word].more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n < 1 || (n > 1 && word != WORD_UNDO))
		return usage_error("bulk %s: expected the file of one bulk; --help explains",
		        words[word].word);
	return do_word((enum word)word, &given, argv, n);
}

int cmd_bulk(int argc, char **argv)
{
	struct program_command commands[WORDS + 1] = {0};
	for (size_t i = 0; i < WORDS; i++)
		commands[i] =
		        (struct program_command){words[i].word, words[i].short_about, run_word};
	const struct program bulk = {"bulk",
	        "usage: baton bulk WORD [OPTION…] BULK\n\n"
	        "One change for very many zones: a canary, waves, rates for each operator and "
	        "parent, and a halt at the first\n"
	        "anomaly. BULK is a YAML file (baton-bulk(5)).\n\nwords:\n",
	        "\n`baton bulk WORD --help` explains a word; the manual is in baton-bulk(1).\n",
	        commands, NULL};
	return program_words(&bulk, argc, argv);
}
