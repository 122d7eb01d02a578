// baton-zone facts: what a zone is like, and what a plan needs to know about it.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cmd/options.h"
#include "cmd/zone_commands.h"
#include "cmd/zone_input.h"
#include "dns/key.h"
#include "zone/facts.h"

static const char about[] =
        "Describes a zone: its largest TTLs, who signs it, NSEC or NSEC3, when its signatures end, "
        "and the list\n"
        "that `baton plan --ttl` takes. Signatures are not verified: that is `baton-zone verify`.";

static const char more[] = ZONE_INPUT_HELP "\n\n"
                                           "exit status:\n"
                                           "  0  here are the facts\n"
                                           "  2  the zone cannot be read";

static bool has_sep_key(const struct zone_facts *f)
{
	for (size_t i = 0; i < f->signer_count; i++)
		if (f->signers[i].is_published && (f->signers[i].flags & DNS_KEY_SEP))
			return true;
	return false;
}

// Some signers sign the DNSKEY set with all keys, so that this makes no CSK of a key without SEP
// where there are others with it.
static const char *role(const struct zone_facts *f, const struct zone_facts_signer *s)
{
	bool signs_all = s->dnskey_signatures > 0 && s->signatures > s->dnskey_signatures;
	if (!s->is_published)
		return "not published";
	if (s->flags & DNS_KEY_REVOKE)
		return "revoked";
	if (!(s->flags & DNS_KEY_ZONE))
		return "no zone key";
	if (s->flags & DNS_KEY_SEP)
		return signs_all ? "CSK" : "KSK";
	return signs_all && !has_sep_key(f) ? "CSK" : "ZSK";
}

static const char *salt_text(const uint8_t *parameters, char text[static 2 * 255 + 1])
{
	return parameters[4] == 0 ? "-" : hex_upper(parameters + 5, parameters[4], text);
}

static unsigned iterations(const uint8_t *parameters)
{
	return (unsigned)parameters[2] << 8 | parameters[3];
}

static void print_counts(const struct zone *zone, const struct zone_facts *f)
{
	char text[DNS_NAME_TEXT];
	printf("zone %s serial %" PRIu32 "\n", dns_name_text(zone_apex(zone), text), f->serial);
	printf("  %" PRIu64 " records, %" PRIu64 " RRsets, %" PRIu64 " signatures\n", f->records,
	        f->sets, f->signatures);
	printf("  %" PRIu64 " names, %" PRIu64 " empty non-terminals, %" PRIu64
	       " below delegations\n",
	        f->names, f->empty, f->below);
	printf("  %" PRIu64 " delegations, %" PRIu64 " of them signed\n", f->delegations,
	        f->signed_delegations);
	if (zone_duplicate_count(zone) > 0)
		printf("  %zu records are there more than once\n", zone_duplicate_count(zone));
}

static void print_ttls(const struct zone_facts *f)
{
	puts("\nTTL");
	for (size_t i = 0; i < f->type_count; i++) {
		const struct zone_facts_type *t = &f->types[i];
		char type[DNS_TYPE_TEXT], least[DURATION_TEXT], most[DURATION_TEXT];
		char owner[DNS_NAME_TEXT];
		dns_type_text(t->type, type);
		duration_format(t->ttl_s * SECOND_MS, least);
		duration_format(t->ttl_max_s * SECOND_MS, most);
		if (t->ttl_s == t->ttl_max_s)
			printf("  %-10s %9" PRIu64 " RRsets  %s\n", type, t->sets, most);
		else
			printf("  %-10s %9" PRIu64 " RRsets  %s to %s (%s)\n", type, t->sets, least,
			        most, dns_name_text(t->longest, owner));
	}
	char negative[DURATION_TEXT];
	printf("  negative answers %s\n", duration_format(f->negative_ttl_s * SECOND_MS, negative));
}

static void print_signers(const struct zone_facts *f)
{
	printf("\nkeys: %zu in the DNSKEY set, an answer of %zu octets\n", f->dnskey_count,
	        f->dnskey_answer_octets);
	for (size_t i = 0; i < f->signer_count; i++) {
		const struct zone_facts_signer *s = &f->signers[i];
		char until[TIME_TEXT];
		printf("  tag %5u algorithm %2u  %-13s %9" PRIu64 " signatures", s->tag,
		        s->algorithm, role(f, s), s->signatures);
		if (s->signatures > 0)
			printf(", the first ends %s",
			        time_format(s->earliest_s * SECOND_MS, until));
		printf("%s\n", s->sharing > 1 ? " (several keys have this tag)" : "");
	}
	if (f->signers_left_out > 0)
		printf("  %" PRIu64 " signatures by more keys\n", f->signers_left_out);
}

