// Asking: which questions are open, to whom they go, and when there are none left.
#include "observe/discover_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 16u << 20, NOTE_TEXT = 400 };

void discover_note(struct discover *d, const char *format, ...)
{
	if (d->note_count == DISCOVER_MAX_NOTES)
		return;
	char text[NOTE_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	const char *note = arena_strdup(d->arena, text);
	if (note != NULL)
		d->notes[d->note_count++] = note;
}

void discover_fail(struct discover *d, enum result code, const char *format, ...)
{
	if (d->failed != RESULT_OK)
		return;
	char text[NOTE_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	d->failed = error_set(&d->error, code, "%s", text);
}

// ---- Questions ------------------------------------------------------------------------------

static void answered(void *ctx, const struct query_result *result);

static bool submit(struct ask *ask)
{
	struct discover *d = ask->d;
	const struct address *server = ask->recursive ? &d->resolvers[ask->resolver] : &ask->server;
	struct query_question question = {.name = ask->name.wire, .type = ask->type};
	struct query_options options = {.recursion_desired = ask->recursive,
	        .checking_disabled = ask->recursive,
	        .tries = d->tries,
	        .timeout_ms = d->timeout_ms,
	        .tcp_last = true};
	if (query_submit(d->engine, server, &question, &options, answered, ask, &ask->query,
	            NULL) != RESULT_OK)
		return false;
	d->pending++;
	return true;
}

static const char *about_text(enum ask_about about)
{
	switch (about) {
	case ASK_CUT:
	case ASK_NEGATIVE:
		return "the SOA record of";
	case ASK_ADDRESS:
		return "an address of";
	case ASK_DELEGATION:
		return "the delegation of";
	case ASK_NAMES:
	case ASK_PARENT_NS:
	case ASK_CHILD_NS:
	default:
		return "the NS set of";
	}
}

static void note_failure(const struct ask *ask, const char *why)
{
	char name[DNS_NAME_TEXT], at[ADDRESS_TEXT];
	const struct address *server =
	        ask->recursive ? &ask->d->resolvers[ask->resolver] : &ask->server;
	discover_note(ask->d, "asked for %s %.200s, %s gives %s", about_text(ask->about),
	        dns_name_text(ask->name.wire, name), address_format(server, at), why);
}

// Where one resolver has nothing usable, the next one is asked.
static void ask_again(struct ask *ask, const char *why)
{
	note_failure(ask, why);
	while (ask->recursive && ask->resolver + 1 < ask->d->resolver_count) {
		ask->resolver++;
		if (submit(ask))
			return;
		note_failure(ask, "nothing: it cannot be asked from here");
	}
}

static void understand(struct ask *ask, const struct query_result *result)
{
	char rcode[DNS_RCODE_TEXT], why[64];
	struct dns_message message;
	struct arena *scratch = arena_new(DNS_MESSAGE_ARENA);
	if (result->data == NULL)
		snprintf(why, sizeof why, "no answer (%s)", query_status_text(result->status));
	else if (scratch == NULL || dns_message_parse(scratch, result->data, result->octets,
	                                    &message, NULL) != RESULT_OK)
		snprintf(why, sizeof why, "a response that cannot be read");
	else if (discover_read(ask, &message))
		why[0] = '\0';
	else if (message.rcode != DNS_RCODE_NOERROR)
		snprintf(why, sizeof why, "%s", dns_rcode_text(message.rcode, rcode));
	else
		snprintf(why, sizeof why, "an answer that does not say");
	arena_free(scratch);
	if (why[0] != '\0')
		ask_again(ask, why);
}

static void answered(void *ctx, const struct query_result *result)
{
	struct ask *ask = ctx;
	struct discover *d = ask->d;
	ask->query = NULL;
	assert(d->pending > 0);
	d->pending--;
	understand(ask, result);
	if (d->pending == 0 || d->failed != RESULT_OK)
		loop_timer_start(d->loop, &d->turn, 0);
}

// server NULL: the resolvers. A question that cannot be asked has failed, and is noted.
static struct ask *ask(struct discover *d, enum ask_about about, const struct address *server,
        const uint8_t *name, uint16_t type)
{
	struct ask *made = arena_alloc(d->arena, sizeof *made);
	if (made == NULL) {
		discover_fail(d, RESULT_LIMIT, "discovery has more to ask than it may");
		return NULL;
	}
	*made = (struct ask){
	        .d = d, .about = about, .recursive = server == NULL, .type = type, .next = d->asks};
	dns_name_lower(&made->name, name);
	if (server != NULL)
		made->server = *server;
	d->asks = made;
	return made;
}

static void ask_now(struct ask *ask)
{
	if (ask != NULL && !submit(ask))
		ask_again(ask, "nothing: it cannot be asked from here");
}

// ---- What is open ---------------------------------------------------------------------------

static void look_up(struct discover *d, struct found_list *list)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	for (size_t i = 0; i < list->count; i++) {
		struct found_server *server = &list->servers[i];
		for (size_t t = 0; !server->looked_up && d->resolver_count > 0 && t < 2; t++) {
			struct ask *one = ask(d, ASK_ADDRESS, NULL, server->name.wire, types[t]);
			if (one != NULL)
				one->of = server;
			ask_now(one);
		}
		server->looked_up = true;
	}
}

static void ask_parent(struct discover *d)
{
	for (size_t i = 0; i < d->parent_list.count; i++) {
		struct found_server *server = &d->parent_list.servers[i];
		for (size_t a = 0; a < server->address_count; a++) {
			const struct address *at = &server->addresses[a];
			if (server->asked[a])
				continue;
			server->asked[a] = true;
			ask_now(ask(d, ASK_NEGATIVE, at, d->parent.wire, DNS_TYPE_SOA));
			if (!d->parent_given)
				ask_now(ask(d, ASK_PARENT_NS, at, d->parent.wire, DNS_TYPE_NS));
			if (!d->child_given || d->names_missing)
				ask_now(ask(d, ASK_DELEGATION, at, d->zone.wire, DNS_TYPE_NS));
		}
	}
}

static void ask_child(struct discover *d)
{
	for (size_t i = 0; !d->child_given && i < d->child_list.count; i++) {
		struct found_server *server = &d->child_list.servers[i];
		for (size_t a = 0; a < server->address_count; a++) {
			if (!server->asked[a])
				ask_now(ask(d, ASK_CHILD_NS, &server->addresses[a], d->zone.wire,
				        DNS_TYPE_NS));
			server->asked[a] = true;
		}
	}
	for (size_t i = 0; d->names_missing && i < d->given_count; i++) {
		if (!d->given[i].asked)
			ask_now(ask(
			        d, ASK_CHILD_NS, &d->given[i].address, d->zone.wire, DNS_TYPE_NS));
		d->given[i].asked = true;
	}
}

// Whoever knows the parent is asked whether it is one: its servers where they are given, else a
// resolver.
static void ask_cut(struct discover *d)
{
	d->cut = CUT_UNKNOWN;
	if (!d->parent_given) {
		ask_now(ask(d, ASK_CUT, NULL, d->parent.wire, DNS_TYPE_SOA));
		return;
	}
	for (size_t i = 0; i < d->parent_list.count; i++)
		for (size_t a = 0; a < d->parent_list.servers[i].address_count; a++)
			ask_now(ask(d, ASK_CUT, &d->parent_list.servers[i].addresses[a],
			        d->parent.wire, DNS_TYPE_SOA));
}

// ---- The end --------------------------------------------------------------------------------

static size_t address_count(const struct found_list *list)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++)
		count += list->servers[i].address_count;
	return count;
}

