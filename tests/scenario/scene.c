#include "scene.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "change/engine_internal.h"

#define WALL_START_MS  INT64_C(1780000000000)
#define DEFINITION_MAX 16384

// What a killed process had allocated is lost; that is no leak.
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void leaks_count(bool count)
{
	if (count && __lsan_enable != NULL)
		__lsan_enable();
	if (!count && __lsan_disable != NULL)
		__lsan_disable();
}

// ---- The definition -------------------------------------------------------------------------

static void write_servers(struct buffer *out, int publisher)
{
	char v4[ADDRESS_TEXT], v6[ADDRESS_TEXT];
	buffer_puts(out, "    servers:\n");
	for (int s = 0; s < SIMDNS_SERVERS; s++)
		buffer_printf(out, "      %s: [\"%s\", \"%s\"]\n", simdns_server(publisher, s),
		        simdns_address(publisher, 2 * s, v4),
		        simdns_address(publisher, 2 * s + 1, v6));
}

static void write_ddns(struct buffer *out, int publisher, const char *indent)
{
	static const char *const files[] = {"registry.key", "losing.key", "gaining.key"};
	char v4[ADDRESS_TEXT];
	buffer_printf(out, "%sddns: {server: \"%s\", key: %s}\n", indent,
	        simdns_address(publisher, 0, v4), files[publisher]);
}

static void write_operator(struct buffer *out, const struct scene_options *o, int publisher)
{
	buffer_printf(out, "  %s:\n", publisher == SIMDNS_LOSING ? "losing" : "gaining");
	write_servers(out, publisher);
	buffer_printf(out, "    lag: %s\n    samples-complete: true\n", o->lag);
	if (!o->approvals)
		buffer_puts(out, "    approves: automatically\n");
	if (!o->persons)
		buffer_puts(out, "    confirms: automatically\n");
	if ((publisher == SIMDNS_LOSING ? o->losing : o->gaining) == SCENE_AUTOMATIC)
		write_ddns(out, publisher, "    ");
	bool stops = strcmp(o->procedure, "operator-change-uncooperative") != 0;
	if (publisher == SIMDNS_LOSING && o->stop == SCENE_AUTOMATIC && stops)
		buffer_printf(out,
		        "    exec: {command: [/bin/true, stop-losing], timeout: 1m, idempotent: "
		        "%s, "
		        "steps: [stop-serving]}\n",
		        o->stop_once ? "false" : "true");
}

static void write_parties(struct scene *s, struct buffer *out)
{
	const struct scene_options *o = &s->options;
	bool uncooperative = strcmp(o->procedure, "operator-change-uncooperative") == 0;
	buffer_puts(out, "parties:\n  registry:\n");
	write_servers(out, SIMDNS_PARENT);
	buffer_printf(out, "    lag: %s\n  registrar:\n", o->lag);
	if (!o->approvals)
		buffer_puts(out, "    approves: automatically\n");
	buffer_puts(out, "    confirms: automatically\n");
	if (o->registrar == SCENE_AUTOMATIC) {
		buffer_puts(out, "    at-parent:\n");
		write_ddns(out, SIMDNS_PARENT, "      ");
	}
	if (uncooperative)
		buffer_puts(out, o->persons ? "  registrant: {}\n"
		                            : "  registrant: {confirms: automatically}\n");
	write_operator(out, o, SIMDNS_LOSING);
	write_operator(out, o, SIMDNS_GAINING);
}

static void write_definition(struct scene *s, struct buffer *out)
{
	const struct scene_options *o = &s->options;
	char since[TIME_TEXT];
	bool uncooperative = strcmp(o->procedure, "operator-change-uncooperative") == 0;
	buffer_printf(out,
	        "change: move-example\nzone: example.test\nprocedure: %s\njournal: move.journal\n"
	        "poll: %s\ndata-ttl: %s\nsamples: [\"www.example.test A\"]\n"
	        "parent-anchors: [\"%s\"]\n",
	        o->procedure, o->poll, o->data_ttl, simdns_anchor(s->dns));
	if (!o->no_past)
		buffer_printf(out, "unchanged-since: \"%s\"\n",
		        time_format(WALL_START_MS - 90 * DAY_MS, since));
	if (o->insecure)
		buffer_puts(out, "may-be-insecure: true\n");
	if (!o->no_confirmation)
		buffer_printf(out, "confirmed: [%ssame-data]\n",
		        uncooperative ? "" : "contacts-answered, ");
	write_parties(s, out);
}

