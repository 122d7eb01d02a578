// Checks of what is signed: the chain from the DS set to the data, denial, and for how long it
// holds.
#include "technical/internal.h"

#include "dns/verify.h"

// ---- Validation -----------------------------------------------------------------------------

struct chain {
	struct technical_judge *j;
	const struct technical_server *server;
	const struct technical_address *address;
	struct dns_keys keys;
};

static void broken(struct chain *c, const char *expected, const char *what, const char *why)
{
	found(c->j, TECHNICAL_FAIL, c->server, &c->address->at, expected, "%s: %s", what, why);
}

// Whether a key of the zone signs the set; one sentence where none does.
static void verify_set(struct chain *c, const struct dns_rrset *set, const char *what)
{
	struct dns_verified verified;
	struct error err = {0};
	if (dns_rrset_verify(c->j->arena, set, &c->keys, c->j->facts->now_s, &verified, &err) !=
	        RESULT_OK)
		broken(c, "a signature by a key of the zone", what, err.text);
	else if (verified.outcome != DNS_SIGNATURE_GOOD)
		broken(c, "a signature by a key of the zone", what,
		        dns_signature_text(verified.outcome));
}

// The answer for the absent name; NULL where there is none that is negative.
static const struct dns_message *negative(const struct technical_address *a)
{
	const struct dns_message *m = a->answer[TECHNICAL_ABSENT].message;
	bool usable = m != NULL && m->aa && m->section[DNS_ANSWER].count == 0 &&
	              (m->rcode == DNS_RCODE_NOERROR || m->rcode == DNS_RCODE_NXDOMAIN);
	return usable ? m : NULL;
}

static void verify_denial(struct chain *c)
{
	static const char proof[] = "the proof that a name does not exist";
	const struct technical_facts *f = c->j->facts;
	const struct dns_message *m = c->address->answer[TECHNICAL_ABSENT].message;
	for (size_t i = 0; m != NULL && i < m->section[DNS_AUTHORITY].count; i++) {
		const struct dns_rrset *set = &m->section[DNS_AUTHORITY].rrset[i];
		if (set->count > 0 && (set->type == DNS_TYPE_NSEC || set->type == DNS_TYPE_NSEC3))
			verify_set(
			        c, set, "the signature over the proof that a name does not exist");
	}
	// (below a name of full length there is none to ask for)
	m = dns_name_equal(f->absent.wire, f->zone.wire) ? NULL : negative(c->address);
	const char *lacks = m != NULL ? denial_lacks(m, f->zone.wire, f->absent.wire) : NULL;
	if (lacks != NULL)
		broken(c, "NSEC or NSEC3 records that prove it (RFC 4035 5.4, RFC 5155 8)", proof,
		        lacks);
}

// The DNSKEY set, by a key that the DS set refers to. false: nothing more can be said.
static bool verify_keys(struct chain *c, const struct dns_rrset *set)
{
	static const char expected[] = "a DNSKEY set signed by a key of the DS set";
	const struct technical_facts *f = c->j->facts;
	bool referenced[DNS_KEYS_MAX], linked, unsupported;
	struct dns_verified verified;
	struct error err = {0};
	if (dns_rrset_verify(c->j->arena, set, &c->keys, f->now_s, &verified, &err) != RESULT_OK) {
		broken(c, expected, "the DNSKEY set", err.text);
		return false;
	}
	dns_chain_link(f->ds, f->ds_count, &c->keys, &verified, referenced, &linked, &unsupported);
	if (unsupported)
		broken(c, expected, "the DS set",
		        "it has only algorithms and digests that cannot be checked");
	else if (!linked && verified.outcome != DNS_SIGNATURE_GOOD)
		broken(c, expected, "the signature over the DNSKEY set",
		        dns_signature_text(verified.outcome));
	else if (!linked)
		broken(c, expected, "the DNSKEY set", "none of its signers is in the DS set");
	return linked;
}

