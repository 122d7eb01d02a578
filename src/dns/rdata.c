#include "dns/rdata.h"

#include "base/hex.h"
#include "dns/layout.h"

#include <assert.h>
#include <libknot/errcode.h>
#include <libknot/rrset-dump.h>
#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TTL_S 3600
#define DUMP_OCTETS   (8u << 10) // tried first
// What the longest RDATA (65535 octets) needs where each of them becomes "\000".
#define DUMP_MAX (512u << 10)

static enum result scan_error(
        const zs_scanner_t *scanner, const char *file, int code, struct error *err)
{
	const char *prefix = file == NULL ? "" : file;
	if (code == ZS_ENOMEM)
		return error_set(err, RESULT_MEMORY, "no memory for a zone file parser");
	if (file == NULL)
		return error_set(err, RESULT_INPUT, "not a record: %s", zs_strerror(code));
	return error_set(err, RESULT_INPUT, "%s:%llu: not a record: %s", prefix,
	        (unsigned long long)scanner->line_counter, zs_strerror(code));
}

static enum result pass_record(
        zs_scanner_t *scanner, dns_record_fn *each, void *ctx, struct error *err)
{
	struct dns_name owner;
	dns_name_lower(&owner, scanner->r_owner);
	const struct dns_record record = {
	        .owner = owner.wire,
	        .type = scanner->r_type,
	        .rclass = scanner->r_class,
	        .ttl_s = scanner->r_ttl,
	        .rdata = {scanner->r_data, (uint16_t)scanner->r_data_length},
	};
	return each(ctx, &record, (int64_t)scanner->line_counter, err);
}

static enum result scan_all(
        zs_scanner_t *scanner, const char *file, dns_record_fn *each, void *ctx, struct error *err)
{
	while (zs_parse_record(scanner) == 0) {
		enum result result = RESULT_OK;
		switch (scanner->state) {
		case ZS_STATE_DATA:
			result = pass_record(scanner, each, ctx, err);
			break;
		case ZS_STATE_EOF:
			return RESULT_OK;
		case ZS_STATE_INCLUDE:
			return error_set(err, RESULT_INPUT,
			        "%s%s$INCLUDE is refused: put everything into one file",
			        file == NULL ? "" : file, file == NULL ? "" : ": ");
		case ZS_STATE_NONE:
		case ZS_STATE_ERROR:
		case ZS_STATE_STOP:
		default:
			return scan_error(scanner, file, scanner->error.code, err);
		}
		if (result != RESULT_OK)
			return result;
	}
	return scan_error(scanner, file, scanner->error.code, err);
}