static void judge(struct discover *d)
{
	char zone[DNS_NAME_TEXT], parent[DNS_NAME_TEXT];
	const char *why = d->note_count > 0 ? d->notes[0] : "";
	dns_name_text(d->zone.wire, zone);
	dns_name_text(d->parent.wire, parent);
	if (address_count(&d->parent_list) == 0)
		discover_fail(d, RESULT_NETWORK,
		        "no address was found of any name server of %.120s, the parent of %.120s",
		        parent, zone);
	else if (d->child_given || d->delegations > 0)
		return;
	else if (d->denials > 0)
		discover_fail(
		        d, RESULT_NOT_FOUND, "%.120s has no delegation of %.120s", parent, zone);
	else
		discover_fail(d, RESULT_NETWORK,
		        "no server of %.80s, the parent, says anything of %.80s: %s", parent, zone,
		        why);
}

static void stop_asking(struct discover *d)
{
	for (struct ask *one = d->asks; one != NULL; one = one->next) {
		if (one->query != NULL)
			query_cancel(one->query);
		one->query = NULL;
	}
	d->pending = 0;
	loop_timer_stop(d->loop, &d->turn);
	loop_timer_stop(d->loop, &d->deadline);
}

static void finish(struct discover *d)
{
	struct discover_found found = {.negative_ttl_s = d->negative_ttl_s};
	stop_asking(d);
	if (d->failed == RESULT_OK)
		judge(d);
	if (d->failed == RESULT_OK)
		d->failed = discover_subject(d, &found.subject, &d->error);
	found.result = d->failed;
	found.error = d->error;
	found.notes = d->notes;
	found.note_count = d->note_count;
	d->done(d->ctx, &found); // may free d
}

