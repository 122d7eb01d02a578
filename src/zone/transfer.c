#include "zone/transfer.h"

#include "dns/records.h"
#include "zone/build.h"
#include "zone/delta.h"

#include <libknot/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_OCTETS 12
// With a SOA record and a TSIG record.
#define REQUEST_ROOM  (2 + HEADER_OCTETS + DNS_NAME_MAX + 4 + 12 + 2 * DNS_NAME_MAX + 20 + 640)
#define SCHEME_OCTETS 7

// What the answer turned out to be (RFC 1995 4): the whole zone, or, version after version, what is
// removed and then what is added.
enum form { FORM_UNKNOWN, FORM_WHOLE, FORM_REMOVED, FORM_ADDED };

// A running transfer.
struct transfer {
	const struct zone_transfer *t;
	struct loop_stream *stream;
	struct loop_timer silence, total;
	struct zone_builder *builder;
	struct dns_tsig_stream *tsig; // NULL without a key
	struct zone_delta *delta;     // NULL without a base
	enum form form;
	uint32_t soa_ttl_s;
	struct clock clock;
	uint16_t id;
	uint8_t request[REQUEST_ROOM]; // with its length in front
	size_t request_length;
	uint8_t message[2 + DNS_MESSAGE_MAX]; // likewise
	size_t held;
	uint64_t octets;
	uint32_t records; // with both SOA records
	bool done;        // the second SOA record was there
	struct dns_rdata soa;
	uint8_t soa_octets[2 * DNS_NAME_MAX + 20];
	struct error *err;
	bool is_named; // err names the source already
	enum result result;
};

bool zone_transfer_is_url(const char *text)
{
	return strncmp(text, "axfr://", SCHEME_OCTETS) == 0 ||
	       strncmp(text, "ixfr://", SCHEME_OCTETS) == 0;
}

// "192.0.2.1:53", "[2001:db8::1]:53" and both without a port, as address_parse() has it.
static bool server_text(const char *text, size_t length, char out[static ADDRESS_TEXT])
{
	if (length == 0 || length + 1 > ADDRESS_TEXT)
		return false;
	memcpy(out, text, length);
	out[length] = '\0';
	char *colon = strrchr(out, ':'), *bracket = strchr(out, ']');
	if (out[0] != '[') {
		// One colon is before a port; more are an address that should be in brackets.
		if (colon != NULL && strchr(out, ':') == colon)
			*colon = '@';
		return true;
	}
	if (bracket == NULL || (bracket[1] != '\0' && bracket + 1 != colon))
		return false;
	if (bracket[1] != '\0')
		bracket[1] = '@';
	memmove(bracket, bracket + 1, strlen(bracket + 1) + 1);
	memmove(out, out + 1, strlen(out + 1) + 1);
	return true;
}

enum result zone_transfer_parse(const char *url, struct zone_transfer *transfer, struct error *err)
{
	bool is_url = zone_transfer_is_url(url);
	const char *server = is_url ? url + SCHEME_OCTETS : url;
	const char *slash = is_url ? strchr(server, '/') : NULL;
	char text[ADDRESS_TEXT], name_text[DNS_NAME_TEXT];
	struct address address;
	struct dns_name name;
	if (slash == NULL || !server_text(server, (size_t)(slash - server), text))
		return error_set(err, RESULT_INPUT,
		        "'%.100s': expected axfr://ADDRESS/ZONE, such as axfr://192.0.2.1/example "
		        "or axfr://[2001:db8::1]:5353/example",
		        url);
	enum result result = address_parse(text, 53, &address, err);
	if (result == RESULT_OK)
		result = dns_name_parse(slash + 1, &name, err);
	if (result != RESULT_OK) {
		error_prefix(err, "%.100s: ", url);
		return result;
	}
	transfer->server = address;
	dns_name_lower(&transfer->name, name.wire);
	transfer->incremental = url[0] == 'i';
	snprintf(transfer->source, sizeof transfer->source, "%.*s/%s", (int)(slash - url), url,
	        dns_name_text(transfer->name.wire, name_text));
	return RESULT_OK;
}

