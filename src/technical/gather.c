// Asking: first who the parent is and what it has, then the addresses of the servers, then the
// servers. Each phase begins when every question of the one before has been answered or given up.
#include "technical/gather.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 512u << 20, NOTE_TEXT = 400, ABSENT_LETTERS = 20 };

void gather_note(struct technical_gather *g, const char *format, ...)
{
	char text[NOTE_TEXT];
	va_list args;
	if (g->facts.note_count == TECHNICAL_MAX_NOTES)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (size_t i = 0; i < g->facts.note_count; i++)
		if (strcmp(g->facts.notes[i], text) == 0)
			return;
	const char *note = arena_strdup(g->arena, text);
	if (note != NULL)
		g->facts.notes[g->facts.note_count++] = note;
}

// ---- Lists ----------------------------------------------------------------------------------

struct technical_server *gather_server(struct technical_gather *g, struct technical_server *list,
        size_t *count, const uint8_t *name)
{
	char text[DNS_NAME_TEXT];
	for (size_t i = 0; i < *count; i++)
		if (dns_name_equal(list[i].name.wire, name))
			return &list[i];
	if (*count == TECHNICAL_MAX_SERVERS) {
		gather_note(g, "%.200s is left out: there are more than %d name servers",
		        dns_name_text(name, text), TECHNICAL_MAX_SERVERS);
		return NULL;
	}
	struct technical_server *server = &list[(*count)++];
	*server = (struct technical_server){0};
	dns_name_lower(&server->name, name);
	return server;
}

bool gather_add(struct technical_addresses *list, const struct address *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_equal_ip(&list->address[i], address))
			return true;
	if (list->count == TECHNICAL_MAX_ADDRESSES)
		return false;
	list->address[list->count++] = *address;
	return true;
}

// ---- Questions ------------------------------------------------------------------------------

static void answered(void *ctx, const struct query_result *result);

static bool is_plain(enum gather_about about)
{
	return about == GATHER_DELEGATION || about == GATHER_LOOK_UP || about == GATHER_GLUE;
}

static bool submit(struct gather_ask *ask)
{
	struct technical_gather *g = ask->g;
	bool recursive = ask->about == GATHER_LOOK_UP, server = ask->about == GATHER_SERVER;
	struct query_question question = {.name = ask->name.wire, .type = ask->type};
	struct query_options options = {.tries = g->tries,
	        .timeout_ms = g->timeout_ms,
	        .dnssec_ok = !is_plain(ask->about),
	        .recursion_desired = recursive || (server && ask->question == TECHNICAL_FOREIGN),
	        .checking_disabled = recursive,
	        .tcp_only = server && ask->question == TECHNICAL_SOA_TCP,
	        .tcp_last = !server};
	const struct address *at = recursive ? &g->resolvers[ask->resolver] : &ask->at;
	if (query_submit(g->engine, at, &question, &options, answered, ask, &ask->query, NULL) !=
	        RESULT_OK)
		return false;
	g->pending++;
	return true;
}

static void ask_now(struct technical_gather *g, const struct gather_ask *wanted)
{
	struct gather_ask *ask = arena_alloc(g->arena, sizeof *ask);
	if (ask == NULL) {
		gather_note(g, "there was no memory to ask everything");
		return;
	}
	*ask = *wanted;
	ask->g = g;
	ask->next = g->asks;
	g->asks = ask;
	if (!submit(ask) && ask->about == GATHER_SERVER)
		ask->address->answer[ask->question].status = QUERY_FAILED;
}

// A server's answer is a fact as it is, and kept.
static void keep_answer(struct gather_ask *ask, const struct query_result *result)
{
	struct technical_gather *g = ask->g;
	struct technical_answer *answer = &ask->address->answer[ask->question];
	struct dns_message *message = arena_alloc(g->arena, sizeof *message);
	ask->address->elsewhere += result->ignored[QUERY_WRONG_SOURCE];
	answer->status = result->status;
	answer->transport = result->transport;
	answer->truncated = result->truncated;
	if (result->data == NULL)
		return;
	if (message != NULL && dns_message_parse(g->arena, result->data, result->octets, message,
	                               NULL) == RESULT_OK)
		answer->message = message;
	else
		answer->status = QUERY_MALFORMED;
}