// libzscanner takes the origin as text.
static enum result scan(const char *file, const char *text, size_t length, const uint8_t *origin,
        uint32_t ttl_s, dns_record_fn *each, void *ctx, struct error *err)
{
	char origin_text[DNS_NAME_TEXT] = ".";
	if (origin != NULL)
		dns_name_text(origin, origin_text);
	zs_scanner_t *scanner = malloc(sizeof *scanner); // some 200 KiB
	if (scanner == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a zone file parser");
	enum result result;
	if (zs_init(scanner, origin_text, DNS_CLASS_IN, ttl_s) != 0) {
		result = scan_error(scanner, file, scanner->error.code, err);
	} else {
		if (zs_set_input_string(scanner, text, length) != 0)
			result = scan_error(scanner, file, scanner->error.code, err);
		else
			result = scan_all(scanner, file, each, ctx, err);
		zs_deinit(scanner);
	}
	free(scanner);
	return result;
}

enum result dns_records_parse(const char *file, const char *text, size_t length,
        const uint8_t *origin, uint32_t ttl_s, dns_record_fn *each, void *ctx, struct error *err)
{
	assert(file != NULL && each != NULL);
	return scan(file, text, length, origin, ttl_s, each, ctx, err);
}

struct one {
	struct arena *arena;
	struct dns_record record;
	size_t seen;
};

static enum result keep_one(
        void *ctx, const struct dns_record *record, int64_t line, struct error *err)
{
	struct one *one = ctx;
	(void)line;
	if (one->seen++ > 0)
		return error_set(err, RESULT_INPUT, "more than one record where one is expected");
	one->record = *record;
	one->record.owner = arena_memdup(one->arena, record->owner, dns_name_length(record->owner));
	one->record.rdata.octets =
	        arena_memdup(one->arena, record->rdata.octets, record->rdata.length);
	if (one->record.owner == NULL || one->record.rdata.octets == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	return RESULT_OK;
}

enum result dns_record_parse(struct arena *arena, const char *text, const uint8_t *origin,
        struct dns_record *record, struct error *err)
{
	size_t length = strnlen(text, DNS_RECORD_TEXT_MAX);
	if (length == DNS_RECORD_TEXT_MAX)
		return error_set(
		        err, RESULT_LIMIT, "a record of more than %u octets", DNS_RECORD_TEXT_MAX);
	// Without a line end libzscanner waits for more.
	char *line = malloc(length + 1);
	if (line == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	memcpy(line, text, length);
	line[length] = '\n';
	struct one one = {.arena = arena};
	enum result result =
	        scan(NULL, line, length + 1, origin, DEFAULT_TTL_S, keep_one, &one, err);
	free(line);
	if (result == RESULT_OK && one.seen == 0)
		return error_set(err, RESULT_INPUT, "no record where one is expected");
	if (result == RESULT_OK)
		*record = one.record;
	return result;
}

enum result dns_rdata_parse(struct arena *arena, uint16_t type, const char *text,
        const uint8_t *origin, struct dns_rdata *rdata, struct error *err)
{
	size_t length = strnlen(text, DNS_RECORD_TEXT_MAX);
	char type_text[DNS_TYPE_TEXT];
	size_t room = length + sizeof type_text + 16;
	char *line = malloc(room);
	if (line == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	// By number: libzscanner does not know the names of all types that libknot prints.
	snprintf(line, room, ". 0 IN TYPE%u %.*s", type, (int)length, text);
	struct dns_record record;
	enum result result = dns_record_parse(arena, line, origin, &record, err);
	free(line);
	if (result != RESULT_OK) {
		error_prefix(err, "%s '%.60s': ", dns_type_text(type, type_text), text);
		return result;
	}
	*rdata = record.rdata;
	return RESULT_OK;
}

// libknot's printing reads further than it should where RDATA does not have the form of its type,
// so only what is known to have it goes there. NULL without memory.
static knot_rrset_t *knot_set(uint16_t type, const struct dns_rdata *rdata)
{
	static const uint8_t root[1] = {0};
	knot_rrset_t *set = knot_rrset_new(root, type, DNS_CLASS_IN, 0, NULL);
	if (set != NULL &&
	        knot_rrset_add_rdata(set, rdata->octets, rdata->length, NULL) == KNOT_EOK)
		return set;
	knot_rrset_free(set, NULL);
	return NULL;
}

// RRSIG times are printed as numbers (RFC 4034 3.2 allows both): a date would need the current
// time.
static char *dump(struct arena *arena, const knot_rrset_t *set)
{
	knot_dump_style_t style = KNOT_DUMP_STYLE_DEFAULT;
	style.human_timestamp = false;
	for (size_t room = DUMP_OCTETS; room <= DUMP_MAX; room *= 8) {
		char *text = malloc(room);
		if (text == NULL)
			return NULL;
		int n = knot_rrset_txt_dump_data(set, 0, text, room, &style);
		char *copy = n < 0 ? NULL : arena_strndup(arena, text, (size_t)n);
		free(text);
		if (n != KNOT_ESPACE) // which is below 0
			return copy;
	}
	return NULL;
}

// RFC 3597 5.
static char *dump_unknown(struct arena *arena, const struct dns_rdata *rdata)
{
	size_t room = 16 + 2 * (size_t)rdata->length;
	char *text = arena_alloc(arena, room);
	if (text == NULL)
		return NULL;
	int n = snprintf(text, room, "\\# %u%s", rdata->length, rdata->length > 0 ? " " : "");
	hex_upper(rdata->octets, rdata->length, text + n);
	return text;
}

char *dns_rdata_text(struct arena *arena, uint16_t type, const struct dns_rdata *rdata)
{
	if (!dns_rdata_is_well_formed(type, rdata))
		return dump_unknown(arena, rdata);
	knot_rrset_t *set = knot_set(type, rdata);
	char *text = set == NULL ? NULL : dump(arena, set);
	knot_rrset_free(set, NULL);
	return text != NULL ? text : dump_unknown(arena, rdata);
}

char *dns_record_text(struct arena *arena, const struct dns_record *record)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT], rclass[16];
	if (record->rclass == DNS_CLASS_IN)
		snprintf(rclass, sizeof rclass, "IN");
	else
		snprintf(rclass, sizeof rclass, "CLASS%u", record->rclass);
	const char *rdata = dns_rdata_text(arena, record->type, &record->rdata);
	if (rdata == NULL)
		return NULL;
	dns_type_text(record->type, type);
	if (rdata[0] == '\\') // RFC 3597: the type's number beside the unknown form
		snprintf(type, sizeof type, "TYPE%u", record->type);
	return arena_printf(arena, "%s %u %s %s %s", dns_name_text(record->owner, owner),
	        record->ttl_s, rclass, type, rdata);
}