static void verify_at(struct chain *c, const struct dns_rrset *set)
{
	struct error err = {0};
	const struct technical_facts *f = c->j->facts;
	if (dns_keys_from_rrset(c->j->arena, set, NULL, &c->keys, &err) != RESULT_OK) {
		broken(c, "DNSKEY records", "the DNSKEY set", err.text);
		return;
	}
	if (verify_keys(c, set)) {
		const struct dns_rrset *soa =
		        own_set(f, &c->address->answer[TECHNICAL_SOA], DNS_TYPE_SOA);
		const struct dns_rrset *ns =
		        own_set(f, &c->address->answer[TECHNICAL_NS], DNS_TYPE_NS);
		if (soa == NULL)
			soa = own_set(f, &c->address->answer[TECHNICAL_SOA_TCP], DNS_TYPE_SOA);
		if (soa != NULL)
			verify_set(c, soa, "the signature over the SOA record");
		if (ns != NULL)
			verify_set(c, ns, "the signature over the NS set");
		verify_denial(c);
	}
	dns_keys_clear(&c->keys);
}

void check_validates(struct technical_judge *j)
{
	size_t seen = 0;
	if (j->facts->ds_count == 0) {
		skip(j, "there is no DS record to validate with");
		return;
	}
	EACH_ADDRESS(j->facts)
	{
		struct chain c = {.j = j, .server = s, .address = a};
		const struct technical_answer *answer = &a->answer[TECHNICAL_DNSKEY];
		const struct dns_rrset *set = own_set(j->facts, answer, DNS_TYPE_DNSKEY);
		seen += answer->message != NULL;
		if (set != NULL)
			verify_at(&c, set);
		else if (answer->message != NULL)
			broken(&c, "a DNSKEY set", "the answer for DNSKEY", "there is no set");
	}
	if (seen == 0)
		found(j, TECHNICAL_FAIL, NULL, NULL, "the zone's DNSKEY set",
		        "no address answered to the question for it");
	all_well(j, "keys, SOA record, NS set and denial validate at %zu addresses", seen);
}

// ---- Denial ---------------------------------------------------------------------------------

static size_t count_type(const struct dns_message *m, uint16_t type)
{
	size_t count = 0;
	for (size_t i = 0; i < m->section[DNS_AUTHORITY].count; i++)
		count += m->section[DNS_AUTHORITY].rrset[i].type == type &&
		         m->section[DNS_AUTHORITY].rrset[i].count > 0;
	return count;
}

void check_denial(struct technical_judge *j)
{
	size_t nsec = 0, nsec3 = 0, seen = 0;
	if (!is_signed(j->facts)) {
		skip(j, "the zone is not signed");
		return;
	}
	EACH_ADDRESS(j->facts)
	{
		const struct dns_message *m = negative(a);
		if (m == NULL)
			continue;
		size_t one = count_type(m, DNS_TYPE_NSEC), three = count_type(m, DNS_TYPE_NSEC3);
		seen++;
		nsec += one > 0;
		nsec3 += three > 0;
		if (one + three == 0)
			found(j, TECHNICAL_FAIL, s, &a->at, "NSEC or NSEC3 records",
			        "the answer for a name that does not exist has none");
	}
	if (seen == 0)
		skip(j, "no address gave a negative answer (the name may match a wildcard)");
	else
		all_well(j, "negative answers have %s at %zu addresses",
		        nsec3 == 0  ? "NSEC records"
		        : nsec == 0 ? "NSEC3 records"
		                    : "NSEC or NSEC3 records",
		        seen);
}

static bool judge_nsec3(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, const struct dns_rdata *rdata)
{
	if (rdata->length < 5)
		return true;
	unsigned iterations = (unsigned)(rdata->octets[2] << 8 | rdata->octets[3]);
	unsigned salt = rdata->octets[4];
	if (iterations > 0)
		found(j, TECHNICAL_FAIL, s, &a->at, "0 iterations",
		        "NSEC3 records have %u more iterations", iterations);
	if (salt > 0)
		found(j, TECHNICAL_FAIL, s, &a->at, "no salt",
		        "NSEC3 records have a salt of %u octets", salt);
	return iterations == 0 && salt == 0;
}