// The first problem counts, and ends it.
static void finish(struct transfer *x, enum result result)
{
	if (x->stream == NULL)
		return;
	x->result = result;
	if (result != RESULT_OK && !x->is_named)
		error_prefix(x->err, "%.200s: ", x->t->source);
	loop_stream_close(x->stream);
	x->stream = NULL;
	loop_timer_stop(x->t->loop, &x->silence);
	loop_timer_stop(x->t->loop, &x->total);
	loop_stop(x->t->loop);
}

static void silent(void *ctx)
{
	struct transfer *x = ctx;
	char text[DURATION_TEXT];
	finish(x, error_set(x->err, RESULT_TIMEOUT, "the server was silent for %s after %u records",
	                  duration_format(x->t->timeout_ms, text), x->records));
}

static void too_long(void *ctx)
{
	struct transfer *x = ctx;
	char text[DURATION_TEXT];
	finish(x, error_set(x->err, RESULT_TIMEOUT, "not complete after %s and %u records",
	                  duration_format(x->t->total_ms, text), x->records));
}

static int64_t now_s(const struct transfer *x)
{
	return clock_now_ms(&x->clock) / SECOND_MS;
}

static uint16_t request_type(const struct transfer *x)
{
	return x->t->base != NULL ? DNS_TYPE_IXFR : DNS_TYPE_AXFR;
}

static const struct zone_rrset *base_soa(const struct transfer *x)
{
	return zone_node_find(x->t->base, zone_node_at(x->t->base, 0), DNS_TYPE_SOA);
}

// The SOA record of the version that is held, as the authority section (RFC 1995 3).
static size_t put_base(const struct transfer *x, uint8_t *wire, size_t n)
{
	const struct dns_rdata *rdata = zone_rdata(x->t->base, base_soa(x));
	knot_wire_write_u16(wire + 8, 1);
	knot_wire_write_u16(wire + n, 0xc000 | HEADER_OCTETS); // the question's name
	knot_wire_write_u16(wire + n + 2, DNS_TYPE_SOA);
	knot_wire_write_u16(wire + n + 4, DNS_CLASS_IN);
	knot_wire_write_u32(wire + n + 6, base_soa(x)->ttl_s);
	knot_wire_write_u16(wire + n + 10, rdata->length);
	memcpy(wire + n + 12, rdata->octets, rdata->length);
	return n + 12 + rdata->length;
}

static enum result make_request(struct transfer *x)
{
	uint8_t *wire = x->request + 2;
	size_t n = HEADER_OCTETS;
	uint64_t id = random_below(&x->t->random, 65536);
	x->id = (uint16_t)id;
	knot_wire_write_u16(wire, x->id);
	knot_wire_write_u16(wire + 4, 1); // one question
	size_t name_length = dns_name_length(x->t->name.wire);
	memcpy(wire + n, x->t->name.wire, name_length);
	n += name_length;
	knot_wire_write_u16(wire + n, request_type(x));
	knot_wire_write_u16(wire + n + 2, DNS_CLASS_IN);
	n += 4;
	if (x->t->base != NULL)
		n = put_base(x, wire, n);
	if (x->t->key != NULL) {
		struct dns_tsig_mac mac;
		enum result result = dns_tsig_sign(
		        x->t->key, wire, &n, sizeof x->request - 2, now_s(x), &mac, x->err);
		if (result != RESULT_OK)
			return result;
		x->tsig = dns_tsig_stream_new(x->t->key, &mac);
		if (x->tsig == NULL)
			return error_set(x->err, RESULT_MEMORY, "no memory for a transfer");
	}
	knot_wire_write_u16(x->request, (uint16_t)n);
	x->request_length = 2 + n;
	return RESULT_OK;
}

static void connected(void *ctx)
{
	struct transfer *x = ctx;
	enum result result = loop_stream_write(x->stream, x->request, x->request_length);
	if (result != RESULT_OK)
		finish(x, error_set(x->err, result, "the request cannot be sent"));
	else
		loop_timer_start(x->t->loop, &x->silence, x->t->timeout_ms);
}

