// The frame: replies, the table of keys, signatures, problems.
#include "observe/interpret.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SCRATCH_MAX = 256u << 20, PROBLEMS_MAX = 256 };

static void out_of_memory(struct interpretation *in)
{
	if (in->result == RESULT_OK)
		in->result = error_set(in->err, RESULT_MEMORY, "out of memory");
}

char *server_text(const struct observe_subject *subject, int publisher,
        const struct address *server, char *buf)
{
	char address[ADDRESS_TEXT], name[DNS_NAME_TEXT];
	const struct observe_publisher *p = &subject->publishers[publisher];
	address_format(server, address);
	for (size_t s = 0; s < p->server_count; s++)
		for (size_t a = 0; a < p->servers[s].address_count; a++)
			if (address_equal(&p->servers[s].addresses[a], server)) {
				dns_name_text(p->servers[s].name.wire, name);
				snprintf(buf, SERVER_TEXT, "%s (%.240s)", address, name);
				return buf;
			}
	snprintf(buf, SERVER_TEXT, "%s", address);
	return buf;
}

char *reply_text(const struct reply *reply, char *buf)
{
	char rcode[DNS_RCODE_TEXT];
	if (reply->message == NULL && reply->answer->status == QUERY_ANSWERED)
		snprintf(buf, REPLY_TEXT, "a response that cannot be read");
	else if (reply->message == NULL)
		snprintf(buf, REPLY_TEXT, "no answer (%s)",
		        query_status_text(reply->answer->status));
	else if (reply->message->rcode != DNS_RCODE_NOERROR)
		snprintf(buf, REPLY_TEXT, "%s", dns_rcode_text(reply->message->rcode, rcode));
	else if (!reply->message->aa)
		snprintf(buf, REPLY_TEXT, "an answer without authority");
	else
		snprintf(buf, REPLY_TEXT, "an answer that does not fit");
	return buf;
}

