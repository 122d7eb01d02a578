// The list of checks, and how the result of one comes about.
#include "technical/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 256, TEXT_MAX = 600 };

const struct technical_check technical_checks[] = {
        {"two-name-servers", "There are two name servers with addresses of their own",
                "One server that fails, or is cut off, takes the zone with it. At least two names, "
                "none of which shares an address with another (RFC 1034 4.1; IANA, minimum number "
                "of name servers).",
                check_two_servers},
        {"valid-hostnames", "The name servers' names are host names",
                "Many programs refuse names with other characters than letters, digits and hyphens "
                "(RFC 952, RFC 1123 2.1), and an NS record must not lead to an alias (RFC 2181 "
                "10.3).",
                check_hostnames},
        {"reachable", "Every address answers over UDP and over TCP",
                "Resolvers choose any of the addresses, and need TCP for answers that are too "
                "large for UDP (RFC 7766).",
                check_reachable},
        {"authoritative", "Every address answers for the zone with authority",
                "A server that does not serve the zone makes resolvers wait and ask again, and "
                "some give up (RFC 1034 4.2; RFC 1912 2.8).",
                check_authoritative},
        {"network-diversity", "The name servers are in two networks or more",
                "Servers behind one network all go with it (RFC 2182 3.1; IANA, network "
                "diversity).",
                check_diversity},
        {"glue-equals-zone", "The addresses in the delegation are those the zone has",
                "Resolvers that have only one of the two sets ask in different places; addresses "
                "in the parent that nobody keeps up are a way in for others (RFC 1912 2.3).",
                check_glue},
        {"delegation-equals-zone", "The zone's own NS set is that of the delegation",
                "Which of the two sets a resolver follows depends on its software (RFC 1034 "
                "4.2.2; RFC 2181 5.4.1).",
                check_delegation},
        {"consistent", "All addresses serve the same zone",
                "Otherwise the answer depends on who is asked. Serial numbers may differ by what "
                "is tolerated for zones that change while one looks.",
                check_consistent},
        {"referral-size", "The referral fits into 512 octets",
                "Servers of the parent must be able to send the delegation without EDNS and "
                "without TCP, even for the longest name (RFC 1035 4.2.1; IANA, referral size).",
                check_referral},
        {"prohibited-networks", "No address is in a special-purpose network",
                "Addresses for private use, documentation and the like lead nowhere, or somewhere "
                "else for everybody (RFC 6890).",
                check_prohibited},
        {"no-open-recursion", "No server resolves other people's names for strangers",
                "Open resolvers are used for attacks on others, and mix what they have cached with "
                "what they serve (RFC 5358).",
                check_recursion},
        {"source-address", "Answers come from the address that was asked",
                "Resolvers drop answers from elsewhere as forged (RFC 2181 4.1).", check_source},
        {"ds-acceptable", "The DS records use an algorithm and a digest that count",
                "Resolvers ignore what they do not support, and SHA-1 is no longer good enough "
                "(RFC 8624, RFC 9905).",
                check_ds_acceptable},
        {"ds-matches-key", "Every DS record belongs to a key of the zone",
                "A DS record without a key is of no use, and often a slip of the keyboard. The "
                "exception, a standby key that is kept out of the zone, is to be waived with a "
                "reason (RFC 4035 2.4).",
                check_ds_matches},
        {"zone-validates", "The zone validates with the DS set",
                "Otherwise all of it is bogus for every validating resolver (RFC 4035 5).",
                check_validates},
        {"denial-present", "Negative answers come with NSEC or NSEC3 records",
                "Without them validating resolvers take \"no such name\" as forged (RFC 4035 "
                "3.1.3, RFC 5155 7.2).",
                check_denial},
        {"nsec3-parameters", "NSEC3 has no extra iterations and no salt",
                "They protect nothing and cost everybody; resolvers may treat such zones as "
                "insecure or bogus (RFC 9276 3.1).",
                check_nsec3},
        {"signature-head-room", "No signature expires soon",
                "Expired signatures make the zone bogus; nobody should change a zone whose "
                "signing stands still (RFC 6781 4.4.2).",
                check_head_room},
        {"serial-continuity", "The serial number does not go back",
                "Secondaries and whoever copies the zone keep what they have until the serial "
                "number grows (RFC 1982, RFC 1034 4.3.5).",
                check_continuity},
        {"cds-agrees", "The zone does not ask for another DS set",
                "A parent that follows CDS records would replace this DS set by the one that they "
                "ask for (RFC 7344 4.1).",
                check_cds},
};