// RFC 5936 2.2: what every message of the answer has to be.
static enum result check_header(struct transfer *x, const struct dns_records *walk)
{
	if (walk->id != x->id || !walk->is_response || walk->opcode != 0 || walk->is_truncated)
		return error_set(
		        x->err, RESULT_INPUT, "a message that is no answer to the request");
	if (walk->has_question &&
	        (walk->question_type != request_type(x) || walk->question_class != DNS_CLASS_IN ||
	                !dns_name_equal(walk->question.wire, x->t->name.wire)))
		return error_set(x->err, RESULT_INPUT, "an answer to another question");
	return RESULT_OK;
}

static uint32_t serial(const struct dns_rdata *soa)
{
	return knot_wire_read_u32(soa->octets + soa->length - 20);
}

static enum result first_soa(struct transfer *x, const struct dns_record *record)
{
	// Two names of one octet at least, and five numbers.
	if (record->rdata.length < 22 || record->rdata.length > sizeof x->soa_octets)
		return error_set(x->err, RESULT_INPUT, "a malformed SOA record");
	memcpy(x->soa_octets, record->rdata.octets, record->rdata.length);
	x->soa = (struct dns_rdata){x->soa_octets, record->rdata.length};
	x->soa_ttl_s = record->ttl_s;
	return RESULT_OK;
}

// A SOA record behind the first: the end, or the next step of an incremental answer, where it is
// one of the changes.
static enum result next_soa(struct transfer *x, const struct dns_record *record, bool *is_change)
{
	bool is_new = dns_rdata_equal(DNS_TYPE_SOA, &x->soa, &record->rdata);
	if (x->form == FORM_UNKNOWN)
		x->form = x->delta != NULL && !is_new ? FORM_ADDED : FORM_WHOLE;
	if (x->form == FORM_WHOLE || (x->form == FORM_ADDED && is_new)) {
		x->done = true;
		return is_new ? RESULT_OK
		              : error_set(x->err, RESULT_CORRUPT,
		                        "it begins with one SOA record and ends with another");
	}
	x->form = x->form == FORM_ADDED ? FORM_REMOVED : FORM_ADDED;
	*is_change = true;
	return RESULT_OK;
}

static enum result take_soa(struct transfer *x, const struct dns_record *record, bool *is_change)
{
	if (!dns_name_equal(record->owner, x->t->name.wire))
		return error_set(x->err, RESULT_INPUT, "a SOA record of another zone");
	if (record->rclass != DNS_CLASS_IN)
		return error_set(x->err, RESULT_INPUT, "a SOA record of another class than IN");
	return x->soa.octets == NULL ? first_soa(x, record) : next_soa(x, record, is_change);
}

static enum result take_data(struct transfer *x, const struct dns_record *record)
{
	struct zone_record add = {
	        .owner = record->owner,
	        .owner_length = dns_name_length(record->owner),
	        .type = record->type,
	        .rclass = record->rclass,
	        .ttl_s = record->ttl_s,
	        .line = x->records,
	        .rdata = record->rdata,
	};
	if (x->form == FORM_REMOVED || x->form == FORM_ADDED)
		return zone_delta_note(x->delta, x->form == FORM_ADDED, &add, x->err);
	x->form = FORM_WHOLE;
	enum result result = zone_builder_add(x->builder, &add, x->err);
	x->is_named = result != RESULT_OK;
	return result;
}

static enum result take_record(struct transfer *x, const struct dns_record *record)
{
	if (x->done)
		return error_set(
		        x->err, RESULT_INPUT, "records behind the SOA record that ends a transfer");
	if (x->records++ == 0 && record->type != DNS_TYPE_SOA)
		return error_set(
		        x->err, RESULT_INPUT, "it does not begin with the zone's SOA record");
	bool is_data = record->type != DNS_TYPE_SOA;
	enum result result = is_data ? RESULT_OK : take_soa(x, record, &is_data);
	return result == RESULT_OK && is_data ? take_data(x, record) : result;
}

