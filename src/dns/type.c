#include "dns/type.h"

#include <libknot/codes.h>
#include <libknot/descriptor.h>
#include <stdio.h>
#include <string.h>

char *dns_type_text(uint16_t type, char *buf)
{
	if (knot_rrtype_to_string(type, buf, DNS_TYPE_TEXT) < 0)
		snprintf(buf, DNS_TYPE_TEXT, "TYPE%u", type);
	return buf;
}

enum result dns_type_parse(const char *text, uint16_t *type, struct error *err)
{
	if (knot_rrtype_from_string(text, type) != 0)
		return error_set(err, RESULT_INPUT, "unknown record type '%.40s'", text);
	return RESULT_OK;
}

enum result dns_type_check_data(uint16_t type, struct error *err)
{
	enum { SIG = 24, META_FIRST = 128, META_LAST = 255 };
	char text[DNS_TYPE_TEXT];
	dns_type_text(type, text);
	if (type == 0 || type == UINT16_MAX)
		return error_set(err, RESULT_INPUT, "%s is reserved, and no record has it", text);
	if (type == DNS_TYPE_OPT || (type >= META_FIRST && type <= META_LAST))
		return error_set(err, RESULT_INPUT,
		        "%s is a type of questions or of messages, and no record of a zone has it",
		        text);
	if (type == DNS_TYPE_RRSIG || type == SIG)
		return error_set(err, RESULT_INPUT,
		        "%s records come along with what they sign: ask for that", text);
	if (type == DNS_TYPE_NSEC3)
		return error_set(err, RESULT_INPUT,
		        "%s records come along with what they deny, and cannot be asked for", text);
	return RESULT_OK;
}

char *dns_rcode_text(uint16_t rcode, char *buf)
{
	const knot_lookup_t *found = knot_lookup_by_id(knot_rcode_names, rcode);
	if (found != NULL)
		snprintf(buf, DNS_RCODE_TEXT, "%s", found->name);
	else
		snprintf(buf, DNS_RCODE_TEXT, "RCODE%u", rcode);
	return buf;
}

char *dns_digest_text(uint8_t digest_type, char *buf)
{
	static const char *const texts[] = {[1] = "SHA-1",
	        [2] = "SHA-256",
	        [3] = "GOST R 34.11-94",
	        [4] = "SHA-384",
	        [5] = "GOST R 34.11-2012",
	        [6] = "SM3"};
	if (digest_type < sizeof texts / sizeof *texts && texts[digest_type] != NULL)
		snprintf(buf, DNS_DIGEST_TEXT, "%s", texts[digest_type]);
	else
		snprintf(buf, DNS_DIGEST_TEXT, "digest type %u", digest_type);
	return buf;
}