static bool understand(struct gather_ask *ask, const struct query_result *result)
{
	struct dns_message message;
	struct arena *scratch = arena_new(DNS_MESSAGE_ARENA);
	bool good = scratch != NULL && result->data != NULL &&
	            dns_message_parse(scratch, result->data, result->octets, &message, NULL) ==
	                    RESULT_OK &&
	            gather_read(ask, &message);
	arena_free(scratch);
	return good;
}

static const char *about_text(enum gather_about about)
{
	switch (about) {
	case GATHER_DELEGATION:
		return "the delegation";
	case GATHER_DS:
		return "the DS set";
	case GATHER_LOOK_UP:
	case GATHER_GLUE:
		return "an address of a name server";
	case GATHER_SERVER:
	default:
		return "the zone";
	}
}

// Where one resolver has nothing usable, the next one is asked.
static void give_up_or_ask_again(struct gather_ask *ask, const struct query_result *result)
{
	char at[ADDRESS_TEXT], name[DNS_NAME_TEXT];
	char code[DNS_RCODE_TEXT];
	dns_name_text(ask->name.wire, name);
	address_format(&result->server, at);
	// It may have answered, and say nothing about what it was asked.
	if (result->status == QUERY_ANSWERED && result->data != NULL && result->octets >= 4)
		gather_note(ask->g, "asked for %s %.200s, %s answers %s, without it",
		        about_text(ask->about), name, at,
		        dns_rcode_text((uint16_t)(result->data[3] & 15), code));
	else
		gather_note(ask->g, "asked for %s %.200s, %s gives no usable answer (%s)",
		        about_text(ask->about), name, at, query_status_text(result->status));
	while (ask->about == GATHER_LOOK_UP && ask->resolver + 1 < ask->g->resolver_count) {
		ask->resolver++;
		if (submit(ask))
			return;
	}
}

static void answered(void *ctx, const struct query_result *result)
{
	struct gather_ask *ask = ctx;
	struct technical_gather *g = ask->g;
	ask->query = NULL;
	assert(g->pending > 0);
	g->pending--;
	if (ask->about == GATHER_SERVER)
		keep_answer(ask, result);
	else if (!understand(ask, result) && ask->about != GATHER_GLUE)
		give_up_or_ask_again(ask, result);
	if (g->pending == 0)
		loop_timer_start(g->loop, &g->turn, 0);
}

// ---- The parent -----------------------------------------------------------------------------

static void ask_parent(struct technical_gather *g)
{
	for (size_t i = 0; i < g->parent_count; i++) {
		struct gather_ask ask = {.about = GATHER_DELEGATION,
		        .at = g->parents[i],
		        .name = g->facts.zone,
		        .type = DNS_TYPE_NS};
		g->facts.parent_asked = true;
		ask_now(g, &ask);
		ask.about = GATHER_DS;
		ask.type = DNS_TYPE_DS;
		ask_now(g, &ask);
	}
}

static void parent_found(void *ctx, const struct discover_found *found)
{
	struct technical_gather *g = ctx;
	if (found->result != RESULT_OK)
		gather_note(g, "the parent was not found: %.300s", found->error.text);
	const struct observe_publisher *parent =
	        found->result == RESULT_OK ? &found->subject->publishers[0] : NULL;
	if (parent != NULL)
		g->facts.parent = found->subject->parent_zone;
	for (size_t s = 0; parent != NULL && s < parent->server_count; s++)
		for (size_t a = 0; a < parent->servers[s].address_count; a++)
			if (g->parent_count < TECHNICAL_MAX_PARENTS)
				g->parents[g->parent_count++] = parent->servers[s].addresses[a];
	observe_subject_free(found->subject);
	loop_timer_start(g->loop, &g->turn, 0);
}