static void print_chain(const struct zone_facts *f)
{
	char salt[2 * 255 + 1];
	if (f->has_nsec3)
		printf("\nNSEC3: hash %u, %u iterations, salt %s; %" PRIu64 " records, %" PRIu64
		       " with opt-out\n",
		        f->nsec3_parameters[0], iterations(f->nsec3_parameters),
		        salt_text(f->nsec3_parameters, salt), f->nsec3, f->opt_out);
	if (f->nsec3_other > 0)
		printf("  %" PRIu64 " NSEC3 records have other parameters\n", f->nsec3_other);
	if (f->nsec > 0)
		printf("\nNSEC: %" PRIu64 " records\n", f->nsec);
	if (!f->has_nsec3 && f->nsec == 0)
		puts("\nneither NSEC nor NSEC3");
}

static void print_expiry(const struct zone_facts *f, int64_t now_s)
{
	char when[TIME_TEXT], left[DURATION_TEXT], owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	if (f->signatures == 0) {
		puts("\nno signatures");
		return;
	}
	int64_t left_s = f->first.at_s - now_s;
	printf("\nthe first signature ends %s (%s %s): %s %s\n",
	        time_format(f->first.at_s * SECOND_MS, when),
	        duration_format((left_s < 0 ? -left_s : left_s) * SECOND_MS, left),
	        left_s < 0 ? "ago" : "from now", dns_name_text(f->first.owner, owner),
	        dns_type_text(f->first.type, type));
	for (size_t i = 0; i < ZONE_FACTS_HEADROOM; i++)
		if (f->headroom[i] > 0)
			printf("  %-13s %9" PRIu64 " signatures\n", zone_facts_headroom_text(i),
			        f->headroom[i]);
	if (f->not_yet > 0)
		printf("  %" PRIu64 " of them are not valid yet\n", f->not_yet);
}

static const char *plan_ttls(const struct zone_facts *f, char *text, size_t room)
{
	char ns[DURATION_TEXT], dnskey[DURATION_TEXT], data[DURATION_TEXT];
	int n = snprintf(text, room, "child-ns=%s,data=%s",
	        duration_format(f->ns_ttl_max_s * SECOND_MS, ns),
	        duration_format(f->data_ttl_max_s * SECOND_MS, data));
	if (f->dnskey_count > 0)
		snprintf(text + n, room - (size_t)n, ",dnskey=%s",
		        duration_format(f->dnskey_ttl_max_s * SECOND_MS, dnskey));
	return text;
}

static void print_text(const struct zone *zone, const struct zone_facts *f, int64_t now_s)
{
	char plan[200];
	print_counts(zone, f);
	print_ttls(f);
	print_signers(f);
	print_chain(f);
	print_expiry(f, now_s);
	printf("\nfor a plan, with ds= and parent-ns= from the parent zone:\n  --ttl %s\n",
	        plan_ttls(f, plan, sizeof plan));
}

static json_t *types_json(const struct zone_facts *f)
{
	json_t *list = json_object();
	for (size_t i = 0; i < f->type_count; i++) {
		const struct zone_facts_type *t = &f->types[i];
		char type[DNS_TYPE_TEXT], owner[DNS_NAME_TEXT];
		json_object_set_new(list, dns_type_text(t->type, type),
		        json_pack("{s:I, s:I, s:I, s:I, s:s}", "rrsets", (json_int_t)t->sets,
		                "records", (json_int_t)t->records, "ttl_min_s",
		                (json_int_t)t->ttl_s, "ttl_max_s", (json_int_t)t->ttl_max_s,
		                "longest", dns_name_text(t->longest, owner)));
	}
	return list;
}

static json_t *time_json(int64_t at_s)
{
	char text[TIME_TEXT];
	return json_string(time_format(at_s * SECOND_MS, text));
}

