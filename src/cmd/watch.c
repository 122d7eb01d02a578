// baton watch: a delegation, live.
#include "cmd/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/observe_zone.h"
#include "cmd/options.h"
#include "observe/observe.h"

enum { SAMPLES_MAX = 16, OUTPUT_MAX = 16 << 20, COLUMNS = 120 };

static const char about[] =
        "Asks every address of every name server of a zone and of its parent, again and again, "
        "and says what each\n"
        "serves now and since when, what caches may still hold, and from when on the usual next "
        "steps are safe for\n"
        "every resolver, with the cached record that makes them wait. On a terminal the picture is "
        "redrawn; elsewhere\n"
        "each round is printed. Ctrl-C ends it.";

static const char more[] =
        "What was served before the first round is not known: until everything from before has "
        "left all caches, or\n"
        "somebody has declared the past (--unchanged-since), no step counts as safe. The same "
        "holds for the largest TTL\n"
        "in the zone, which cannot be looked up (--data-ttl).\n\n"
        "exit status:\n"
        "  0  ended by a signal; with --once: every address answered, and the zone is secure\n"
        "  1  with --once: something is broken, missing, or insecure\n"
        "  2  the zone's servers cannot be found, or the input cannot be used\n\n"
        "examples:\n"
        "  baton watch example.net\n"
        "  baton watch example.net --once --json | jq .gaps\n"
        "  baton watch example.net --server losing/ns1.example.org=192.0.2.1 "
        "--server gaining=198.51.100.1 --data-ttl 1d";

struct watch_options {
	struct zone_who who;
	bool once, json;
	const char *interval, *data_ttl, *lags, *since;
	const char *samples[SAMPLES_MAX], *anchors[OBSERVE_MAX_ANCHORS];
	size_t sample_count, anchor_count;
	int64_t interval_ms, since_ms;
	uint32_t data_ttl_s;
};

struct watch {
	const struct watch_options *o;
	struct loop *loop;
	struct query_engine *engine;
	struct random random;
	struct discover *discover;
	struct observe_subject *subject;
	struct observer *observer;
	struct observe_view *view;
	struct observe_round *round; // the last one
	struct loop_timer next, tick;
	int64_t begun_ms; // monotonic, when the last round began
	bool is_terminal, good;
	enum result result;
	struct error error;
};

// ---- Signals --------------------------------------------------------------------------------

static struct loop *running;
static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
	(void)number;
	is_stopped = 1;
	if (running != NULL)
		loop_stop(running);
}