// Discovery looks for the parent only where servers of the zone are given, so it gets one that it
// never asks. true: it runs.
static bool look_for_parent(
        struct technical_gather *g, const struct technical_options *options, struct error *err)
{
	char zone[DNS_NAME_TEXT];
	struct discover_given given[TECHNICAL_MAX_PARENTS + 1] = {
	        {"zone", DISCOVER_UNNAMED "1.invalid.", address_any(4, 53)}};
	struct discover_options how = {.resolvers = g->resolvers,
	        .resolver_count = g->resolver_count,
	        .given = given,
	        .given_count = 1,
	        .timeout_ms = options->timeout_ms,
	        .tries = options->tries};
	if (dns_name_labels(g->facts.zone.wire) == 0 ||
	        (options->parent_count == 0 && g->resolver_count == 0))
		return false;
	for (size_t i = 0; i < options->parent_count; i++)
		given[how.given_count++] =
		        (struct discover_given){"parent", NULL, options->parents[i]};
	return discover_start(g->loop, g->engine, dns_name_text(g->facts.zone.wire, zone), &how,
	               parent_found, g, &g->discover, err) == RESULT_OK;
}

// ---- Addresses ------------------------------------------------------------------------------

// A future server that is one of the present ones, too, has that one's glue.
static void inherit_glue(struct technical_gather *g)
{
	struct technical_facts *f = &g->facts;
	for (size_t i = 0; i < f->server_count; i++)
		for (size_t k = 0; k < f->present_count; k++)
			if (!f->server[i].listed_given &&
			        dns_name_equal(f->server[i].name.wire, f->present[k].name.wire))
				f->server[i].listed = f->present[k].listed;
}

static void look_up(struct technical_gather *g, struct technical_server *list, size_t count)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	for (size_t i = 0; g->resolver_count > 0 && i < count; i++)
		for (size_t t = 0; t < 2; t++)
			ask_now(g, &(struct gather_ask){.about = GATHER_LOOK_UP,
			                   .server = &list[i],
			                   .name = list[i].name,
			                   .type = types[t]});
}

static void look_up_all(struct technical_gather *g)
{
	struct technical_facts *f = &g->facts;
	if (!f->servers_given) {
		f->server = f->present;
		f->server_count = f->present_count;
	} else {
		inherit_glue(g);
		look_up(g, f->server, f->server_count);
	}
	look_up(g, f->present, f->present_count);
}

static void choose_addresses(
        struct technical_gather *g, struct technical_server *list, size_t count)
{
	char name[DNS_NAME_TEXT];
	for (size_t i = 0; i < count; i++) {
		struct technical_server *s = &list[i];
		const struct technical_addresses *from =
		        s->listed.count > 0 ? &s->listed : &s->looked_up.addresses;
		size_t n = from->count;
		if (n > TECHNICAL_MAX_ASKED - g->asked_count) {
			gather_note(g,
			        "not all addresses of %.200s are asked: there are more than "
			        "%d in all",
			        dns_name_text(s->name.wire, name), TECHNICAL_MAX_ASKED);
			n = TECHNICAL_MAX_ASKED - g->asked_count;
		}
		s->address = arena_array(g->arena, n, sizeof *s->address);
		if (s->address == NULL)
			n = 0;
		for (size_t k = 0; k < n; k++)
			s->address[k].at = from->address[k];
		s->address_count = n;
		g->asked_count += n;
	}
}

// ---- Servers --------------------------------------------------------------------------------

// A name that nobody else asks for, and that no zone has; below the zone as long as it fits.
static void choose_absent(struct technical_gather *g)
{
	char label[ABSENT_LETTERS + 1];
	for (size_t i = 0; i < ABSENT_LETTERS; i++)
		label[i] = (char)('a' + random_below(&g->random, 26));
	label[ABSENT_LETTERS] = '\0';
	if (dns_name_prepend(&g->facts.absent, label, g->facts.zone.wire, NULL) != RESULT_OK)
		g->facts.absent = g->facts.zone;
}

// A zone that is surely not below the one in question, nor above.
static void foreign_name(const struct technical_gather *g, struct dns_name *name)
{
	static const char *const names[] = {"iana.org.", "isc.org.", "nic.fr."};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		bool parsed = dns_name_parse(names[i], name, NULL) == RESULT_OK;
		assert(parsed);
		(void)parsed;
		if (!dns_name_is_subdomain(name->wire, g->facts.zone.wire) &&
		        !dns_name_is_subdomain(g->facts.zone.wire, name->wire))
			return;
	}
}

