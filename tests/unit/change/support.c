#include "support.h"

#include <stdio.h>

#include "base/data.h"
#include "base/file.h"

const char usual_definition[] =
        "change: move\n"
        "zone: example.test\n"
        "procedure: operator-change\n"
        "poll: 1m\n"
        "data-ttl: 1h\n"
        "unchanged-since: \"2026-01-01T00:00:00Z\"\n"
        "confirmed: [contacts-answered, same-data]\n"
        "parties:\n"
        "  registry:\n"
        "    servers: {ns.registry.example: [\"192.0.2.1\", \"2001:db8::1\"]}\n"
        "    lag: 5m\n"
        "  registrar:\n"
        "    approves: automatically\n"
        "    at-parent: {ddns: {server: \"192.0.2.1\", key: registry.key}}\n"
        "  gaining:\n"
        "    servers: {ns.gaining.example: [\"192.0.2.11\", \"2001:db8::11\"]}\n"
        "    lag: 5m\n"
        "    samples-complete: true\n"
        "    approves: automatically\n"
        "    confirms: automatically\n"
        "    ddns: {server: \"192.0.2.11\", key: gaining.key}\n"
        "  losing:\n"
        "    servers: {ns.losing.example: [\"192.0.2.21\", \"2001:db8::21\"]}\n"
        "    lag: 5m\n"
        "    samples-complete: true\n"
        "    approves: automatically\n"
        "    confirms: automatically\n"
        "    ddns: {server: \"192.0.2.21\", key: losing.key}\n"
        "    exec: {command: [/bin/true], timeout: 1m, steps: [stop-serving]}\n";

static void must(enum result result, const struct error *err)
{
	if (result != RESULT_OK)
		fail_msg("%s", err->text);
}

char *procedure_text(const char *id, size_t *length)
{
	char name[100], *text;
	const char *path;
	struct error err = {0};
	struct arena *arena = arena_new(8 << 20);
	snprintf(name, sizeof name, "procedures/%s.yaml", id);
	must(data_path(arena, name, &path, &err), &err);
	must(file_read(arena, path, 4 << 20, &text, length, &err), &err);
	text = strdup(text);
	arena_free(arena);
	assert_non_null(text);
	return text;
}

static void make_keys(struct bench *b)
{
	for (int i = 0; i < KEYS; i++) {
		char text[140], name[] = "256 3 13 ";
		struct error err = {0};
		bool sep = i == 0 || i == 2;
		// 64 octets each, which nobody verifies here.
		snprintf(text, sizeof text, "%s%.*s%c%cAAAA==", sep ? "257 3 13 " : name, 80,
		        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL"
		        "MNOPQR",
		        'A' + i, 'a' + i);
		must(dns_key_parse(b->definition->zone.wire, text, &b->key[i], &err), &err);
	}
}

static void show_start(struct bench *b)
{
	for (int p = 0; p < PUBLISHERS; p++)
		for (int i = 0; i < PLACES; i++)
			b->cell[p][i] = (struct cell){.ds = KA,
			        .groups = p == PARENT ? 1 << LOSING : 1 << p,
			        .keys = p == LOSING ? KA | ZA : KB | ZB,
			        .signers = p == LOSING ? KA : KB,
			        .data = p == LOSING ? ZA : ZB,
			        .ds_s = 3600,
			        .ns_s = 7200,
			        .dnskey_s = 3600,
			        .data_s = 1800,
			        .serving = true};
}

struct bench *bench_new(const char *procedure, const char *definition)
{
	struct bench *b = calloc(1, sizeof *b);
	struct error err = {0};
	size_t length;
	assert_non_null(b);
	b->arena = arena_new(32 << 20);
	b->decision = malloc(sizeof *b->decision);
	char *library = procedure == NULL ? procedure_text("operator-change", &length) : NULL;
	const char *text = arena_strdup(b->arena, library != NULL ? library : procedure);
	free(library);
	if (definition == NULL)
		definition = usual_definition;
	must(change_definition_parse(b->arena, "move.yaml", definition, strlen(definition),
	             "procedure.yaml", text, strlen(text), &b->definition, &err),
	        &err);
	must(replay_init(&b->replay, &err), &err);
	must(replay_begin(&b->replay, b->definition, &err), &err);
	make_keys(b);
	show_start(b);
	b->now_ms = START_MS;
	return b;
}

void bench_free(struct bench *b)
{
	if (b->has_world)
		change_world_free(&b->world);
	for (int i = 0; i < KEYS; i++)
		dns_key_unref(b->key[i]);
	replay_free(&b->replay);
	arena_free(b->arena);
	free(b->decision);
	free(b);
}

// ---- Rounds ---------------------------------------------------------------------------------

static const struct address *place_address(const struct bench *b, int publisher, int place)
{
	return &b->replay.subject->publishers[publisher].servers[0].addresses[place];
}