const size_t technical_check_count = sizeof technical_checks / sizeof technical_checks[0];

const struct technical_check *technical_check_find(const char *name)
{
	for (size_t i = 0; i < technical_check_count; i++)
		if (strcmp(technical_checks[i].name, name) == 0)
			return &technical_checks[i];
	return NULL;
}

const char *technical_verdict_text(enum technical_verdict verdict)
{
	static const char *const texts[] = {"pass", "skip", "waived", "warn", "fail"};
	size_t n = (size_t)verdict;
	return n < sizeof texts / sizeof texts[0] ? texts[n] : "unknown";
}

// ---- What checks say ------------------------------------------------------------------------

__attribute__((format(printf, 2, 0))) static const char *keep(
        struct technical_judge *j, const char *format, va_list args)
{
	char text[TEXT_MAX];
	vsnprintf(text, sizeof text, format, args);
	const char *kept = arena_strdup(j->arena, text);
	j->no_memory |= kept == NULL;
	return kept != NULL ? kept : "";
}

const char *text_of(struct technical_judge *j, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = keep(j, format, args);
	va_end(args);
	return text;
}

const char *name_of(struct technical_judge *j, const uint8_t *name)
{
	char text[DNS_NAME_TEXT];
	return text_of(j, "%s", dns_name_text(name, text));
}

void found(struct technical_judge *j, enum technical_verdict verdict,
        const struct technical_server *server, const struct address *at, const char *expected,
        const char *format, ...)
{
	char address[ADDRESS_TEXT] = "";
	va_list args;
	if (j->count == FINDINGS_MAX)
		return;
	if (j->findings == NULL &&
	        (j->findings = arena_array(j->arena, FINDINGS_MAX, sizeof *j->findings)) == NULL) {
		j->no_memory = true;
		return;
	}
	struct technical_finding *f = &j->findings[j->count++];
	if (at != NULL && at->port == 53)
		address_format_ip(at, address);
	else if (at != NULL)
		address_format(at, address);
	f->verdict = verdict;
	f->server = server != NULL ? name_of(j, server->name.wire) : "";
	f->address = text_of(j, "%s", address);
	f->expected = text_of(j, "%s", expected);
	va_start(args, format);
	f->seen = keep(j, format, args);
	va_end(args);
}

void all_well(struct technical_judge *j, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	j->text = keep(j, format, args);
	va_end(args);
}

void skip(struct technical_judge *j, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	j->text = keep(j, format, args);
	va_end(args);
	j->is_skipped = true;
}

// ---- The result -----------------------------------------------------------------------------

static const struct technical_finding *worst_of(const struct technical_judge *j)
{
	const struct technical_finding *worst = &j->findings[0];
	for (size_t i = 1; i < j->count; i++)
		if (j->findings[i].verdict > worst->verdict)
			worst = &j->findings[i];
	return worst;
}

// "ns1.example. at 192.0.2.1: …; expected …" of the worst, and how many more there are.
static const char *sentence_of(struct technical_judge *j)
{
	const struct technical_finding *f = worst_of(j);
	const char *where = f->server[0] != '\0' && f->address[0] != '\0'
	                            ? text_of(j, "%.255s at %s: ", f->server, f->address)
	                    : f->server[0] != '\0'  ? text_of(j, "%.255s: ", f->server)
	                    : f->address[0] != '\0' ? text_of(j, "%s: ", f->address)
	                                            : "";
	const char *more = j->count > 1 ? text_of(j, " (and %zu more)", j->count - 1) : "";
	return text_of(j, "%s%.400s; expected %.200s%s", where, f->seen, f->expected, more);
}