static void ask_server(struct technical_gather *g, struct technical_server *server,
        struct technical_address *address, enum technical_question question)
{
	static const uint16_t types[TECHNICAL_QUESTIONS] = {[TECHNICAL_SOA] = DNS_TYPE_SOA,
	        [TECHNICAL_SOA_TCP] = DNS_TYPE_SOA,
	        [TECHNICAL_NS] = DNS_TYPE_NS,
	        [TECHNICAL_DNSKEY] = DNS_TYPE_DNSKEY,
	        [TECHNICAL_CDS] = DNS_TYPE_CDS,
	        [TECHNICAL_ABSENT] = DNS_TYPE_A,
	        [TECHNICAL_FOREIGN] = DNS_TYPE_NS};
	struct gather_ask ask = {.about = GATHER_SERVER,
	        .question = question,
	        .server = server,
	        .address = address,
	        .at = address->at,
	        .name = g->facts.zone,
	        .type = types[question]};
	// No name is foreign to the root.
	if (question == TECHNICAL_FOREIGN && dns_name_labels(g->facts.zone.wire) == 0)
		return;
	if (question == TECHNICAL_FOREIGN)
		foreign_name(g, &ask.name);
	else if (question == TECHNICAL_ABSENT)
		ask.name = g->facts.absent;
	address->answer[question].asked = true;
	ask_now(g, &ask);
}

// The addresses of every server whose name is in the zone, of every address.
static void ask_glue(struct technical_gather *g, struct technical_server *about)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	struct technical_facts *f = &g->facts;
	if (!dns_name_is_subdomain(about->name.wire, f->zone.wire))
		return;
	about->said = arena_array(g->arena, TECHNICAL_MAX_ASKED, sizeof *about->said);
	for (size_t s = 0; about->said != NULL && s < f->server_count; s++)
		for (size_t a = 0; a < f->server[s].address_count; a++) {
			struct technical_said *said = &about->said[about->said_count++];
			for (size_t t = 0; t < 2; t++)
				ask_now(g, &(struct gather_ask){.about = GATHER_GLUE,
				                   .server = about,
				                   .said = said,
				                   .at = f->server[s].address[a].at,
				                   .name = about->name,
				                   .type = types[t]});
		}
}

static void ask_servers(struct technical_gather *g)
{
	struct technical_facts *f = &g->facts;
	choose_addresses(g, f->server, f->server_count);
	if (f->servers_given)
		choose_addresses(g, f->present, f->present_count);
	choose_absent(g);
	for (size_t s = 0; s < f->server_count; s++) {
		for (size_t a = 0; a < f->server[s].address_count; a++)
			for (int q = 0; q < TECHNICAL_QUESTIONS; q++)
				ask_server(g, &f->server[s], &f->server[s].address[a],
				        (enum technical_question)q);
		ask_glue(g, &f->server[s]);
	}
	for (size_t s = 0; f->servers_given && s < f->present_count; s++)
		for (size_t a = 0; a < f->present[s].address_count; a++)
			ask_server(g, &f->present[s], &f->present[s].address[a], TECHNICAL_SOA);
}

// Those who said nothing are no source.
static void drop_silent(struct technical_server *server)
{
	size_t kept = 0;
	for (size_t i = 0; i < server->said_count; i++)
		if (server->said[i].has_v4 || server->said[i].has_v6)
			server->said[kept++] = server->said[i];
	server->said_count = kept;
}

// ---- Turns ----------------------------------------------------------------------------------

static void finish(struct technical_gather *g)
{
	struct clock clock = loop_clock(g->loop);
	g->facts.now_s = clock_now_ms(&clock) / SECOND_MS;
	for (size_t i = 0; i < g->facts.server_count; i++)
		drop_silent(&g->facts.server[i]);
	g->ended = true;
	g->done(g->ctx, &g->facts);
}

// All questions of a phase are answered: the next one.
static void turn(void *ctx)
{
	struct technical_gather *g = ctx;
	while (g->pending == 0 && !g->ended) {
		switch (g->phase++) {
		case GATHER_PARENT:
			ask_parent(g);
			break;
		case GATHER_NAMES:
			look_up_all(g);
			break;
		case GATHER_ADDRESSES:
			ask_servers(g);
			break;
		case GATHER_SERVERS:
		case GATHER_END:
		default:
			finish(g);
			break;
		}
	}
}

// ---- The start ------------------------------------------------------------------------------

