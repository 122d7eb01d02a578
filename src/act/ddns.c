// One UPDATE message for each request, and what its answer is worth.
#include "act/ddns.h"

#include "act/internal.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/tsig.h"
#include "dns/update.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPDATE_ARENA = 8u << 20, TIMEOUT_MS = 10000 };

struct errand;

struct ddns {
	struct act act;
	struct loop *loop;
	struct query_engine *engine;
	struct random random;
	struct address server;
	struct dns_name zone;
	struct dns_tsig_key *key; // NULL: unsigned
	int64_t timeout_ms;
	struct errand *errands; // under way
};

// One request under way.
struct errand {
	struct ddns *ddns;
	struct errand *next, **link;
	struct query *query;
	struct dns_tsig_mac mac;
	act_ended *ended;
	void *ctx;
};

static int64_t now_ms(const struct ddns *ddns)
{
	struct clock clock = loop_clock(ddns->loop);
	return clock_now_ms(&clock);
}

// ---- The message ----------------------------------------------------------------------------

struct build {
	const struct ddns *ddns;
	struct arena *arena;
	struct dns_update *update;
	struct error *err;
};

static enum result records_read(struct build *build, uint16_t type, const char *const *texts,
        size_t count, struct dns_rdata *rdata)
{
	for (size_t i = 0; i < count; i++) {
		enum result result =
		        dns_rdata_parse(build->arena, type, texts[i], NULL, &rdata[i], build->err);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static bool contains(
        uint16_t type, const struct dns_rdata *list, size_t count, const struct dns_rdata *one)
{
	for (size_t i = 0; i < count; i++)
		if (dns_rdata_equal(type, &list[i], one))
			return true;
	return false;
}

// The NS set at the top of the zone cannot be deleted as a whole, and its last record not at all
// (RFC 2136 3.4.2.4): first what is new comes in, then what is old goes out, one by one.
static void replace_one_by_one(struct build *build, const struct act_operation *operation,
        const uint8_t *name, const struct dns_rdata *new, const struct dns_rdata *old)
{
	for (size_t i = 0; i < operation->count; i++)
		dns_update_add(build->update, name, operation->type, operation->ttl_s, &new[i]);
	for (size_t i = 0; i < operation->old_count; i++)
		if (!contains(operation->type, new, operation->count, &old[i]))
			dns_update_delete(build->update, name, operation->type, &old[i]);
}

static bool is_protected(
        const struct build *build, const struct act_operation *operation, const uint8_t *name)
{
	return operation->type == DNS_TYPE_NS && dns_name_equal(name, build->ddns->zone.wire);
}

static enum result operation_check(
        struct build *build, const struct act_operation *operation, const uint8_t *name)
{
	if (!dns_name_is_subdomain(name, build->ddns->zone.wire))
		return error_set(build->err, RESULT_INPUT, "%s is not in the zone that is updated",
		        operation->name);
	if (operation->kind == ACT_REPLACE && is_protected(build, operation, name) &&
	        (operation->count == 0 || operation->old_count == 0))
		return error_set(build->err, RESULT_INPUT,
		        "the NS set of %s itself can only be replaced when the old and the new one "
		        "are given",
		        operation->name);
	return RESULT_OK;
}

struct parsed {
	struct dns_name name;
	struct dns_rdata records[ACT_MAX_RECORDS], old[ACT_MAX_RECORDS];
};

static enum result operation_parse(
        struct build *build, const struct act_operation *operation, struct parsed *parsed)
{
	enum result result = dns_name_parse(operation->name, &parsed->name, build->err);
	if (result == RESULT_OK)
		result = operation_check(build, operation, parsed->name.wire);
	if (result == RESULT_OK)
		result = records_read(build, operation->type, operation->records, operation->count,
		        parsed->records);
	if (result == RESULT_OK)
		result = records_read(
		        build, operation->type, operation->old, operation->old_count, parsed->old);
	return result;
}

static void prerequisite_add(
        struct build *build, const struct act_operation *operation, const struct parsed *parsed)
{
	const uint8_t *name = parsed->name.wire;
	if (!operation->require_old)
		return;
	if (operation->old_count == 0)
		dns_update_require_no_rrset(build->update, name, operation->type);
	else
		dns_update_require(
		        build->update, name, operation->type, parsed->old, operation->old_count);
}

static void change_add(
        struct build *build, const struct act_operation *operation, const struct parsed *parsed)
{
	const uint8_t *name = parsed->name.wire;
	if (operation->kind == ACT_REPLACE && is_protected(build, operation, name)) {
		replace_one_by_one(build, operation, name, parsed->records, parsed->old);
		return;
	}
	if (operation->kind == ACT_REPLACE)
		dns_update_delete_rrset(build->update, name, operation->type);
	for (size_t i = 0; i < operation->count; i++)
		if (operation->kind == ACT_REMOVE)
			dns_update_delete(
			        build->update, name, operation->type, &parsed->records[i]);
		else
			dns_update_add(build->update, name, operation->type, operation->ttl_s,
			        &parsed->records[i]);
}

static enum result message_build(struct build *build, const struct act_request *request,
        uint8_t **wire, size_t *length, size_t *room)
{
	struct parsed *parsed = arena_array(build->arena, request->count, sizeof *parsed);
	build->update = dns_update_new(build->arena, build->ddns->zone.wire, DNS_MESSAGE_MAX);
	if (parsed == NULL || build->update == NULL)
		return error_set(build->err, RESULT_MEMORY, "out of memory");
	for (size_t i = 0; i < request->count; i++) {
		enum result result = operation_parse(build, &request->operations[i], &parsed[i]);
		if (result != RESULT_OK)
			return result;
	}
	for (size_t i = 0; i < request->count; i++)
		prerequisite_add(build, &request->operations[i], &parsed[i]);
	for (size_t i = 0; i < request->count; i++)
		change_add(build, &request->operations[i], &parsed[i]);
	uint16_t id = (uint16_t)random_below(&build->ddns->random, 65536);
	return dns_update_finish(build->update, id, wire, length, room, build->err);
}

// ---- The answer -----------------------------------------------------------------------------

static void outcome_set(struct act_outcome *outcome, enum act_word word, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void outcome_set(struct act_outcome *outcome, enum act_word word, const char *format, ...)
{
	va_list args;
	outcome->word = word;
	va_start(args, format);
	vsnprintf(outcome->text, sizeof outcome->text, format, args);
	va_end(args);
}

// NXRRSET and its kind: a prerequisite that did not hold.
static bool is_prerequisite_code(uint16_t rcode)
{
	return rcode == DNS_RCODE_NXDOMAIN || rcode == DNS_RCODE_YXDOMAIN ||
	       rcode == DNS_RCODE_YXRRSET || rcode == DNS_RCODE_NXRRSET;
}

// A code that says: not now, or I do not know. The change may have been made or not.
static bool is_doubtful_code(uint16_t rcode)
{
	return rcode == DNS_RCODE_SERVFAIL;
}

static void judge_code(const char *server, const struct query_result *result, uint16_t rcode,
        struct act_outcome *outcome)
{
	char text[DNS_RCODE_TEXT];
	dns_rcode_text(rcode, text);
	if (rcode == DNS_RCODE_NOERROR)
		outcome_set(outcome, ACT_DONE, "%s says that it made the change.", server);
	else if (is_doubtful_code(rcode))
		outcome_set(outcome, ACT_UNKNOWN, "%s says %s: it may have made the change or not.",
		        server, text);
	else if (is_prerequisite_code(rcode) && result->tries > 1)
		outcome_set(outcome, ACT_UNKNOWN,
		        "%s says %s, but the message was sent more than once.", server, text);
	else
		outcome_set(outcome, ACT_REFUSED, "%s says %s%s.", server, text,
		        is_prerequisite_code(rcode) ? ": what was to be replaced is not there"
		                                    : "");
}

static void judge_signed(const struct errand *errand, const char *server,
        const struct query_result *result, const struct dns_message *message,
        struct act_outcome *outcome)
{
	struct error err;
	char text[DNS_RCODE_TEXT];
	if (errand->ddns->key == NULL) {
		judge_code(server, result, message->rcode, outcome);
		return;
	}
	enum result verified = dns_tsig_verify(errand->ddns->key, result->data, result->octets,
	        message, &errand->mac, outcome->at_ms / SECOND_MS, NULL, &err);
	if (verified == RESULT_OK)
		judge_code(server, result, message->rcode, outcome);
	else if (verified == RESULT_REFUSED ||
	         (verified == RESULT_NOT_FOUND && (message->rcode == DNS_RCODE_NOTAUTH ||
	                                                  message->rcode == DNS_RCODE_REFUSED ||
	                                                  message->rcode == DNS_RCODE_FORMERR ||
	                                                  message->rcode == DNS_RCODE_NOTIMP)))
		outcome_set(outcome, ACT_REFUSED, "%s says %s, unsigned: %.250s.", server,
		        dns_rcode_text(message->rcode, text), err.text);
	else
		outcome_set(outcome, ACT_UNKNOWN,
		        "%s gave an answer whose signature is no good: %.250s.", server, err.text);
}

static void judge(
        const struct errand *errand, const struct query_result *result, struct act_outcome *outcome)
{
	char server[ADDRESS_TEXT];
	struct error err;
	struct dns_message message;
	address_format(&errand->ddns->server, server);
	if (result->status == QUERY_FAILED && result->tries <= 1) {
		outcome_set(outcome, ACT_NOT_SENT, "No connection to %s could be made.", server);
		return;
	}
	if (result->status != QUERY_ANSWERED) {
		outcome_set(outcome, ACT_UNKNOWN, "%s did not say what became of the change (%s).",
		        server, query_status_text(result->status));
		return;
	}
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	if (arena == NULL ||
	        dns_message_parse(arena, result->data, result->octets, &message, &err) != RESULT_OK)
		outcome_set(outcome, ACT_UNKNOWN, "%s gave an answer that cannot be read.", server);
	else
		judge_signed(errand, server, result, &message, outcome);
	arena_free(arena);
}

static void errand_free(struct errand *errand)
{
	*errand->link = errand->next;
	if (errand->next != NULL)
		errand->next->link = errand->link;
	free(errand);
}

static void answered(void *ctx, const struct query_result *result)
{
	struct errand *errand = ctx;
	struct act_outcome outcome = {.at_ms = now_ms(errand->ddns),
	        .reply = result->data,
	        .reply_octets = result->data != NULL ? result->octets : 0};
	judge(errand, result, &outcome);
	act_ended *ended = errand->ended;
	void *ended_ctx = errand->ctx;
	errand_free(errand);
	ended(ended_ctx, &outcome);
}

// ---- The interface --------------------------------------------------------------------------

static enum result update_send(
        struct errand *errand, const struct act_request *request, struct error *err)
{
	struct ddns *ddns = errand->ddns;
	struct arena *arena = arena_new(UPDATE_ARENA);
	if (arena == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	struct build build = {.ddns = ddns, .arena = arena, .err = err};
	uint8_t *wire = NULL;
	size_t length = 0, room = 0;
	enum result result = message_build(&build, request, &wire, &length, &room);
	if (result == RESULT_OK && ddns->key != NULL)
		result = dns_tsig_sign(ddns->key, wire, &length, room, now_ms(ddns) / SECOND_MS,
		        &errand->mac, err);
	struct query_options options = {.tcp_only = true,
	        .tries = 1,
	        .timeout_ms = ddns->timeout_ms,
	        .deadline_ms = ddns->timeout_ms};
	if (result == RESULT_OK)
		result = query_submit_message(ddns->engine, &ddns->server, wire, length, &options,
		        answered, errand, &errand->query, err);
	arena_free(arena);
	return result;
}

static enum result ddns_submit(struct act *act, const struct act_request *request, act_ended *ended,
        void *ctx, struct error *err)
{
	struct ddns *ddns = (struct ddns *)act;
	struct errand *errand = calloc(1, sizeof *errand);
	if (errand == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*errand = (struct errand){.ddns = ddns,
	        .next = ddns->errands,
	        .link = &ddns->errands,
	        .ended = ended,
	        .ctx = ctx};
	if (errand->next != NULL)
		errand->next->link = &errand->next;
	ddns->errands = errand;
	enum result result = update_send(errand, request, err);
	if (result != RESULT_OK)
		errand_free(errand);
	return result;
}

static void ddns_describe(const struct act *act, json_t **object)
{
	const struct ddns *ddns = (const struct ddns *)act;
	char server[ADDRESS_TEXT], name[DNS_NAME_TEXT];
	act_put(object, "server", json_string(address_format(&ddns->server, server)));
	act_put(object, "update_zone", json_string(dns_name_text(ddns->zone.wire, name)));
	if (ddns->key != NULL)
		act_put(object, "key",
		        json_string(dns_name_text(dns_tsig_key_name(ddns->key), name)));
}

static void ddns_free(struct act *act)
{
	struct ddns *ddns = (struct ddns *)act;
	for (struct errand *errand = ddns->errands, *next; errand != NULL; errand = next) {
		next = errand->next;
		query_cancel(errand->query);
		errand_free(errand);
	}
	dns_tsig_key_free(ddns->key);
	free(ddns);
}

enum result act_ddns_new(const struct act_ddns *options, struct act **act, struct error *err)
{
	static const struct act_ops ops = {"ddns", ddns_describe, ddns_submit, ddns_free};
	struct ddns made = {.act = {&ops},
	        .loop = options->loop,
	        .engine = options->engine,
	        .random = options->random,
	        .server = options->server,
	        .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS};
	if (options->server.family == 0 || options->server.port == 0)
		return error_set(err, RESULT_INPUT, "dynamic update needs a server's address");
	enum result result = dns_name_parse(options->zone, &made.zone, err);
	if (result == RESULT_OK && options->key != NULL)
		result = dns_tsig_key_parse(options->key, &made.key, err);
	if (result != RESULT_OK)
		return result;
	struct ddns *ddns = malloc(sizeof *ddns);
	if (ddns == NULL) {
		dns_tsig_key_free(made.key);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	*ddns = made;
	*act = &ddns->act;
	return RESULT_OK;
}