enum result technical_judge(struct arena *arena, const struct technical_check *check,
        const struct technical_facts *facts, const struct technical_rules *rules,
        const char *waiver, struct technical_result *result, struct error *err)
{
	struct technical_judge j = {.facts = facts, .rules = rules, .arena = arena, .text = ""};
	struct technical_result made = {.check = check};
	check->judge(&j);
	made.verdict = j.is_skipped ? TECHNICAL_SKIPPED : TECHNICAL_PASS;
	made.text = j.text;
	if (j.count > 0) {
		made.verdict = worst_of(&j)->verdict;
		made.text = sentence_of(&j);
	}
	made.findings = j.findings;
	made.finding_count = j.count;
	if (waiver != NULL && made.verdict >= TECHNICAL_WARN) {
		made.verdict = TECHNICAL_WAIVED;
		made.waiver = text_of(&j, "%s", waiver);
	}
	if (j.no_memory)
		return error_set(err, RESULT_MEMORY, "no memory for the result of %s", check->name);
	*result = made;
	return RESULT_OK;
}

// ---- What checks share ----------------------------------------------------------------------

const struct dns_rrset *own_set(
        const struct technical_facts *facts, const struct technical_answer *answer, uint16_t type)
{
	const struct dns_message *m = answer->message;
	if (m == NULL || !m->aa || m->rcode != DNS_RCODE_NOERROR)
		return NULL;
	const struct dns_rrset *set = dns_message_find(m, DNS_ANSWER, facts->zone.wire, type);
	return set != NULL && set->count > 0 ? set : NULL;
}

bool serial_of(const struct technical_facts *facts, const struct technical_address *address,
        uint32_t *serial)
{
	static const enum technical_question questions[] = {TECHNICAL_SOA, TECHNICAL_SOA_TCP};
	for (size_t i = 0; i < 2; i++) {
		const struct dns_rrset *soa =
		        own_set(facts, &address->answer[questions[i]], DNS_TYPE_SOA);
		if (soa == NULL || soa->rdata[0].length < 22)
			continue;
		const uint8_t *o = soa->rdata[0].octets + soa->rdata[0].length - 20;
		*serial = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
		return true;
	}
	return false;
}

bool is_signed(const struct technical_facts *facts)
{
	if (facts->ds_count > 0)
		return true;
	EACH_ADDRESS(facts)
	if (own_set(facts, &a->answer[TECHNICAL_DNSKEY], DNS_TYPE_DNSKEY) != NULL)
		return true;
	return false;
}

const char *addresses_text(struct technical_judge *j, const struct technical_addresses *list)
{
	char text[TEXT_MAX] = "none", ip[ADDRESS_TEXT];
	size_t n = 0;
	for (size_t i = 0; i < list->count && n + ADDRESS_TEXT < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? ", " : "",
		        address_format_ip(&list->address[i], ip));
	return text_of(j, "%s", text);
}

bool addresses_have(const struct technical_addresses *list, const struct address *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_equal_ip(&list->address[i], address))
			return true;
	return false;
}

enum result technical_rules_load(struct arena *arena, const char *networks, const char *prohibited,
        struct technical_rules *rules, struct error *err)
{
	enum result result = RESULT_OK;
	if (networks != NULL)
		result = prefix_table_load(
		        arena, networks, PREFIX_NEEDS_LABEL, &rules->networks, err);
	if (result != RESULT_OK)
		return result;
	if (prohibited != NULL)
		return prefix_table_load(
		        arena, prohibited, PREFIX_MAY_LACK_LABEL, &rules->prohibited, err);
	rules->prohibited = prefix_table_special(arena);
	return rules->prohibited != NULL ? RESULT_OK
	                                 : error_set(err, RESULT_MEMORY, "out of memory");
}
