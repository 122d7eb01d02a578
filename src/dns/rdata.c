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

static enum result scan_error(int code, struct error *err)
{
	if (code == ZS_ENOMEM)
		return error_set(err, RESULT_MEMORY, "no memory for a parser of records");
	return error_set(err, RESULT_INPUT, "not a record: %s", zs_strerror(code));
}

static enum result keep(struct arena *arena, const zs_scanner_t *scanner, struct dns_record *record,
        struct error *err)
{
	struct dns_name owner;
	dns_name_lower(&owner, scanner->r_owner);
	const uint8_t *name = arena_memdup(arena, owner.wire, dns_name_length(owner.wire));
	const uint8_t *octets = arena_memdup(arena, scanner->r_data, scanner->r_data_length);
	if (name == NULL || octets == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	*record = (struct dns_record){
	        .owner = name,
	        .type = scanner->r_type,
	        .rclass = scanner->r_class,
	        .ttl_s = scanner->r_ttl,
	        .rdata = {octets, (uint16_t)scanner->r_data_length},
	};
	return RESULT_OK;
}

static enum result scan_all(
        struct arena *arena, zs_scanner_t *scanner, struct dns_record *record, struct error *err)
{
	enum result result = RESULT_OK;
	size_t seen = 0;
	while (result == RESULT_OK && zs_parse_record(scanner) == 0) {
		switch (scanner->state) {
		case ZS_STATE_DATA:
			if (seen++ > 0)
				return error_set(err, RESULT_INPUT,
				        "more than one record where one is expected");
			result = keep(arena, scanner, record, err);
			break;
		case ZS_STATE_EOF:
			return seen > 0 ? RESULT_OK
			                : error_set(err, RESULT_INPUT,
			                          "no record where one is expected");
		case ZS_STATE_INCLUDE:
			return error_set(err, RESULT_INPUT, "$INCLUDE is refused");
		case ZS_STATE_NONE:
		case ZS_STATE_ERROR:
		case ZS_STATE_STOP:
		default:
			return scan_error(scanner->error.code, err);
		}
	}
	return result != RESULT_OK ? result : scan_error(scanner->error.code, err);
}

// libzscanner takes the origin as text.
static enum result scan(struct arena *arena, const char *text, size_t length, const uint8_t *origin,
        struct dns_record *record, struct error *err)
{
	char origin_text[DNS_NAME_TEXT] = ".";
	if (origin != NULL)
		dns_name_text(origin, origin_text);
	zs_scanner_t *scanner = malloc(sizeof *scanner); // some 200 KiB
	if (scanner == NULL)
		return scan_error(ZS_ENOMEM, err);
	enum result result;
	if (zs_init(scanner, origin_text, DNS_CLASS_IN, DEFAULT_TTL_S) != 0) {
		result = scan_error(scanner->error.code, err);
	} else {
		if (zs_set_input_string(scanner, text, length) != 0)
			result = scan_error(scanner->error.code, err);
		else
			result = scan_all(arena, scanner, record, err);
		zs_deinit(scanner);
	}
	free(scanner);
	return result;
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
	struct dns_record found;
	enum result result = scan(arena, line, length + 1, origin, &found, err);
	free(line);
	if (result == RESULT_OK)
		*record = found;
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