void check_nsec3(struct technical_judge *j)
{
	size_t seen = 0;
	EACH_ADDRESS(j->facts)
	{
		const struct dns_message *m = a->answer[TECHNICAL_ABSENT].message;
		bool good = true;
		for (size_t i = 0; good && m != NULL && i < m->section[DNS_AUTHORITY].count; i++) {
			const struct dns_rrset *set = &m->section[DNS_AUTHORITY].rrset[i];
			if (set->type != DNS_TYPE_NSEC3 || set->count == 0)
				continue;
			seen++;
			good = judge_nsec3(j, s, a, &set->rdata[0]);
		}
	}
	if (seen == 0)
		skip(j, "no NSEC3 record was seen");
	else
		all_well(j, "NSEC3 records have no extra iterations and no salt");
}

// ---- Head-room ------------------------------------------------------------------------------

struct earliest {
	size_t seen;
	int64_t until_s; // the earliest of the address
	uint16_t type;   // of the set that it signs
};

static void look_at_set(
        const struct technical_facts *f, const struct dns_rrset *set, struct earliest *earliest)
{
	int64_t first_s = 0;
	size_t seen = 0;
	// One good signature is enough for a resolver, but one that is left to expire says that the
	// signing stands still; so the earliest counts.
	for (size_t i = 0; i < set->signature_count; i++) {
		struct dns_rrsig rrsig;
		if (dns_rrsig_parse(&set->signatures[i], &rrsig, NULL) != RESULT_OK)
			continue;
		int64_t until_s = dns_serial_time(rrsig.expiration, f->now_s);
		if (seen++ == 0 || until_s < first_s)
			first_s = until_s;
	}
	if (seen > 0 && (earliest->seen == 0 || first_s < earliest->until_s)) {
		earliest->until_s = first_s;
		earliest->type = set->type;
	}
	earliest->seen += seen;
}

static void look_at_answers(const struct technical_facts *f, const struct technical_address *a,
        struct earliest *earliest)
{
	for (int q = 0; q < TECHNICAL_QUESTIONS; q++) {
		const struct dns_message *m = a->answer[q].message;
		// (what is said of a foreign name is nobody's here)
		if (m == NULL || !m->aa || q == TECHNICAL_FOREIGN)
			continue;
		for (int section = DNS_ANSWER; section <= DNS_AUTHORITY; section++)
			for (size_t i = 0; i < m->section[section].count; i++)
				look_at_set(f, &m->section[section].rrset[i], earliest);
	}
}

void check_head_room(struct technical_judge *j)
{
	const struct technical_facts *f = j->facts;
	char until[TIME_TEXT], type[DNS_TYPE_TEXT], room[DURATION_TEXT];
	struct earliest all = {0};
	duration_format(j->rules->head_room_s * SECOND_MS, room);
	const char *expected = text_of(j, "signatures that are valid for %s still", room);
	EACH_ADDRESS(f)
	{
		struct earliest here = {0};
		look_at_answers(f, a, &here);
		if (here.seen == 0)
			continue;
		if (all.seen == 0 || here.until_s < all.until_s)
			all.until_s = here.until_s;
		all.seen += here.seen;
		if (here.until_s < f->now_s + j->rules->head_room_s)
			found(j, TECHNICAL_FAIL, s, &a->at, expected,
			        "a signature over the %s set expire%s at %s",
			        dns_type_text(here.type, type), here.until_s < f->now_s ? "d" : "s",
			        time_format(here.until_s * SECOND_MS, until));
	}
	if (all.seen == 0)
		skip(j, "no signature was seen");
	else
		all_well(j, "the earliest of %zu signatures expires at %s", all.seen,
		        time_format(all.until_s * SECOND_MS, until));
}