// ---- Turns ----------------------------------------------------------------------------------

static void cut_missing(struct discover *d)
{
	char zone[DNS_NAME_TEXT], name[DNS_NAME_TEXT];
	const uint8_t *nearest = dns_name_parent(d->zone.wire);
	if (!d->parent_given) {
		discover_fail(d, RESULT_NETWORK, "the parent of %.120s was not found: %s",
		        dns_name_text(d->zone.wire, zone),
		        d->note_count > 0 ? d->notes[d->note_count - 1] : "no zone above it");
		return;
	}
	dns_name_lower(&d->parent, nearest);
	discover_note(d, "no given server of the parent says which zone it is; %.200s is taken",
	        dns_name_text(nearest, name));
	d->cut_found = true;
}

// One step of the walk up. Nobody's answer is no reason to go on: the true parent might be missed.
static void walk_up(struct discover *d)
{
	const uint8_t *above = dns_name_parent(d->parent.wire);
	if (d->cut == CUT_YES) {
		d->cut_found = true;
		if (!d->parent_given)
			ask_now(ask(d, ASK_NAMES, NULL, d->parent.wire, DNS_TYPE_NS));
	} else if (d->cut == CUT_UNKNOWN || above == NULL) {
		cut_missing(d);
	} else {
		struct dns_name next;
		dns_name_lower(&next, above);
		d->parent = next;
		ask_cut(d);
	}
}

// All that has become possible to ask is asked; when nothing is left to ask, all is found.
static void turn(void *ctx)
{
	struct discover *d = ctx;
	while (d->failed == RESULT_OK && d->pending == 0 && !d->cut_found)
		walk_up(d);
	if (d->failed == RESULT_OK && d->pending == 0) {
		look_up(d, &d->parent_list);
		ask_parent(d);
		if (!d->child_given || d->names_missing)
			look_up(d, &d->child_list);
		ask_child(d);
	}
	if (d->failed != RESULT_OK || d->pending == 0)
		finish(d);
}

static void too_late(void *ctx)
{
	struct discover *d = ctx;
	char zone[DNS_NAME_TEXT];
	discover_fail(d, RESULT_TIMEOUT, "the servers of %.120s were not found in time: %s",
	        dns_name_text(d->zone.wire, zone),
	        d->note_count > 0 ? d->notes[d->note_count - 1] : "no answers");
	finish(d);
}

// ---- The start ------------------------------------------------------------------------------

static enum result parent_given(
        struct discover *d, const struct discover_given *given, struct error *err)
{
	char unnamed[60];
	struct dns_name parsed, name;
	snprintf(
	        unnamed, sizeof unnamed, DISCOVER_UNNAMED "%zu.invalid.", d->parent_list.count + 1);
	const char *text = given->server != NULL ? given->server : unnamed;
	enum result result = dns_name_parse(text, &parsed, err);
	if (result != RESULT_OK)
		return result;
	dns_name_lower(&name, parsed.wire);
	struct found_list *list = &d->parent_list;
	size_t n = 0;
	while (n < list->count && !dns_name_equal(list->servers[n].name.wire, name.wire))
		n++;
	if (n == OBSERVE_MAX_SERVERS || list->servers[n].address_count == OBSERVE_MAX_ADDRESSES)
		return error_set(err, RESULT_LIMIT, "too many servers of the parent are given");
	if (n == list->count)
		list->count++;
	list->servers[n].name = name;
	list->servers[n].looked_up = true;
	list->servers[n].addresses[list->servers[n].address_count++] = given->address;
	d->parent_given = true;
	return RESULT_OK;
}