void problem_add(struct interpretation *in, enum observe_gap_kind kind, bool blocks,
        const struct reply *reply, const char *format, ...)
{
	struct observe_round *round = in->round;
	if (round->problem_count == in->problems_max)
		return;
	struct observe_gap *gap = &round->problems[round->problem_count++];
	*gap = (struct observe_gap){.kind = kind, .blocks = blocks, .until_ms = TIME_NEVER_MS};
	if (reply != NULL) {
		gap->publisher = reply->answer->publisher;
		gap->server = reply->answer->server;
	}
	if (round->problem_count == in->problems_max) {
		gap->kind = OBSERVE_GAP_LIMIT;
		gap->blocks = true;
		snprintf(gap->text, sizeof gap->text, "There are more problems than these.");
		return;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(gap->text, sizeof gap->text, format, args);
	va_end(args);
	// The same of several questions is said once.
	for (size_t i = 0; i + 1 < round->problem_count; i++)
		if (round->problems[i].publisher == gap->publisher &&
		        strcmp(round->problems[i].text, gap->text) == 0) {
			round->problem_count--;
			return;
		}
}

void too_many(struct interpretation *in, const struct reply *reply, size_t count, const char *what,
        int most)
{
	char server[SERVER_TEXT];
	server_text(in->subject, reply->answer->publisher, &reply->answer->server, server);
	problem_add(in, OBSERVE_GAP_LIMIT, true, reply,
	        "%.120s serves %zu %s; Baton reads at most %d.", server, count, what, most);
}

struct observe_fact *fact_add(struct interpretation *in, enum safety_kind kind)
{
	assert(in->round->fact_count < in->facts_max);
	struct observe_fact *fact = &in->round->facts[in->round->fact_count++];
	*fact = (struct observe_fact){.kind = (uint8_t)kind,
	        .state = OBSERVE_UNKNOWN,
	        .asked_ms = TIME_NEVER_MS,
	        .answered_ms = TIME_EVER_MS};
	return fact;
}

// The round-trip time is measured in turns of the loop, so that a question may have left a little
// earlier than it says; it did not leave before the round began.
void fact_time(struct interpretation *in, struct observe_fact *fact, const struct reply *reply)
{
	const struct observe_answer *answer = reply->answer;
	fact->publisher = answer->publisher;
	fact->server = answer->server;
	fact->asked_ms = in->round->start_ms;
	if (answer->at_ms < fact->asked_ms) // the clock was set back
		fact->asked_ms = answer->at_ms;
	if (answer->at_ms > fact->answered_ms)
		fact->answered_ms = answer->at_ms;
}

struct observe_content *content_add(struct interpretation *in, struct observe_fact *fact)
{
	size_t n = fact->content_count;
	struct observe_content *more = arena_array(in->round->arena, n + 1, sizeof *more);
	if (more == NULL) {
		// Somewhere to write, of no further use.
		static _Thread_local struct observe_content nowhere;
		out_of_memory(in);
		memset(&nowhere, 0, sizeof nowhere);
		return &nowhere;
	}
	if (n > 0)
		memcpy(more, fact->contents, n * sizeof *more);
	more[n] = (struct observe_content){
	        .signed_from_ms = TIME_EVER_MS, .signed_until_ms = TIME_NEVER_MS};
	fact->contents = more;
	fact->content_count = n + 1;
	return &more[n];
}

const struct reply *reply_find(
        const struct reply *replies, size_t count, enum observe_question question)
{
	for (size_t i = 0; i < count; i++)
		if (replies[i].answer->question == question)
			return &replies[i];
	return NULL;
}

// ---- Keys and signatures --------------------------------------------------------------------

int round_key(struct interpretation *in, struct dns_key *key)
{
	struct dns_keys *keys = &in->round->keys;
	for (size_t i = 0; i < keys->count; i++)
		if (dns_key_equal(keys->key[i], key))
			return (int)i;
	if (keys->count == SAFETY_MAX_KEYS)
		return -1;
	keys->key[keys->count] = dns_key_ref(key);
	return (int)keys->count++;
}

void cover_find(struct interpretation *in, const struct reply *reply, const struct dns_rrset *rrset,
        const struct dns_keys *keys, struct cover *cover)
{
	struct dns_verified verified;
	char type[DNS_TYPE_TEXT], server[SERVER_TEXT];
	cover->signers = 0;
	cover->ttl_s = rrset->ttl_max_s;
	cover->outcome = DNS_SIGNATURE_NONE;
	enum result result = dns_rrset_verify(
	        in->scratch, rrset, keys, reply->answer->at_ms / SECOND_MS, &verified, in->err);
	if (result != RESULT_OK)
		return; // too much for us to check counts as no signature
	if (verified.limited)
		problem_add(in, OBSERVE_GAP_LIMIT, true, reply,
		        "%.120s serves %zu signatures over a %s set; Baton looks at no more than "
		        "%d, and tries no more than %d keys.",
		        server_text(in->subject, reply->answer->publisher, &reply->answer->server,
		                server),
		        rrset->signature_count, dns_type_text(rrset->type, type),
		        DNS_VERIFY_MAX_SIGNATURES, DNS_VERIFY_MAX_CHECKS);
	cover->outcome = verified.outcome;
	for (size_t i = 0; i < verified.signer_count; i++) {
		const struct dns_signer *s = &verified.signers[i];
		uint64_t bit = UINT64_C(1) << s->key;
		bool first = (cover->signers & bit) == 0;
		cover->signers |= bit;
		// Several good signatures of one key all contain the present: their union is an
		// interval.
		if (first || s->from_s < cover->from_s[s->key])
			cover->from_s[s->key] = s->from_s;
		if (first || s->until_s > cover->until_s[s->key])
			cover->until_s[s->key] = s->until_s;
		if (s->original_ttl_s > cover->ttl_s)
			cover->ttl_s = s->original_ttl_s;
	}
}

// A signature is good up to and including its expiration (RFC 4034 3.1.5); the last second is given
// away, so that rounding never errs to the other side.
struct window cover_window(const struct cover *cover, uint64_t keys)
{
	struct window window = {TIME_EVER_MS, TIME_NEVER_MS};
	for (; keys != 0; keys &= keys - 1) {
		int k = __builtin_ctzll(keys);
		if (cover->from_s[k] * SECOND_MS > window.from_ms)
			window.from_ms = cover->from_s[k] * SECOND_MS;
		if (cover->until_s[k] * SECOND_MS < window.until_ms)
			window.until_ms = cover->until_s[k] * SECOND_MS;
	}
	return window;
}

struct window cover_any(const struct cover *cover)
{
	struct window window = {TIME_NEVER_MS, TIME_EVER_MS};
	for (uint64_t keys = cover->signers; keys != 0; keys &= keys - 1) {
		int k = __builtin_ctzll(keys);
		if (cover->from_s[k] * SECOND_MS < window.from_ms)
			window.from_ms = cover->from_s[k] * SECOND_MS;
		if (cover->until_s[k] * SECOND_MS > window.until_ms)
			window.until_ms = cover->until_s[k] * SECOND_MS;
	}
	return window;
}

// ---- The frame ------------------------------------------------------------------------------

static enum use use_of(const struct dns_message *message)
{
	bool usable = message->rcode == DNS_RCODE_NOERROR || message->rcode == DNS_RCODE_NXDOMAIN;
	if (!usable || message->incomplete || message->opcode != 0)
		return USE_OTHER;
	if (message->aa)
		return USE_AUTHORITATIVE;
	for (size_t i = 0; i < message->section[DNS_AUTHORITY].count; i++)
		if (message->section[DNS_AUTHORITY].rrset[i].type == DNS_TYPE_NS)
			return message->rcode == DNS_RCODE_NOERROR ? USE_REFERRAL : USE_OTHER;
	return USE_OTHER;
}

// What cannot be parsed, for whatever reason, is no answer.
static void reply_parse(
        struct interpretation *in, struct observe_answer *answer, struct reply *reply)
{
	*reply = (struct reply){.answer = answer, .use = USE_NONE};
	if (answer->status != QUERY_ANSWERED || answer->raw == NULL)
		return;
	struct dns_message *message = arena_alloc(in->scratch, sizeof *message);
	struct error ignored;
	if (message == NULL || dns_message_parse(in->scratch, answer->raw, answer->octets, message,
	                               &ignored) != RESULT_OK)
		return;
	reply->message = message;
	reply->use = use_of(message);
	answer->rcode = message->rcode;
	answer->authoritative = message->aa;
}

enum result interpret_key_list(
        struct interpretation *in, const struct dns_rrset *set, struct dns_keys *keys)
{
	if (set->count > SAFETY_MAX_KEYS)
		return RESULT_LIMIT;
	return dns_keys_from_rrset(in->scratch, set, in->cache, keys, NULL);
}

// A set of too many records takes no room from the keys of others.
static void keys_of_reply(struct interpretation *in, const struct reply *reply)
{
	uint16_t type = reply->answer->type;
	char text[DNS_TYPE_TEXT], what[64];
	if (reply->use != USE_AUTHORITATIVE)
		return;
	const struct dns_rrset *set =
	        dns_message_find(reply->message, DNS_ANSWER, in->subject->zone.wire, type);
	struct dns_keys keys;
	enum result result = set != NULL ? interpret_key_list(in, set, &keys) : RESULT_NOT_FOUND;
	if (result == RESULT_LIMIT) {
		snprintf(what, sizeof what, "records in its %s set", dns_type_text(type, text));
		too_many(in, reply, set->count, what, SAFETY_MAX_KEYS);
	}
	if (result != RESULT_OK)
		return;
	for (size_t i = 0; i < keys.count; i++) {
		if (type == DNS_TYPE_CDNSKEY && dns_cdnskey_is_delete(dns_key_rdata(keys.key[i])))
			continue;
		if (round_key(in, keys.key[i]) < 0) {
			problem_add(in, OBSERVE_GAP_LIMIT, true, reply,
			        "There are more than %d different keys; nothing can be said about "
			        "the others.",
			        SAFETY_MAX_KEYS);
			break;
		}
	}
	dns_keys_clear(&keys);
}

// The zone's keys: those that have a name, those that are served, and those that were served before
// and may still have signed something.
static void keys_collect(struct interpretation *in, const struct dns_keys *known)
{
	for (size_t i = 0; i < in->subject->key_count; i++)
		round_key(in, in->subject->keys[i].key);
	for (size_t i = 0; known != NULL && i < known->count; i++)
		round_key(in, known->key[i]);
	for (size_t i = 0; i < in->round->answer_count; i++) {
		enum observe_question question = in->round->answers[i].question;
		if (question == OBSERVE_ASK_DNSKEY || question == OBSERVE_ASK_CDNSKEY)
			keys_of_reply(in, &in->replies[i]);
	}
}

static bool same_place(const struct observe_answer *a, const struct observe_answer *b)
{
	return a->publisher == b->publisher && address_equal(&a->server, &b->server);
}

static void interpret_all(struct interpretation *in, const struct dns_keys *known)
{
	size_t count = in->round->answer_count;
	for (size_t i = 0; i < count; i++)
		reply_parse(in, &in->round->answers[i], &in->replies[i]);
	keys_collect(in, known);
	interpret_parent_keys(in);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count; end++)
			if (!same_place(&in->round->answers[first], &in->round->answers[end]))
				break;
		if (in->round->answers[first].publisher == 0)
			interpret_parent(in, &in->replies[first], end - first);
		else
			interpret_child(in, &in->replies[first], end - first);
	}
	dns_keys_clear(&in->parent_keys);
}

