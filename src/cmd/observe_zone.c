#include "cmd/observe_zone.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "observe/observe.h"

enum { RESOLV_CONF_MAX = 64 << 10 };

// ---- Who ------------------------------------------------------------------------------------

// What resolvers are needed for. Names alone are a convenience.
enum need { NEED_NOTHING, NEED_NAMES, NEED_SERVERS };

// Takes "NAME/SERVER=ADDRESS" apart; the texts live in the arena.
static enum result read_server(
        struct arena *arena, const char *word, struct discover_given *given, struct error *err)
{
	const char *equals = strchr(word, '=');
	struct error inner = {0};
	if (equals == NULL || equals == word)
		return error_set(err, RESULT_INPUT,
		        "--server '%.80s': expected NAME=ADDRESS, such as parent=192.0.2.1", word);
	char *name = arena_strndup(arena, word, (size_t)(equals - word));
	if (name == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	char *slash = strchr(name, '/');
	if (slash != NULL)
		*slash = '\0';
	given->publisher = name;
	given->server = slash != NULL ? slash + 1 : NULL;
	if (address_parse(equals + 1, 53, &given->address, &inner) != RESULT_OK)
		return error_set(err, RESULT_INPUT, "--server '%.80s': %s", word, inner.text);
	return RESULT_OK;
}

static enum result read_servers(struct arena *arena, const struct zone_who *who,
        struct discover_given *given, enum need *need, struct error *err)
{
	bool parent = false, child = false, unnamed = false;
	for (size_t i = 0; i < who->server_count; i++) {
		enum result result = read_server(arena, who->servers[i], &given[i], err);
		if (result != RESULT_OK)
			return result;
		bool is_parent = strcmp(given[i].publisher, "parent") == 0;
		parent |= is_parent;
		child |= !is_parent;
		unnamed |= !is_parent && given[i].server == NULL;
	}
	*need = parent && child ? (unnamed ? NEED_NAMES : NEED_NOTHING) : NEED_SERVERS;
	return RESULT_OK;
}

static enum result read_resolvers(struct arena *arena, const struct zone_who *who, enum need need,
        struct address *resolvers, size_t *count, struct error *err)
{
	struct error inner = {0};
	char *text;
	size_t length;
	*count = 0;
	for (; *count < who->resolver_count; (*count)++)
		if (address_parse(who->resolvers[*count], 53, &resolvers[*count], &inner) !=
		        RESULT_OK)
			return error_set(err, RESULT_INPUT, "--resolver: %s", inner.text);
	if (*count == 0 && need != NEED_NOTHING &&
	        file_read(arena, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, &length, NULL) ==
	                RESULT_OK)
		*count = discover_resolvers(text, resolvers, DISCOVER_MAX_RESOLVERS);
	if (*count == 0 && need == NEED_SERVERS)
		return error_set(err, RESULT_NOT_FOUND,
		        "no resolver is known to find the servers with: give one with --resolver, "
		        "or the servers with --server");
	return RESULT_OK;
}

enum result observe_zone_discover(const struct zone_who *who, struct loop *loop,
        struct query_engine *engine, discover_done *done, void *ctx, struct discover **discover,
        struct error *err)
{
	struct discover_given given[ZONE_MAX_SERVERS];
	struct address resolvers[DISCOVER_MAX_RESOLVERS];
	struct arena *arena = arena_new(1 << 20);
	struct discover_options options = {
	        .given = given, .given_count = who->server_count, .resolvers = resolvers};
	enum need need = NEED_SERVERS;
	if (arena == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	enum result result = read_servers(arena, who, given, &need, err);
	if (result == RESULT_OK)
		result = read_resolvers(arena, who, need, resolvers, &options.resolver_count, err);
	if (result == RESULT_OK)
		result =
		        discover_start(loop, engine, who->zone, &options, done, ctx, discover, err);
	arena_free(arena);
	return result;
}

// ---- Lags -----------------------------------------------------------------------------------

static enum result set_lag(
        struct observe_subject *subject, const char *name, int64_t lag_ms, struct error *err)
{
	int publisher = observe_subject_find(subject, name);
	if (publisher >= 0)
		subject->publishers[publisher].lag_ms = lag_ms;
	else if (strcmp(name, "child") == 0)
		for (size_t i = 1; i < subject->publisher_count; i++)
			subject->publishers[i].lag_ms = lag_ms;
	else
		return error_set(err, RESULT_INPUT,
		        "--lag: unknown name '%.60s', expected parent, child or a group's name",
		        name);
	return RESULT_OK;
}

enum result observe_zone_lags(struct observe_subject *subject, const char *text, struct error *err)
{
	enum result result = RESULT_OK;
	while (result == RESULT_OK && *text != '\0') {
		char pair[120];
		size_t length = strcspn(text, ",");
		struct error inner = {0};
		int64_t lag_ms;
		snprintf(pair, sizeof pair, "%.*s", (int)(length < 110 ? length : 110), text);
		char *equals = strchr(pair, '=');
		if (equals == NULL)
			return error_set(err, RESULT_INPUT,
			        "--lag: '%.80s', expected NAME=DURATION such as parent=6h", pair);
		*equals = '\0';
		if (duration_parse(equals + 1, &lag_ms, &inner) != RESULT_OK)
			return error_set(err, RESULT_INPUT, "--lag: %s", inner.text);
		result = set_lag(subject, pair, lag_ms, err);
		text += length + (text[length] == ',');
	}
	return result;
}

// ---- One look -------------------------------------------------------------------------------

bool observe_zone_is_missing(const struct observe_gap *gap, int64_t now_ms)
{
	return gap->blocks && gap->until_ms > now_ms && gap->kind != OBSERVE_GAP_PAST &&
	       gap->kind != OBSERVE_GAP_DATA_TTL && gap->kind != OBSERVE_GAP_UNANCHORED &&
	       gap->kind != OBSERVE_GAP_UNSAMPLED;
}

struct look {
	struct loop *loop;
	struct query_engine *engine;
	struct random random;
	struct discover *discover;
	struct observer *observer;
	struct observe_subject *subject;
	struct observe_round *round;
	int64_t negative_ttl_s;
	enum result result;
	struct error error;
};

static void look_ended(struct look *look, enum result result)
{
	look->result = result;
	loop_stop(look->loop);
}

static void seen(void *ctx, struct observe_round *round)
{
	struct look *look = ctx;
	look->round = round;
	look_ended(look, RESULT_OK);
}

void observe_zone_print_notes(const struct discover_found *found)
{
	for (size_t i = 0; i < found->note_count; i++) {
		const char *note = found->notes[i];
		bool told = found->result != RESULT_OK && strstr(found->error.text, note) != NULL;
		for (size_t j = 0; j < i; j++)
			told = told || strcmp(found->notes[j], note) == 0;
		if (!told)
			fprintf(stderr, "baton: note: %s\n", note);
	}
}

static void found(void *ctx, const struct discover_found *found)
{
	struct look *look = ctx;
	enum result result = found->result;
	look->error = found->error;
	look->subject = found->subject;
	look->negative_ttl_s = found->negative_ttl_s;
	observe_zone_print_notes(found);
	if (result == RESULT_OK)
		result = observer_new(look->loop, look->engine, &look->random, look->subject, NULL,
		        &look->observer, &look->error);
	if (result == RESULT_OK)
		result = observer_round(look->observer, seen, look, &look->error);
	if (result != RESULT_OK)
		look_ended(look, result);
}

static void look_free(struct look *look)
{
	observe_round_free(look->round);
	observer_free(look->observer);
	discover_free(look->discover);
	query_engine_free(look->engine);
	observe_subject_free(look->subject);
	loop_free(look->loop);
}

static enum result look_at(const struct zone_who *who, struct look *look, struct error *err)
{
	*look = (struct look){.random = random_system(), .negative_ttl_s = -1};
	signal(SIGPIPE, SIG_IGN);
	enum result result = loop_new(&look->loop, err);
	if (result == RESULT_OK)
		result = query_engine_new(look->loop, &look->random, NULL, &look->engine, err);
	if (result == RESULT_OK)
		result = observe_zone_discover(
		        who, look->loop, look->engine, found, look, &look->discover, err);
	if (result != RESULT_OK)
		return result;
	loop_run(look->loop, TIME_NEVER_MS);
	if (look->result != RESULT_OK)
		*err = look->error;
	return look->result;
}

// ---- TTLs -----------------------------------------------------------------------------------

static void take_ttl(int64_t ttl_ms[PROCEDURE_TTLS], int kind, int64_t ttl_s)
{
	if (ttl_s * SECOND_MS > ttl_ms[kind])
		ttl_ms[kind] = ttl_s * SECOND_MS;
}

static void take_content(int64_t ttl_ms[PROCEDURE_TTLS], const struct observe_fact *fact,
        const struct observe_content *content)
{
	switch ((enum safety_kind)fact->kind) {
	case SAFETY_DS:
		take_ttl(ttl_ms, content->ds_count > 0 ? PROCEDURE_TTL_DS : PROCEDURE_TTL_DS_NONE,
		        content->ttl_s);
		break;
	case SAFETY_NS:
		take_ttl(ttl_ms,
		        fact->publisher == 0 ? PROCEDURE_TTL_PARENT_NS : PROCEDURE_TTL_CHILD_NS,
		        content->ttl_s);
		break;
	case SAFETY_DNSKEY:
		if (content->keys != 0)
			take_ttl(ttl_ms, PROCEDURE_TTL_DNSKEY, content->ttl_s);
		break;
	case SAFETY_DATA:
		take_ttl(ttl_ms, PROCEDURE_TTL_DATA, content->ttl_s);
		break;
	case SAFETY_SERVING:
	case SAFETY_KINDS:
	default:
		break;
	}
}

// What could not be seen may have a larger TTL: a person should know.
static enum result tell_missing(const struct look *look, struct error *err)
{
	struct observe_view *view = observe_view_new(look->subject);
	static struct observe_gaps gaps;
	struct safety_history history;
	enum result result = view != NULL ? observe_view_feed(view, look->round, err)
	                                  : error_set(err, RESULT_MEMORY, "out of memory");
	int64_t now_ms = look->round->end_ms;
	if (result == RESULT_OK)
		result = observe_view_history(view, now_ms, false, &history, &gaps, err);
	observe_view_free(view);
	if (result != RESULT_OK)
		return result;
	safety_history_free(&history);
	for (size_t i = 0; i < gaps.count; i++)
		if (observe_zone_is_missing(&gaps.gap[i], now_ms))
			fprintf(stderr, "baton: note: %s\n", gaps.gap[i].text);
	return RESULT_OK;
}

// A TTL that nobody served is taken from elsewhere, and may be larger in truth. (The proof that
// there is no DS has one of its own only where there is none.)
static void tell_assumed(const int64_t ttl_ms[PROCEDURE_TTLS], const struct scenario *scenario,
        const bool given[PROCEDURE_TTLS])
{
	char text[DURATION_TEXT];
	for (int kind = 0; kind < PROCEDURE_TTLS; kind++)
		if (ttl_ms[kind] < 0 && !given[kind] && kind != PROCEDURE_TTL_DS_NONE)
			fprintf(stderr,
			        "baton: note: no TTL of %s was seen; %s is assumed, --ttl %s=TIME "
			        "says it\n",
			        safety_ttl_words[kind],
			        duration_format(scenario->ttl_ms[0][kind], text),
			        safety_ttl_words[kind]);
}

static enum result take_ttls(const struct look *look, struct scenario *scenario,
        const bool given[PROCEDURE_TTLS], struct error *err)
{
	int64_t ttl_ms[PROCEDURE_TTLS] = {-1, -1, -1, -1, -1, -1};
	const struct observe_round *round = look->round;
	if (look->negative_ttl_s >= 0)
		take_ttl(ttl_ms, PROCEDURE_TTL_DS_NONE, look->negative_ttl_s);
	for (size_t f = 0; f < round->fact_count; f++)
		for (size_t c = 0; c < round->facts[f].content_count; c++)
			take_content(ttl_ms, &round->facts[f], &round->facts[f].contents[c]);
	if (ttl_ms[PROCEDURE_TTL_PARENT_NS] < 0 && ttl_ms[PROCEDURE_TTL_CHILD_NS] < 0)
		return error_set(err, RESULT_NETWORK,
		        "no server of the parent or of the zone gave an NS set: %s",
		        round->problem_count > 0 ? round->problems[0].text : "no answers");
	for (int kind = 0; kind < PROCEDURE_TTLS; kind++)
		if (ttl_ms[kind] >= 0)
			scenario_set_ttl(scenario, (enum procedure_ttl)kind, ttl_ms[kind]);
	tell_assumed(ttl_ms, scenario, given);
	return tell_missing(look, err);
}

// ---- Keys -----------------------------------------------------------------------------------

// Of the modulus of an RSA key (RFC 3110 section 2); 0 where there is none.
static uint16_t rsa_bits_of(const struct dns_rdata *rdata)
{
	enum { HEAD = 4 }; // flags, protocol, algorithm
	if (rdata->length < HEAD + 3)
		return 0;
	const uint8_t *key = rdata->octets + HEAD;
	size_t length = rdata->length - HEAD;
	size_t exponent = key[0] != 0 ? 1u + key[0] : 3u + (size_t)(key[1] << 8 | key[2]);
	return exponent < length && length - exponent <= 512 ? (uint16_t)(8 * (length - exponent))
	                                                     : 0;
}

// Where all keys of the zone are of one algorithm, so will those be that are to come. The sizes of
// answers are predicted with the largest.
static void take_keys(const struct look *look, struct scenario *scenario)
{
	const struct dns_keys *keys = &look->round->keys;
	uint16_t rsa_bits = 0;
	scenario->name_octets = (int)dns_name_length(look->subject->zone.wire);
	for (size_t i = 0; i < keys->count; i++) {
		uint16_t bits = rsa_bits_of(dns_key_rdata(keys->key[i]));
		if (dns_key_algorithm(keys->key[i]) != dns_key_algorithm(keys->key[0]))
			return;
		rsa_bits = bits > rsa_bits ? bits : rsa_bits;
	}
	for (size_t k = 0; keys->count > 0 && k < PROCEDURE_MAX_KEYS; k++) {
		scenario->keys[k].algorithm = dns_key_algorithm(keys->key[0]);
		if (rsa_bits > 0)
			scenario->keys[k].rsa_bits = rsa_bits;
	}
}

enum result observe_zone_ttls(const struct zone_who *who, struct scenario *scenario,
        const bool given[PROCEDURE_TTLS], struct error *err)
{
	struct look look;
	enum result result = look_at(who, &look, err);
	if (result == RESULT_OK)
		result = take_ttls(&look, scenario, given, err);
	if (result == RESULT_OK)
		take_keys(&look, scenario);
	look_free(&look);
	return result;
}