static enum result group_given(
        struct discover *d, const struct discover_given *given, struct error *err)
{
	struct given_server *one = &d->given[d->given_count];
	struct dns_name name;
	if (strlen(given->publisher) >= SAFETY_NAME)
		return error_set(err, RESULT_INPUT, "'%.60s' is too long for the name of a group",
		        given->publisher);
	snprintf(one->publisher, sizeof one->publisher, "%s", given->publisher);
	one->address = given->address;
	one->is_named = given->server != NULL;
	if (one->is_named) {
		enum result result = dns_name_parse(given->server, &name, err);
		if (result != RESULT_OK)
			return result;
		dns_name_lower(&one->name, name.wire);
	} else {
		d->names_missing = true;
	}
	d->child_given = true;
	d->given_count++;
	return RESULT_OK;
}

static enum result options_take(
        struct discover *d, const struct discover_options *options, struct error *err)
{
	enum result result = RESULT_OK;
	if (options->resolver_count > DISCOVER_MAX_RESOLVERS ||
	        options->given_count > DISCOVER_MAX_GIVEN)
		return error_set(err, RESULT_LIMIT, "more than %d resolvers or %d servers",
		        DISCOVER_MAX_RESOLVERS, DISCOVER_MAX_GIVEN);
	d->given = arena_array(d->arena, options->given_count + 1, sizeof *d->given);
	if (d->given == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	if (options->resolver_count > 0)
		memcpy(d->resolvers, options->resolvers,
		        options->resolver_count * sizeof d->resolvers[0]);
	d->resolver_count = options->resolver_count;
	for (size_t i = 0; result == RESULT_OK && i < options->given_count; i++)
		result = strcmp(options->given[i].publisher, "parent") == 0
		                 ? parent_given(d, &options->given[i], err)
		                 : group_given(d, &options->given[i], err);
	d->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : SECOND_MS;
	d->tries = options->tries > 0 ? options->tries : 3;
	if (result == RESULT_OK && d->resolver_count == 0 && !(d->parent_given && d->child_given))
		result = error_set(err, RESULT_NOT_FOUND,
		        "to find the servers a resolver is needed, and none is known");
	return result;
}

static enum result zone_take(struct discover *d, const char *zone, struct error *err)
{
	struct dns_name parsed;
	enum result result = dns_name_parse(zone, &parsed, err);
	if (result != RESULT_OK)
		return result;
	if (dns_name_labels(parsed.wire) == 0)
		return error_set(err, RESULT_INPUT, "the root has no parent to be observed at");
	dns_name_lower(&d->zone, parsed.wire);
	dns_name_lower(&d->parent, dns_name_parent(parsed.wire));
	return RESULT_OK;
}

enum result discover_start(struct loop *loop, struct query_engine *engine, const char *zone,
        const struct discover_options *options, discover_done *done, void *ctx,
        struct discover **discover, struct error *err)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct discover *d = arena != NULL ? arena_alloc(arena, sizeof *d) : NULL;
	if (d == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	*d = (struct discover){.loop = loop,
	        .engine = engine,
	        .arena = arena,
	        .turn = {.fire = turn, .ctx = d},
	        .deadline = {.fire = too_late, .ctx = d},
	        .done = done,
	        .ctx = ctx,
	        .parent_list = {.whose = "the parent"},
	        .child_list = {.whose = "the zone"},
	        .negative_ttl_s = -1};
	enum result result = zone_take(d, zone, err);
	if (result == RESULT_OK)
		result = options_take(d, options, err);
	if (result != RESULT_OK) {
		arena_free(arena);
		return result;
	}
	ask_cut(d);
	loop_timer_start(loop, &d->turn, 0);
	loop_timer_start(loop, &d->deadline,
	        options->deadline_ms > 0 ? options->deadline_ms : 30 * SECOND_MS);
	*discover = d;
	return RESULT_OK;
}

void discover_free(struct discover *discover)
{
	if (discover == NULL)
		return;
	stop_asking(discover);
	arena_free(discover->arena);
}