// What was only noted so far becomes the zone's: its SOA record, or the base with its changes.
static enum result complete(struct transfer *x)
{
	struct zone_record soa = {
	        .owner = x->t->name.wire,
	        .owner_length = dns_name_length(x->t->name.wire),
	        .type = DNS_TYPE_SOA,
	        .rclass = DNS_CLASS_IN,
	        .ttl_s = x->soa_ttl_s,
	        .line = 1,
	        .rdata = x->soa,
	};
	return x->form == FORM_WHOLE ? zone_builder_add(x->builder, &soa, x->err)
	                             : zone_delta_apply(x->delta, x->builder, x->err);
}

// All records; *tsig_offset is where a TSIG record begins, or 0.
static enum result take_records(
        struct transfer *x, struct dns_records *walk, struct arena *arena, size_t *tsig_offset)
{
	enum result result;
	enum dns_section section;
	struct dns_record record;
	while ((result = dns_records_next(walk, arena, &section, &record, x->err)) == RESULT_OK) {
		if (*tsig_offset > 0)
			return error_set(x->err, RESULT_INPUT, "a record behind TSIG");
		if (section == DNS_ANSWER)
			result = take_record(x, &record);
		else if (section == DNS_ADDITIONAL && record.type == DNS_TYPE_TSIG)
			*tsig_offset = walk->last;
		if (result != RESULT_OK)
			return result;
	}
	return result == RESULT_NOT_FOUND ? RESULT_OK : result;
}

// What is wrong with a TSIG is said before what the response code is: with a wrong key the code
// itself is worth nothing.
static enum result judge(struct transfer *x, const struct dns_records *walk, const uint8_t *wire,
        size_t length, size_t tsig_offset)
{
	enum result result = RESULT_OK;
	char rcode[DNS_RCODE_TEXT];
	if (x->tsig != NULL)
		result = dns_tsig_stream_verify(
		        x->tsig, wire, length, tsig_offset, now_s(x), x->err);
	if (walk->rcode != DNS_RCODE_NOERROR && (result == RESULT_OK || result == RESULT_NOT_FOUND))
		return error_set(x->err, RESULT_REFUSED, "the server refuses the transfer: %s%s",
		        dns_rcode_text(walk->rcode, rcode),
		        result == RESULT_OK ? "" : " (in an answer without TSIG)");
	return result;
}

static enum result take_message(struct transfer *x, const uint8_t *wire, size_t length)
{
	struct dns_records walk;
	size_t tsig_offset = 0;
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	if (arena == NULL)
		return error_set(x->err, RESULT_MEMORY, "no memory for a message");
	enum result result = dns_records_open(wire, length, &walk, x->err);
	if (result == RESULT_OK)
		result = check_header(x, &walk);
	if (result == RESULT_OK)
		result = take_records(x, &walk, arena, &tsig_offset);
	if (result == RESULT_OK)
		result = judge(x, &walk, wire, length, tsig_offset);
	if (result == RESULT_OK && x->records == 0)
		result = error_set(x->err, RESULT_INPUT, "an answer without records");
	// RFC 1995 4: the SOA record alone says that there is nothing newer.
	if (result == RESULT_OK && x->records == 1 && x->delta != NULL)
		x->done = serial(&x->soa) == serial(zone_rdata(x->t->base, base_soa(x)));
	arena_free(arena);
	return result;
}

static void end(struct transfer *x)
{
	if (x->tsig != NULL && !dns_tsig_stream_is_complete(x->tsig))
		finish(x, error_set(x->err, RESULT_NOT_FOUND,
		                  "the last message has no TSIG (RFC 8945 5.3.1)"));
	else
		finish(x, RESULT_OK);
}