static void fill_ds(struct bench *b, struct observe_round *round, const struct cell *cell,
        struct observe_content *content)
{
	struct dns_ds *list = arena_array(round->arena, KEYS, sizeof *list);
	struct error err = {0};
	for (int i = 0; i < KEYS; i++)
		if (cell->ds >> i & 1)
			must(dns_ds_from_key(b->key[i], DNS_DIGEST_SHA256,
			             &list[content->ds_count++], &err),
			        &err);
	content->ds = list;
	content->verified = true;
	content->ttl_s = cell->ds_s;
}

static void fill(struct bench *b, struct observe_round *round, const struct cell *cell, int kind,
        struct observe_content *content)
{
	bool is_signed = kind == SAFETY_DS || kind == SAFETY_DNSKEY || kind == SAFETY_DATA;
	content->signed_from_ms = is_signed ? START_MS - DAY_MS : TIME_EVER_MS;
	content->signed_until_ms =
	        is_signed && !b->endless ? START_MS + 300 * DAY_MS : TIME_NEVER_MS;
	if (kind == SAFETY_DS && b->ds_signed_until_ms > 0)
		content->signed_until_ms = b->ds_signed_until_ms;
	if (kind == SAFETY_DS)
		fill_ds(b, round, cell, content);
	if (kind == SAFETY_NS) {
		content->groups = cell->groups;
		content->ttl_s = cell->ns_s;
	}
	if (kind == SAFETY_DNSKEY) {
		content->keys = cell->keys;
		content->signers = cell->signers;
		content->ttl_s = cell->dnskey_s;
	}
	if (kind == SAFETY_DATA) {
		content->keys = cell->data;
		content->ttl_s = cell->data_s;
		content->last_signature_ms = content->signed_until_ms;
	}
	if (kind == SAFETY_SERVING)
		content->serving = cell->serving;
}

static void add_fact(
        struct bench *b, struct observe_round *round, int publisher, int place, int kind)
{
	const struct cell *cell = &b->cell[publisher][place];
	bool asked =
	        publisher == PARENT ? kind == SAFETY_DS || kind == SAFETY_NS : kind != SAFETY_DS;
	if (!asked)
		return;
	struct observe_fact *fact = &round->facts[round->fact_count++];
	struct observe_content *content = arena_alloc(round->arena, sizeof *content);
	*fact = (struct observe_fact){.publisher = (uint8_t)publisher,
	        .kind = (uint8_t)kind,
	        .state = cell->silent ? OBSERVE_UNKNOWN : OBSERVE_SHOWN,
	        .server = *place_address(b, publisher, place),
	        .asked_ms = round->start_ms,
	        .answered_ms = round->end_ms,
	        .contents = content};
	bool gone = publisher != PARENT && !cell->serving && kind != SAFETY_SERVING;
	if (cell->silent || gone)
		return;
	fact->content_count = 1;
	fill(b, round, cell, kind, content);
}

static void add_problem(const struct bench *b, struct observe_gap *gap)
{
	*gap = (struct observe_gap){
	        .kind = b->problem_kind != 0 ? b->problem_kind : OBSERVE_GAP_UNKNOWN_SERVER,
	        .blocks = true,
	        .until_ms = TIME_NEVER_MS};
	snprintf(gap->text, sizeof gap->text, "%s", b->problem);
}

static struct observe_round *round_make(struct bench *b)
{
	struct observe_round *round = observe_round_new(1 << 20);
	struct error err = {0};
	assert_non_null(round);
	must(observe_subject_hash(b->replay.subject, round->subject, &err), &err);
	round->start_ms = b->now_ms - 10;
	round->end_ms = b->now_ms;
	round->mono_ms = b->now_ms - START_MS;
	round->session = 7;
	round->keys.key = arena_array(round->arena, KEYS, sizeof *round->keys.key);
	for (int i = 0; i < KEYS; i++)
		round->keys.key[round->keys.count++] = dns_key_ref(b->key[i]);
	round->facts =
	        arena_array(round->arena, PUBLISHERS * PLACES * SAFETY_KINDS, sizeof *round->facts);
	for (int p = 0; p < PUBLISHERS; p++)
		for (int i = 0; i < PLACES; i++)
			for (int kind = 0; kind < SAFETY_KINDS; kind++)
				add_fact(b, round, p, i, kind);
	if (b->problem[0] != '\0') {
		round->problem_count = b->problem_count != 0 ? b->problem_count : 1;
		round->problems =
		        arena_array(round->arena, round->problem_count, sizeof *round->problems);
		for (size_t i = 0; i < round->problem_count; i++)
			add_problem(b, &round->problems[i]);
	}
	return round;
}