static void catch_signals(struct loop *loop)
{
	struct sigaction action = {.sa_handler = on_signal};
	running = loop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

// ---- Showing --------------------------------------------------------------------------------

static void end(struct watch *w, enum result result)
{
	w->result = result;
	loop_stop(w->loop);
}

static void print_json(struct watch *w, const struct watch_report *report)
{
	json_t *json = watch_report_json(report);
	if (json == NULL) {
		end(w, error_set(&w->error, RESULT_MEMORY, "out of memory"));
		return;
	}
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

// As much of the text as the terminal has lines, in place of what was there.
static void redraw(const char *text, unsigned rows)
{
	unsigned lines = 0, left = 0;
	const char *cut = text;
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\n' && ++lines < rows - 1)
			cut = p + 1;
	for (const char *p = cut; *p != '\0'; p++)
		left += *p == '\n';
	fputs("\033[H\033[2J", stdout);
	fwrite(text, 1, (size_t)(cut - text), stdout);
	if (left > 1)
		printf("(%u lines more: a higher window shows them)", left);
	else
		fputs(cut, stdout);
}

static void print_text(struct watch *w, const struct watch_report *report)
{
	struct winsize size = {.ws_row = 40, .ws_col = COLUMNS};
	struct buffer text = buffer_init(OUTPUT_MAX);
	if (w->is_terminal && (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 60))
		size.ws_col = COLUMNS;
	watch_report_text(report, size.ws_col, &text);
	if (w->is_terminal && !w->o->once)
		redraw(buffer_text(&text), size.ws_row < 5 ? 5 : size.ws_row);
	else
		printf("%s%s", buffer_text(&text), w->o->once ? "" : "\n");
	buffer_free(&text);
}

static void show(struct watch *w)
{
	struct clock clock = loop_clock(w->loop);
	struct watch_report *report;
	enum result result = watch_report_make(
	        w->view, w->subject, w->round, clock_now_ms(&clock), &report, &w->error);
	if (result != RESULT_OK) {
		end(w, result);
		return;
	}
	if (w->o->json)
		print_json(w, report);
	else
		print_text(w, report);
	w->good = report->complete && report->secure;
	watch_report_free(report);
	if (fflush(stdout) != 0 || ferror(stdout))
		end(w, error_set(&w->error, RESULT_SYSTEM, "cannot write the output"));
}

// ---- Rounds ---------------------------------------------------------------------------------

static void seen(void *ctx, struct observe_round *round)
{
	struct watch *w = ctx;
	struct error ignored; // what could not be folded for lack of memory counts as it is
	observe_round_fold(w->subject, w->round, round, &ignored);
	enum result result = observe_view_feed(w->view, round, &w->error);
	observe_round_free(w->round);
	w->round = round;
	if (result != RESULT_OK) {
		end(w, result);
		return;
	}
	show(w);
	if (w->o->once)
		loop_stop(w->loop);
	else
		loop_timer_start(
		        w->loop, &w->next, w->begun_ms + w->o->interval_ms - loop_now_ms(w->loop));
}

static void begin_round(void *ctx)
{
	struct watch *w = ctx;
	w->begun_ms = loop_now_ms(w->loop);
	enum result result = observer_round(w->observer, seen, w, &w->error);
	if (result != RESULT_OK)
		end(w, result);
}

// Once a second: a signal that came just before the loop began to wait is not missed for longer,
// and what is left of each wait goes on running on the terminal.
static void tick(void *ctx)
{
	struct watch *w = ctx;
	if (is_stopped) {
		loop_stop(w->loop);
		return;
	}
	if (w->is_terminal && w->round != NULL && !w->o->once && !w->o->json)
		show(w);
	loop_timer_start(w->loop, &w->tick, SECOND_MS);
}

// ---- The start ------------------------------------------------------------------------------

static enum result sample_type(const char *word, uint16_t *type, struct error *err)
{
	const char *space = strchr(word, ' ');
	*type = DNS_TYPE_A;
	enum result result = space != NULL ? dns_type_parse(space + 1, type, err) : RESULT_OK;
	if (result == RESULT_OK)
		result = dns_type_check_data(*type, err);
	if (result != RESULT_OK)
		error_prefix(err, "--sample '%.80s': ", word);
	return result;
}

static enum result add_sample(struct observe_subject *subject, const char *word, struct error *err)
{
	char name[DNS_NAME_TEXT];
	uint16_t type;
	size_t n = strcspn(word, " ");
	snprintf(name, sizeof name, "%.*s", (int)(n < 1000 ? n : 1000), word);
	enum result result = sample_type(word, &type, err);
	if (result != RESULT_OK)
		return result;
	result = observe_subject_sample(subject, name, type, err);
	if (result != RESULT_OK)
		error_prefix(err, "--sample '%.80s': ", word);
	return result;
}

// What people declare, into the subject.
static enum result declare(
        const struct watch_options *o, struct observe_subject *subject, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 1; i < subject->publisher_count; i++)
		subject->publishers[i].data_ttl_s = o->data_ttl_s;
	subject->past_since_ms = o->since_ms;
	if (2 * o->interval_ms + MINUTE_MS > subject->max_hole_ms)
		subject->max_hole_ms = 2 * o->interval_ms + MINUTE_MS;
	for (size_t i = 0; result == RESULT_OK && i < o->sample_count; i++)
		result = add_sample(subject, o->samples[i], err);
	for (size_t i = 0; result == RESULT_OK && i < o->anchor_count; i++) {
		result = observe_subject_anchor(subject, o->anchors[i], err);
		if (result != RESULT_OK)
			error_prefix(err, "--anchor: ");
	}
	if (result == RESULT_OK && o->lags != NULL)
		result = observe_zone_lags(subject, o->lags, err);
	return result;
}

static void found(void *ctx, const struct discover_found *found)
{
	struct watch *w = ctx;
	enum result result = found->result;
	w->error = found->error;
	w->subject = found->subject;
	if (result == RESULT_OK)
		observe_zone_print_notes(found);
	if (result == RESULT_OK)
		result = declare(w->o, w->subject, &w->error);
	if (result == RESULT_OK)
		result = observer_new(
		        w->loop, w->engine, &w->random, w->subject, NULL, &w->observer, &w->error);
	if (result == RESULT_OK && (w->view = observe_view_new(w->subject)) == NULL)
		result = error_set(&w->error, RESULT_MEMORY, "out of memory");
	if (result == RESULT_OK)
		begin_round(w);
	else
		end(w, result);
}

static enum result start(struct watch *w, struct error *err)
{
	enum result result = loop_new(&w->loop, err);
	if (result == RESULT_OK)
		result = query_engine_new(w->loop, &w->random, NULL, &w->engine, err);
	if (result == RESULT_OK)
		result = observe_zone_discover(
		        &w->o->who, w->loop, w->engine, found, w, &w->discover, err);
	return result;
}

static void clean_up(struct watch *w)
{
	running = NULL;
	observe_round_free(w->round);
	observer_free(w->observer);
	discover_free(w->discover);
	observe_view_free(w->view);
	query_engine_free(w->engine);
	observe_subject_free(w->subject);
	loop_free(w->loop);
}

static int watch(const struct watch_options *o)
{
	struct watch w = {.o = o,
	        .random = random_system(),
	        .is_terminal = isatty(STDOUT_FILENO) != 0,
	        .next = {.fire = begin_round},
	        .tick = {.fire = tick}};
	struct error err = {0};
	w.next.ctx = w.tick.ctx = &w;
	enum result result = start(&w, &err);
	if (result == RESULT_OK) {
		catch_signals(w.loop);
		loop_timer_start(w.loop, &w.tick, SECOND_MS);
		loop_run(w.loop, TIME_NEVER_MS);
		result = w.result;
		err = w.error;
	}
	bool once_good = !o->once || w.good;
	clean_up(&w);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	return once_good ? EXIT_SAFE : EXIT_NO;
}

static enum result read_values(struct watch_options *o, struct error *err)
{
	int64_t data_ms = 0;
	enum result result = RESULT_OK;
	o->interval_ms = 10 * SECOND_MS;
	o->since_ms = TIME_NEVER_MS;
	if (o->interval != NULL && duration_parse(o->interval, &o->interval_ms, err) != RESULT_OK) {
		error_prefix(err, "--interval: ");
		return err->code;
	}
	if (o->interval_ms < 200)
		return error_set(err, RESULT_INPUT, "--interval must be at least 200ms");
	if (o->data_ttl != NULL) {
		result = duration_parse(o->data_ttl, &data_ms, err);
		if (result == RESULT_OK &&
		        (data_ms % SECOND_MS != 0 || data_ms / SECOND_MS > INT32_MAX))
			result = error_set(err, RESULT_INPUT, "expected whole seconds");
		if (result != RESULT_OK)
			error_prefix(err, "--data-ttl: ");
		o->data_ttl_s = (uint32_t)(data_ms / SECOND_MS);
	}
	if (result == RESULT_OK && o->since != NULL) {
		result = time_parse(o->since, &o->since_ms, err);
		if (result != RESULT_OK)
			error_prefix(err, "--unchanged-since: ");
	}
	uint16_t type;
	for (size_t i = 0; result == RESULT_OK && i < o->sample_count; i++)
		result = sample_type(o->samples[i], &type, err);
	return result;
}

int cmd_watch(int argc, char **argv)
{
	struct watch_options o = {0};
	const struct option_spec specs[] = {
	        {"--server", "NAME=ADDRESS",
	                "who is asked: parent=192.0.2.1, or the name of a group of the zone's "
	                "servers,\n                           or either with the server's name: "
	                "losing/ns1.example.net=2001:db8::1@53",
	                .list = o.who.servers, .list_max = ZONE_MAX_SERVERS,
	                .list_count = &o.who.server_count},
	        {"--resolver", "ADDRESS",
	                "who helps to find the servers; default: those of /etc/resolv.conf",
	                .list = o.who.resolvers, .list_max = DISCOVER_MAX_RESOLVERS,
	                .list_count = &o.who.resolver_count},
	        {"--interval", "TIME", "from one round to the next; default 10s",
	                .text = &o.interval},
	        {"--once", NULL, "one round only", .flag = &o.once},
	        {"--json", NULL, "print one JSON object a round", .flag = &o.json},
	        {"--data-ttl", "TIME", "declare the largest TTL in the zone", .text = &o.data_ttl},
	        {"--lag", "LIST",
	                "declare the propagation to all instances: parent=6h,child=10m, or a "
	                "group's name",
	                .text = &o.lags},
	        {"--unchanged-since", "TIME",
	                "declare that nothing was changed since then, 2027-03-01T08:00:00Z",
	                .text = &o.since},
	        {"--sample", "'NAME TYPE'",
	                "a record set whose signatures stand for the zone's data",
	                .list = o.samples, .list_max = SAMPLES_MAX, .list_count = &o.sample_count},
	        {"--anchor", "DS", "a DS record of the parent's keys, '20326 8 2 E06D44B8...'",
	                .list = o.anchors, .list_max = OBSERVE_MAX_ANCHORS,
	                .list_count = &o.anchor_count},
	        {0},
	};
	const struct command_help help = {"baton watch [OPTION…] ZONE", about, specs, more};
	struct error err = {0};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("watch: expected one zone; --help explains");
	o.who.zone = argv[0];
	if (read_values(&o, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	return watch(&o);
}