static json_t *signers_json(const struct zone_facts *f)
{
	json_t *list = json_array();
	for (size_t i = 0; i < f->signer_count; i++) {
		const struct zone_facts_signer *s = &f->signers[i];
		json_array_append_new(
		        list, json_pack("{s:i, s:i, s:i, s:s, s:b, s:I, s:o}", "tag", (int)s->tag,
		                      "algorithm", (int)s->algorithm, "flags", (int)s->flags,
		                      "role", role(f, s), "published", s->is_published,
		                      "signatures", (json_int_t)s->signatures, "first_expiry",
		                      s->signatures > 0 ? time_json(s->earliest_s) : json_null()));
	}
	return list;
}

static json_t *nsec3_json(const struct zone_facts *f)
{
	char salt[2 * 255 + 1];
	if (!f->has_nsec3)
		return json_null();
	return json_pack("{s:i, s:i, s:s, s:I, s:I, s:I}", "hash", (int)f->nsec3_parameters[0],
	        "iterations", (int)iterations(f->nsec3_parameters), "salt",
	        salt_text(f->nsec3_parameters, salt), "records", (json_int_t)f->nsec3, "opt_out",
	        (json_int_t)f->opt_out, "other_parameters", (json_int_t)f->nsec3_other);
}

static json_t *expiry_json(const struct zone_facts *f)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	if (f->signatures == 0)
		return json_null();
	json_t *headroom = json_object();
	for (size_t i = 0; i < ZONE_FACTS_HEADROOM; i++)
		json_object_set_new(headroom, zone_facts_headroom_text(i),
		        json_integer((json_int_t)f->headroom[i]));
	return json_pack("{s:o, s:o, s:s, s:s, s:I, s:o}", "first", time_json(f->first.at_s),
	        "last", time_json(f->last.at_s), "owner", dns_name_text(f->first.owner, owner),
	        "type", dns_type_text(f->first.type, type), "not_yet", (json_int_t)f->not_yet,
	        "headroom", headroom);
}

static json_t *counts_json(const struct zone *zone, const struct zone_facts *f)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "records",
	        (json_int_t)f->records, "rrsets", (json_int_t)f->sets, "signatures",
	        (json_int_t)f->signatures, "names", (json_int_t)f->names, "empty_non_terminals",
	        (json_int_t)f->empty, "below_delegations", (json_int_t)f->below, "delegations",
	        (json_int_t)f->delegations, "signed_delegations", (json_int_t)f->signed_delegations,
	        "duplicates", (json_int_t)zone_duplicate_count(zone));
}

static void print_json(const struct zone *zone, const struct zone_facts *f)
{
	char apex[DNS_NAME_TEXT], plan[200];
	json_t *json = json_pack("{s:s, s:I, s:o, s:o, s:I, s:o, s:I, s:I, s:o, s:I, s:o, s:s}",
	        "zone", dns_name_text(zone_apex(zone), apex), "serial", (json_int_t)f->serial,
	        "counts", counts_json(zone, f), "types", types_json(f), "negative_ttl_s",
	        (json_int_t)f->negative_ttl_s, "signers", signers_json(f), "dnskey_count",
	        (json_int_t)f->dnskey_count, "dnskey_answer_octets",
	        (json_int_t)f->dnskey_answer_octets, "nsec3", nsec3_json(f), "nsec",
	        (json_int_t)f->nsec, "expiry", expiry_json(f), "plan_ttl",
	        plan_ttls(f, plan, sizeof plan));
	json_dumpf(json, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(json);
}

int cmd_zone_facts(int argc, char **argv)
{
	struct zone_input input = {0};
	bool json = false;
	const struct option_spec specs[] = {
	        {"--json", NULL, "print one JSON object", .flag = &json},
	        ZONE_INPUT_OPTIONS(input),
	        {0},
	};
	const struct command_help help = {"baton-zone facts [OPTION…] ZONE", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("facts: expected one zone; --help explains");
	struct zone *zone;
	status = zone_input_read(&input, argv[0], &zone);
	if (status != 0)
		return status;
	static struct zone_facts facts;
	struct clock clock = clock_system();
	int64_t now_s = clock_now_ms(&clock) / SECOND_MS;
	zone_facts_collect(zone, now_s, &facts);
	if (json)
		print_json(zone, &facts);
	else
		print_text(zone, &facts, now_s);
	zone_free(zone);
	return output_end(0);
}