static void received(void *ctx, const uint8_t *data, size_t octets)
{
	struct transfer *x = ctx;
	x->octets += octets;
	loop_timer_start(x->t->loop, &x->silence, x->t->timeout_ms);
	if (x->octets > x->t->max_octets) {
		finish(x,
		        error_set(x->err, RESULT_LIMIT, "more than %zu octets", x->t->max_octets));
		return;
	}
	while (octets > 0 && x->stream != NULL) {
		size_t wanted = x->held < 2 ? 2 : 2u + knot_wire_read_u16(x->message);
		size_t n = wanted - x->held < octets ? wanted - x->held : octets;
		memcpy(x->message + x->held, data, n);
		x->held += n;
		data += n;
		octets -= n;
		if (x->held < 2 || x->held < 2u + knot_wire_read_u16(x->message))
			continue;
		enum result result = take_message(x, x->message + 2, x->held - 2);
		x->held = 0;
		if (result != RESULT_OK)
			finish(x, result);
		else if (x->done)
			end(x);
	}
	if (x->stream != NULL && x->t->progress != NULL)
		x->t->progress(x->t->ctx, x->octets);
}

static void ended(void *ctx, enum result reason)
{
	struct transfer *x = ctx;
	if (x->records == 0 && x->octets == 0 && reason != RESULT_OK)
		finish(x, error_set(x->err, reason,
		                  reason == RESULT_REFUSED ? "nobody answers there"
		                                           : "the connection failed"));
	else
		finish(x, error_set(x->err, RESULT_NETWORK,
		                  "the server ended the connection after %u records, before the "
		                  "zone's end",
		                  x->records));
}

static enum result run(struct transfer *x)
{
	static const struct loop_stream_handler handler = {
	        .connected = connected, .received = received, .ended = ended};
	struct loop *loop = x->t->loop;
	enum result result = make_request(x);
	if (result == RESULT_OK)
		result = loop_stream_connect(
		        loop, NULL, &x->t->server, &handler, x, &x->stream, x->err);
	if (result != RESULT_OK) {
		error_prefix(x->err, "%.200s: ", x->t->source);
		return result;
	}
	x->silence = (struct loop_timer){.fire = silent, .ctx = x};
	x->total = (struct loop_timer){.fire = too_long, .ctx = x};
	loop_timer_start(loop, &x->silence, x->t->timeout_ms);
	loop_timer_start(loop, &x->total, x->t->total_ms);
	while (x->stream != NULL)
		loop_run(loop, TIME_NEVER_MS);
	return x->result;
}

static struct zone_transfer with_defaults(const struct zone_transfer *transfer)
{
	struct zone_transfer t = *transfer;
	if (t.timeout_ms == 0)
		t.timeout_ms = ZONE_TRANSFER_TIMEOUT_MS;
	if (t.total_ms == 0)
		t.total_ms = ZONE_TRANSFER_TOTAL_MS;
	if (t.max_octets == 0)
		t.max_octets = ZONE_MAX_OCTETS;
	return t;
}

enum result zone_transfer(
        const struct zone_transfer *transfer, struct zone **zone, struct error *err)
{
	struct zone_transfer t = with_defaults(transfer);
	struct error inner = {0};
	if (t.base != NULL && !dns_name_equal(zone_apex(t.base), t.name.wire))
		return error_set(err, RESULT_INPUT, "%.200s: the base, %.100s, is another zone",
		        t.source, zone_source(t.base));
	struct transfer *x = calloc(1, sizeof *x);
	if (x == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a transfer");
	x->t = &t;
	x->err = &inner;
	x->clock = loop_clock(t.loop);
	x->builder = zone_builder_new(t.source);
	x->delta = t.base == NULL ? NULL : zone_delta_new(t.base);
	enum result result = x->builder == NULL || (t.base != NULL && x->delta == NULL)
	                             ? error_set(&inner, RESULT_MEMORY, "no memory for a transfer")
	                             : run(x);
	if (result == RESULT_OK)
		result = complete(x);
	if (result == RESULT_OK)
		result = zone_builder_finish(x->builder, zone, &inner);
	else
		zone_builder_free(x->builder);
	dns_tsig_stream_free(x->tsig);
	zone_delta_free(x->delta);
	free(x);
	return result == RESULT_OK ? RESULT_OK : error_set(err, result, "%s", inner.text);
}