static enum result take_server(
        struct technical_gather *g, const struct technical_given *given, struct error *err)
{
	struct technical_facts *f = &g->facts;
	struct dns_name name;
	enum result result = dns_name_parse(given->name, &name, err);
	if (result != RESULT_OK)
		return result;
	struct technical_server *server = gather_server(g, f->server, &f->server_count, name.wire);
	if (server == NULL)
		return error_set(err, RESULT_LIMIT, "more than %d name servers are given",
		        TECHNICAL_MAX_SERVERS);
	server->listed_given |= given->address_count > 0;
	for (size_t i = 0; i < given->address_count; i++)
		if (!gather_add(&server->listed, &given->addresses[i]))
			return error_set(err, RESULT_LIMIT, "more than %d addresses of %.200s",
			        TECHNICAL_MAX_ADDRESSES, given->name);
	return RESULT_OK;
}

static enum result take_options(
        struct technical_gather *g, const struct technical_options *options, struct error *err)
{
	struct technical_facts *f = &g->facts;
	enum result result = RESULT_OK;
	if (options->resolver_count > TECHNICAL_MAX_RESOLVERS ||
	        options->parent_count > TECHNICAL_MAX_PARENTS ||
	        options->ds_count > TECHNICAL_MAX_DS)
		return error_set(err, RESULT_LIMIT,
		        "more than %d resolvers, %d addresses of the parent or %d DS records",
		        TECHNICAL_MAX_RESOLVERS, TECHNICAL_MAX_PARENTS, TECHNICAL_MAX_DS);
	f->server = arena_array(g->arena, TECHNICAL_MAX_SERVERS, sizeof *f->server);
	f->present = arena_array(g->arena, TECHNICAL_MAX_SERVERS, sizeof *f->present);
	if (f->server == NULL || f->present == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	for (size_t i = 0; i < options->resolver_count; i++)
		g->resolvers[g->resolver_count++] = options->resolvers[i];
	f->servers_given = options->server_count > 0;
	for (size_t i = 0; result == RESULT_OK && i < options->server_count; i++)
		result = take_server(g, &options->servers[i], err);
	f->ds_given = f->ds_known = options->ds_count > 0 || options->no_ds;
	for (size_t i = 0; i < options->ds_count; i++)
		f->ds[f->ds_count++] = options->ds[i];
	g->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : SECOND_MS;
	g->tries = options->tries > 0 ? options->tries : 3;
	return result;
}

static enum result take_zone(struct technical_gather *g, const char *zone, struct error *err)
{
	struct dns_name name;
	enum result result = dns_name_parse(zone, &name, err);
	if (result != RESULT_OK)
		return result;
	dns_name_lower(&g->facts.zone, name.wire);
	const uint8_t *above = dns_name_parent(g->facts.zone.wire);
	dns_name_copy(&g->facts.parent, above != NULL ? above : g->facts.zone.wire);
	return RESULT_OK;
}

enum result technical_gather_start(struct loop *loop, struct query_engine *engine,
        const struct random *random, const char *zone, const struct technical_options *options,
        technical_gathered *done, void *ctx, struct technical_gather **gather, struct error *err)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct technical_gather *g = arena != NULL ? arena_alloc(arena, sizeof *g) : NULL;
	struct error inner = {0};
	if (g == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	*g = (struct technical_gather){.loop = loop,
	        .engine = engine,
	        .random = *random,
	        .arena = arena,
	        .turn = {.fire = turn, .ctx = g},
	        .done = done,
	        .ctx = ctx};
	enum result result = take_zone(g, zone, err);
	if (result == RESULT_OK)
		result = take_options(g, options, err);
	if (result != RESULT_OK) {
		arena_free(arena);
		return result;
	}
	if (!look_for_parent(g, options, &inner)) {
		if (inner.code != RESULT_OK)
			gather_note(g, "the parent is not looked for: %.300s", inner.text);
		loop_timer_start(loop, &g->turn, 0);
	}
	*gather = g;
	return RESULT_OK;
}

void technical_gather_free(struct technical_gather *gather)
{
	if (gather == NULL)
		return;
	for (struct gather_ask *ask = gather->asks; ask != NULL; ask = ask->next)
		if (ask->query != NULL)
			query_cancel(ask->query);
	loop_timer_stop(gather->loop, &gather->turn);
	discover_free(gather->discover);
	arena_free(gather->arena);
}