enum result interpret(const struct observe_subject *subject, const struct dns_keys *known,
        struct dns_key_cache *cache, struct observe_round *round, struct error *err)
{
	struct arena *scratch = arena_new(SCRATCH_MAX);
	struct interpretation in = {.subject = subject,
	        .round = round,
	        .scratch = scratch,
	        .cache = cache,
	        .facts_max = SAFETY_KINDS * (round->answer_count + 1),
	        .signals_max = round->answer_count + 1,
	        .problems_max = PROBLEMS_MAX,
	        .err = err};
	if (scratch != NULL) {
		in.replies = arena_array(scratch, round->answer_count + 1, sizeof *in.replies);
		round->facts = arena_array(round->arena, in.facts_max, sizeof *round->facts);
		round->signals = arena_array(round->arena, in.signals_max, sizeof *round->signals);
		round->problems = arena_array(round->arena, PROBLEMS_MAX, sizeof *round->problems);
		round->keys.key =
		        arena_array(round->arena, SAFETY_MAX_KEYS, sizeof *round->keys.key);
	}
	if (scratch == NULL || in.replies == NULL || round->facts == NULL ||
	        round->signals == NULL || round->problems == NULL || round->keys.key == NULL)
		out_of_memory(&in);
	else
		interpret_all(&in, known);
	arena_free(scratch);
	return in.result;
}