void bench_look(struct bench *b, int64_t after_s)
{
	struct error err = {0};
	// Not so seldom that the view takes it for a time without observation.
	for (; after_s > 1800; after_s -= 1800) {
		b->now_ms += 1800 * SECOND_MS;
		must(replay_round(&b->replay, round_make(b), &err), &err);
	}
	b->now_ms += after_s * SECOND_MS;
	must(replay_round(&b->replay, round_make(b), &err), &err);
}

// ---- Records --------------------------------------------------------------------------------

static void apply(struct bench *b, enum journal_kind kind, const char *step, json_t *payload)
{
	struct error err = {0};
	assert_non_null(payload);
	must(replay_apply(&b->replay, kind, step, b->now_ms, payload, &err), &err);
	json_decref(payload);
}

void bench_record(struct bench *b, enum journal_kind kind, const char *step, const char *payload)
{
	apply(b, kind, step, json_loads(payload, 0, NULL));
}

void bench_intent(struct bench *b, const char *step, int publisher, const char *more)
{
	char text[200];
	snprintf(text, sizeof text,
	        "{\"attempt\":\"a-%s\",\"publisher\":%d,\"repeatable\":true,\"undo\":false%s}",
	        step, publisher, more);
	bench_record(b, JOURNAL_INTENT, step, text);
}

void bench_result(struct bench *b, const char *step, const char *outcome)
{
	char text[200];
	snprintf(text, sizeof text,
	        "{\"attempt\":\"a-%s\",\"outcome\":\"%s\",\"reason\":\"because\",\"undo\":false}",
	        step, outcome);
	bench_record(
	        b, strcmp(outcome, "unknown") == 0 ? JOURNAL_UNKNOWN : JOURNAL_RESULT, step, text);
}

void bench_seen(struct bench *b, const char *step)
{
	bench_record(b, JOURNAL_STATE, step,
	        "{\"state\":\"seen\",\"publishers\":0,\"all\":true,\"undo\":false}");
}

void bench_begin(struct bench *b)
{
	struct error err = {0};
	json_t *keys;
	bench_look(b, 0);
	must(change_keys_find(b->definition, b->replay.view, b->now_ms, &keys, &err), &err);
	apply(b, JOURNAL_STATE, "", json_pack("{s:s, s:o}", "state", "keys", "keys", keys));
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"begun\"}");
}

// ---- What is shown --------------------------------------------------------------------------

void show_keys(struct bench *b, int publisher, unsigned keys)
{
	for (int i = 0; i < PLACES; i++)
		b->cell[publisher][i].keys = keys;
}

void show_ns(struct bench *b, int publisher, unsigned groups)
{
	for (int i = 0; i < PLACES; i++)
		b->cell[publisher][i].groups = groups;
}

void show_ds(struct bench *b, unsigned keys)
{
	for (int i = 0; i < PLACES; i++)
		b->cell[PARENT][i].ds = keys;
}

void show_serving(struct bench *b, int publisher, bool serving)
{
	for (int i = 0; i < PLACES; i++)
		b->cell[publisher][i].serving = serving;
}

// ---- Decisions ------------------------------------------------------------------------------

const struct decision *bench_decide(struct bench *b)
{
	struct error err = {0};
	if (b->has_world)
		change_world_free(&b->world);
	must(change_world_at(
	             b->definition, b->replay.view, b->replay.keys, b->now_ms, &b->world, &err),
	        &err);
	b->has_world = true;
	struct decide_input input = {.definition = b->definition,
	        .look_ms = b->look_ms,
	        .progress = &b->replay.progress,
	        .world = &b->world,
	        .view = b->replay.view,
	        .acting = b->acting,
	        .acting_undo = b->acting_undo,
	        .acting_step = b->acting_step};
	must(decide(&input, b->decision, &err), &err);
	return b->decision;
}

const struct move *find_move(struct bench *b, const char *step, enum move_kind kind)
{
	const struct decision *d = bench_decide(b);
	for (size_t i = 0; i < d->count; i++)
		if (d->moves[i].kind == kind &&
		        strcmp(b->definition->procedure->steps[d->moves[i].step].id, step) == 0)
			return &d->moves[i];
	return NULL;
}

static void print_moves(const struct bench *b)
{
	for (size_t i = 0; i < b->decision->count; i++)
		print_message("# %s: %d: %s\n",
		        b->definition->procedure->steps[b->decision->moves[i].step].id,
		        b->decision->moves[i].kind, b->decision->moves[i].text);
}

const struct move *assert_move(struct bench *b, const char *step, enum move_kind kind)
{
	const struct move *move = find_move(b, step, kind);
	if (move == NULL) {
		print_moves(b);
		fail_msg("no move of kind %d for %s", kind, step);
	}
	return move;
}

void assert_no_move(struct bench *b, const char *step, enum move_kind kind)
{
	if (find_move(b, step, kind) != NULL)
		fail_msg("a move of kind %d for %s", kind, step);
}

void assert_says(const struct move *move, const char *text)
{
	if (strstr(move->text, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, move->text);
}