static char *path_of(struct scene *s, const char *name)
{
	char *path = arena_printf(s->arena, "%s/%s", s->folder, name);
	assert_non_null(path);
	return path;
}

static void write_file(const char *path, const char *text)
{
	struct error err = {0};
	if (file_replace(path, text, strlen(text), &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

void scene_define(struct scene *s, const char *piece, const char *other)
{
	char *text;
	size_t length;
	assert_int_equal(
	        file_read(s->arena, s->definition_path, DEFINITION_MAX, &text, &length, &s->err),
	        RESULT_OK);
	const char *at = strstr(text, piece);
	assert_non_null(at);
	write_file(s->definition_path, arena_printf(s->arena, "%.*s%s%s", (int)(at - text), text,
	                                       other, at + strlen(piece)));
	if (change_definition_load(s->arena, s->definition_path, &s->definition, &s->err) !=
	        RESULT_OK)
		fail_msg("%s", s->err.text);
}

static void write_files(struct scene *s)
{
	struct buffer text = buffer_init(DEFINITION_MAX);
	write_definition(s, &text);
	assert_false(text.failed);
	s->definition_path = path_of(s, "move.yaml");
	s->journal_path = path_of(s, "move.journal");
	write_file(s->definition_path, buffer_text(&text));
	buffer_free(&text);
	write_file(path_of(s, "registry.key"), simdns_tsig(SIMDNS_PARENT));
	write_file(path_of(s, "losing.key"), simdns_tsig(SIMDNS_LOSING));
	write_file(path_of(s, "gaining.key"), simdns_tsig(SIMDNS_GAINING));
	if (change_definition_load(s->arena, s->definition_path, &s->definition, &s->err) !=
	        RESULT_OK)
		fail_msg("%s", s->err.text);
}

// ---- The engine -----------------------------------------------------------------------------

static void die(struct scene *s)
{
	s->killed = true;
	longjmp(s->out, 1);
}

static void said(void *ctx, enum change_said what, const char *step, const char *text)
{
	static const char *const words[] = {"preflight", "begun", "wait", "safe", "act", "reply",
	        "seen", "ask", "stuck", "turn", "end"};
	struct scene *s = ctx;
	char at[TIME_TEXT];
	s->said[what]++;
	buffer_printf(&s->log, "%s %s %s: %s\n", time_format(scene_wall_ms(s), at), words[what],
	        step, text);
	if (s->on_said != NULL)
		s->on_said(s, what, step, text);
}

static void reached(void *ctx, enum change_point point, const char *step)
{
	struct scene *s = ctx;
	if (++s->reached != s->kill_at)
		return;
	s->killed_at = point;
	snprintf(s->killed_step, sizeof s->killed_step, "%s", step);
	die(s);
}

static void zone_changed(void *ctx, int publisher)
{
	struct scene *s = ctx;
	(void)publisher;
	if (s->kill_on_change && s->running) {
		s->kill_on_change = false;
		die(s);
	}
}

static void program(void *ctx, const struct loop_process_spec *spec, struct sim_outcome *outcome)
{
	struct scene *s = ctx;
	assert_string_equal(spec->argv[1], "stop-losing");
	s->commands++;
	*outcome = s->stops;
	if (outcome->start == RESULT_OK && !s->stops_nothing)
		simdns_set_serving(s->dns, SIMDNS_LOSING, false);
	for (int i = 0; s->stops_dark && i < SIMDNS_ADDRESSES; i++)
		simdns_down(s->dns, SIMDNS_LOSING, i, true);
}

// What the engine waits for, as a screen would show it.
static void turned(void *ctx, const struct change_view *view)
{
	struct scene *s = ctx;
	buffer_clear(&s->screen);
	buffer_printf(&s->screen, "%s", view->missing);
	for (size_t i = 0; view->decision != NULL && i < view->decision->count; i++) {
		const struct move *m = &view->decision->moves[i];
		char at[TIME_TEXT];
		buffer_printf(&s->screen, "%s%s: %d until %s: %s\n",
		        view->definition->procedure->steps[m->step].id, m->undo ? " back" : "",
		        m->kind, time_format(m->until_ms, at), m->text);
	}
}

static enum result try_start(struct scene *s)
{
	struct journal_options options = {
	        .clock = loop_clock(s->loop), .random = *sim_random(s->sim)};
	if (journal_open(s->journal_path, JOURNAL_CREATE, &options, &s->journal, &s->err) !=
	        RESULT_OK)
		fail_msg("%s", s->err.text);
	struct change_engine_options o = {.loop = s->loop,
	        .random = *sim_random(s->sim),
	        .journal = s->journal,
	        .definition = s->definition,
	        .said = said,
	        .turned = turned,
	        .reached = reached,
	        .ctx = s};
	enum result result = change_engine_new(&o, &s->engine, &s->err);
	if (result != RESULT_OK)
		scene_stop(s);
	return result;
}

void scene_start_fails(struct scene *s, enum result code, const char *text)
{
	enum result result = try_start(s);
	if (result != code || strstr(s->err.text, text) == NULL)
		fail_msg("expected '%s', got '%s'", text, s->err.text);
}

void scene_stop(struct scene *s)
{
	change_engine_free(s->engine);
	journal_close(s->journal);
	s->engine = NULL;
	s->journal = NULL;
}

static void fill_defaults(struct scene_options *o)
{
	if (o->procedure == NULL)
		o->procedure = "operator-change";
	if (o->ttls == NULL)
		o->ttls = &simdns_usual;
	if (o->poll == NULL)
		o->poll = "6h";
	if (o->data_ttl == NULL)
		o->data_ttl = "2d";
	if (o->lag == NULL)
		o->lag = "6h";
	if (o->ghost_ms == 0)
		o->ghost_ms = 5 * HOUR_MS;
}

struct scene *scene_new(const struct scene_options *options)
{
	struct scene *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->options = *options;
	fill_defaults(&s->options);
	snprintf(s->folder, sizeof s->folder, "%s/baton-scene-XXXXXX",
	        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->folder));
	s->arena = arena_new(64u << 20);
	s->log = buffer_init(4u << 20);
	s->screen = buffer_init(1u << 20);
	s->sim = sim_new(s->options.seed, WALL_START_MS);
	s->loop = sim_loop(s->sim);
	s->dns = simdns_new(s->sim, s->options.ttls);
	s->stops = (struct sim_outcome){.after_ms = 2 * SECOND_MS};
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		simdns_delay(s->dns, p, SIMDNS_GHOST, s->options.ghost_ms);
	simdns_on_change(s->dns, zone_changed, s);
	sim_program_set(s->sim, program, s);
	write_files(s);
	return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void scene_free(struct scene *s)
{
	scene_stop(s);
	for (size_t i = 0; i < s->timer_count; i++)
		loop_timer_stop(s->loop, &s->timers[i]);
	sim_free(s->sim);
	simdns_free(s->dns);
	arena_free(s->arena);
	buffer_free(&s->log);
	buffer_free(&s->screen);
	if (getenv("SCENE_KEEP") == NULL)
		nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
}

void scene_run(struct scene *s, int64_t for_ms)
{
	int64_t until_ms = loop_now_ms(s->loop) + for_ms;
	s->killed = false;
	if (s->engine == NULL && try_start(s) != RESULT_OK)
		fail_msg("%s", s->err.text);
	leaks_count(false);
	s->running = true;
	if (setjmp(s->out) == 0 && change_engine_end(s->engine, NULL) == CHANGE_RUNNING)
		loop_run(s->loop, until_ms);
	s->running = false;
	leaks_count(true);
	s->end = change_engine_end(s->engine, &s->err);
	if (s->killed)
		scene_stop(s);
}

void scene_at(struct scene *s, int64_t in_ms, void (*what)(void *ctx), void *ctx)
{
	assert_true(s->timer_count < sizeof s->timers / sizeof s->timers[0]);
	struct loop_timer *timer = &s->timers[s->timer_count++];
	*timer = (struct loop_timer){.fire = what, .ctx = ctx, .background = true};
	loop_timer_start(s->loop, timer, in_ms);
}

int64_t scene_wall_ms(const struct scene *s)
{
	struct clock clock = loop_clock(s->loop);
	return clock_now_ms(&clock);
}

// ---- The journal ----------------------------------------------------------------------------

void scene_guest(struct scene *s, enum journal_kind kind, const char *step, const char *party)
{
	struct journal_options options = {
	        .clock = loop_clock(s->loop), .random = *sim_random(s->sim)};
	struct journal *journal;
	if (journal_open(s->journal_path, JOURNAL_GUEST, &options, &journal, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	json_t *payload = party != NULL ? json_pack("{s:s}", "party", party) : json_object();
	struct journal_entry entry = {
	        .kind = kind, .change = s->definition->id, .step = step, .payload = payload};
	if (journal_append(journal, &entry, NULL, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	json_decref(payload);
	journal_close(journal);
}

struct counting {
	const char *step;
	unsigned count;
	int64_t seen_ms;
};

static enum result count_one(void *ctx, const struct journal_record *record, struct error *err)
{
	struct counting *c = ctx;
	(void)err;
	if (c->step != NULL && strcmp(c->step, record->step) != 0)
		return RESULT_OK;
	c->count++;
	if (record->kind == JOURNAL_STATE && strstr(record->payload, "\"seen\"") != NULL &&
	        strstr(record->payload, "\"all\":true") != NULL)
		c->seen_ms = record->time_ms;
	return RESULT_OK;
}

static struct counting count(struct scene *s, enum journal_kind kind, const char *step)
{
	struct counting c = {.step = step, .seen_ms = TIME_NEVER_MS};
	struct journal *journal;
	struct journal_filter filter = {.kind = kind};
	if (journal_open(s->journal_path, JOURNAL_READ, NULL, &journal, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	if (journal_iterate(journal, &filter, count_one, &c, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	journal_close(journal);
	return c;
}

unsigned scene_records(struct scene *s, enum journal_kind kind, const char *step)
{
	return count(s, kind, step).count;
}

int64_t scene_seen_ms(struct scene *s, const char *step)
{
	return count(s, JOURNAL_STATE, step).seen_ms;
}

// ---- A restarted engine knows as much ----------------------------------------------------------

static enum result replay_one(void *ctx, const struct journal_record *record, struct error *err)
{
	json_t *payload;
	enum result result = journal_payload(record, &payload, err);
	if (result != RESULT_OK)
		return result;
	result = replay_apply(ctx, record->kind, record->step, record->time_ms, payload, err);
	json_decref(payload);
	return result;
}

static void same_deed(const struct deed *a, const struct deed *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->shown, b->shown);
	assert_int_equal(a->publisher, b->publisher);
	assert_int_equal(a->asked, b->asked);
	assert_int_equal(a->repeatable, b->repeatable);
	assert_string_equal(a->attempt, b->attempt);
	assert_string_equal(a->reason, b->reason);
	assert_int_equal(a->tried_ms, b->tried_ms);
	assert_int_equal(a->ended_ms, b->ended_ms);
	assert_int_equal(a->acted_ms, b->acted_ms);
	assert_int_equal(a->everywhere_ms, b->everywhere_ms);
}

static void same_progress(const struct progress *a, const struct progress *b)
{
	assert_int_equal(a->is_begun, b->is_begun);
	assert_int_equal(a->is_finished, b->is_finished);
	assert_int_equal(a->is_undone, b->is_undone);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->undo_to, b->undo_to);
	assert_int_equal(a->begun_ms, b->begun_ms);
	assert_int_equal(a->finished_ms, b->finished_ms);
	for (size_t i = 0; i < a->procedure->step_count; i++) {
		const struct progress_step *x = &a->steps[i], *y = &b->steps[i];
		assert_int_equal(x->approved, y->approved);
		assert_int_equal(x->said_done, y->said_done);
		assert_int_equal(x->skipped, y->skipped);
		assert_int_equal(x->done_ms, y->done_ms);
		assert_int_equal(x->turn_ms, y->turn_ms);
		same_deed(&x->forward, &y->forward);
		same_deed(&x->back, &y->back);
	}
}

static void same_view(
        const struct scene *s, const struct observe_view *a, const struct observe_view *b)
{
	struct safety_history one, other;
	struct error err = {0};
	int64_t now_ms = scene_wall_ms(s);
	assert_int_equal(observe_view_history(a, now_ms, true, &one, NULL, &err), RESULT_OK);
	assert_int_equal(observe_view_history(b, now_ms, true, &other, NULL, &err), RESULT_OK);
	assert_int_equal(one.count, other.count);
	assert_memory_equal(one.names, other.names, sizeof *one.names);
	for (int i = 0; i < one.count; i++) {
		assert_int_equal(one.editions[i].from_ms, other.editions[i].from_ms);
		assert_int_equal(one.editions[i].until_ms, other.editions[i].until_ms);
		assert_int_equal(one.editions[i].content, other.editions[i].content);
		assert_int_equal(one.editions[i].ttl_s, other.editions[i].ttl_s);
	}
	safety_history_free(&one);
	safety_history_free(&other);
}

static void same_as_restarted(struct scene *s)
{
	struct replay replay;
	struct journal *journal;
	struct journal_filter all = {0};
	assert_int_equal(replay_init(&replay, &s->err), RESULT_OK);
	assert_int_equal(
	        journal_open(s->journal_path, JOURNAL_READ, NULL, &journal, &s->err), RESULT_OK);
	if (journal_iterate(journal, &all, replay_one, &replay, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	journal_close(journal);
	same_progress(&s->engine->now.progress, &replay.progress);
	same_view(s, s->engine->now.view, replay.view);
	replay_free(&replay);
}

static int64_t verify(struct scene *s)
{
	struct rejudge *rejudge;
	struct journal_report report;
	assert_int_equal(rejudge_new(&rejudge, &s->err), RESULT_OK);
	struct journal_verify_options options = {.visit = rejudge_visit, .ctx = rejudge};
	if (journal_verify(s->journal_path, &options, &report, &s->err) != RESULT_OK)
		fail_msg("%s", s->err.text);
	if (!report.good)
		fail_msg("%s", report.text);
	if (s->engine != NULL)
		same_as_restarted(s);
	int64_t verdicts = rejudge_verdicts(rejudge);
	rejudge_free(rejudge);
	return verdicts;
}

void scene_verify_chain(struct scene *s)
{
	verify(s);
}

void scene_verify(struct scene *s)
{
	assert_true(verify(s) > 0);
}

// ---- The truth ------------------------------------------------------------------------------

enum safety_word scene_truth(struct scene *s)
{
	struct safety_history truth;
	struct safety_verdict verdict;
	simdns_truth(s->dns, &truth);
	int64_t until_ms =
	        time_add(loop_now_ms(s->loop), safety_memory_ms(&truth, &safety_all_readers));
	assert_int_equal(
	        safety_judge(&truth, &safety_all_readers, 0, until_ms, &verdict), RESULT_OK);
	enum safety_word worst = verdict.path[SAFETY_DIRECT].word;
	if (verdict.path[SAFETY_FORWARDER].word > worst)
		worst = verdict.path[SAFETY_FORWARDER].word;
	if (worst != SAFETY_SAFE) {
		struct buffer text = buffer_init(8192);
		for (int path = 0; path < SAFETY_PATHS; path++)
			if (verdict.path[path].word != SAFETY_SAFE)
				safety_fault_text(&truth, &verdict.path[path].fault,
				        SAFETY_TIME_RELATIVE, &text);
		buffer_printf(
		        &s->log, "truth: %s: %s\n", safety_word_text(worst), buffer_text(&text));
		buffer_free(&text);
	}
	safety_history_free(&truth);
	return worst;
}

void scene_judge(struct scene *s, enum safety_word worst)
{
	scene_verify(s);
	enum safety_word word = scene_truth(s);
	if (word > worst)
		fail_msg("%s", buffer_text(&s->log));
}

void scene_said_text(const struct scene *s, const char *text)
{
	if (strstr(buffer_text(&s->log), text) == NULL)
		fail_msg("'%s' was not said:\n%s", text, buffer_text(&s->log));
}

// ---- Samples --------------------------------------------------------------------------------

uint64_t scene_seed(void)
{
	static uint64_t seed;
	static bool known;
	if (!known) {
		const char *given = getenv("BATON_TEST_SEED");
		struct random random = random_system();
		seed = given != NULL ? strtoull(given, NULL, 10) : random_below(&random, 1000000);
		known = true;
		print_message("# BATON_TEST_SEED=%llu\n", (unsigned long long)seed);
	}
	return seed;
}

bool scene_full(void)
{
	return getenv("BATON_TEST_FULL") != NULL;
}
