// Contents in words: keys by tag, algorithm and role, NS sets by the names in them.
#include "cmd/watch.h"

#include <stdlib.h>
#include <string.h>

#include "dns/message.h"

enum { WORDS_MAX = 64 << 10 };

static const char *taken(const struct watch_report *report, struct buffer *text)
{
	const char *copy = arena_strdup(report->arena, buffer_text(text));
	buffer_free(text);
	return copy != NULL ? copy : "";
}

static const struct dns_key *known_key(const struct watch_report *report, int key)
{
	bool known = key >= 0 && (size_t)key < observe_view_key_count(report->view);
	return known ? observe_view_key(report->view, (size_t)key) : NULL;
}

// Two keys can have one tag; then the start of the key's digest tells them apart.
static bool is_ambiguous(const struct watch_report *report, int key)
{
	const struct dns_key *one = known_key(report, key);
	for (size_t i = 0; i < observe_view_key_count(report->view); i++) {
		const struct dns_key *other = observe_view_key(report->view, i);
		if (other != one && dns_key_tag(other) == dns_key_tag(one) &&
		        dns_key_algorithm(other) == dns_key_algorithm(one))
			return true;
	}
	return false;
}

static void put_key(const struct watch_report *report, int key, struct buffer *out)
{
	const struct dns_key *k = known_key(report, key);
	char id[DNS_KEY_ID_TEXT];
	if (k == NULL) {
		buffer_puts(out, safety_key_name(&report->history, key));
		return;
	}
	buffer_printf(out, "%u/%u", dns_key_tag(k), dns_key_algorithm(k));
	if (is_ambiguous(report, key))
		buffer_printf(out, " (digest %.8s)", dns_key_id(k, id));
}

const char *watch_key(const struct watch_report *report, int key)
{
	struct buffer out = buffer_init(WORDS_MAX);
	put_key(report, key, &out);
	return taken(report, &out);
}

const char *watch_keys(const struct watch_report *report, uint64_t keys)
{
	struct buffer out = buffer_init(WORDS_MAX);
	for (const char *comma = ""; keys != 0; keys &= keys - 1, comma = ", ") {
		buffer_puts(&out, comma);
		put_key(report, __builtin_ctzll(keys), &out);
	}
	return taken(report, &out);
}

static const char *role(const struct dns_key *key)
{
	if (key == NULL || !dns_key_is_zone_key(key))
		return "no zone key";
	if (dns_key_is_revoked(key))
		return "revoked";
	return dns_key_is_sep(key) ? "KSK" : "ZSK";
}

static void put_dnskey(
        const struct watch_report *report, uint64_t content, uint64_t signers, struct buffer *out)
{
	if (content == 0)
		buffer_puts(out, "none");
	for (const char *comma = ""; content != 0; content &= content - 1, comma = ", ") {
		int key = __builtin_ctzll(content);
		buffer_puts(out, comma);
		put_key(report, key, out);
		buffer_printf(out, " %s%s", role(known_key(report, key)),
		        (signers >> key & 1) != 0 ? " signing" : "");
	}
}

static void put_ds(const struct watch_report *report, uint64_t content, struct buffer *out)
{
	if (content == 0)
		buffer_puts(out, "none");
	for (const char *comma = ""; content != 0; content &= content - 1, comma = ", ") {
		int ds = __builtin_ctzll(content);
		char digest[DNS_DIGEST_TEXT];
		buffer_puts(out, comma);
		put_key(report, report->history.ds_key[ds], out);
		buffer_printf(out, " %s", dns_digest_text(report->history.ds_digest[ds], digest));
	}
}

static void put_groups(const struct watch_report *report, uint64_t groups, struct buffer *out)
{
	if (groups == 0)
		buffer_puts(out, "nobody known");
	for (const char *comma = ""; groups != 0; groups &= groups - 1, comma = ", ")
		buffer_printf(out, "%s%s", comma,
		        safety_publisher_name(&report->history, __builtin_ctzll(groups)));
}

const char *watch_content(const struct watch_report *report, int publisher, enum safety_kind kind,
        uint64_t content, uint64_t signers)
{
	struct buffer out = buffer_init(WORDS_MAX);
	(void)publisher;
	switch (kind) {
	case SAFETY_DS:
		put_ds(report, content, &out);
		break;
	case SAFETY_NS:
		put_groups(report, content, &out);
		break;
	case SAFETY_DNSKEY:
		put_dnskey(report, content, signers, &out);
		break;
	case SAFETY_DATA:
		buffer_printf(&out, "signed by %s",
		        content != 0 ? watch_keys(report, content) : "no key of the zone");
		break;
	case SAFETY_SERVING:
	case SAFETY_KINDS:
	default:
		buffer_puts(&out, content != 0 ? "answers" : "does not serve the zone");
		break;
	}
	return taken(report, &out);
}

// ---- NS sets --------------------------------------------------------------------------------

static int compare_names(const void *a, const void *b)
{
	struct dns_name one, other;
	const struct dns_rdata *x = a, *y = b;
	size_t length;
	if (dns_name_check(x->octets, x->length, &one, &length, NULL) != RESULT_OK ||
	        dns_name_check(y->octets, y->length, &other, &length, NULL) != RESULT_OK)
		return 0;
	return dns_name_compare(one.wire, other.wire);
}

static const char *put_names(const struct watch_report *report, const struct dns_rrset *set)
{
	struct buffer out = buffer_init(WORDS_MAX);
	struct dns_rdata *sorted =
	        arena_memdup(report->arena, set->rdata, set->count * sizeof *sorted);
	const char *comma = "";
	if (sorted == NULL)
		return "";
	qsort(sorted, set->count, sizeof *sorted, compare_names);
	for (size_t i = 0; i < set->count; i++) {
		struct dns_name name, lower;
		char text[DNS_NAME_TEXT];
		size_t length;
		if (dns_name_check(sorted[i].octets, sorted[i].length, &name, &length, NULL) !=
		        RESULT_OK)
			continue;
		dns_name_lower(&lower, name.wire);
		buffer_printf(&out, "%s%s", comma, dns_name_text(lower.wire, text));
		comma = ", ";
	}
	return taken(report, &out);
}

static const char *names_in(const struct watch_report *report, const struct observe_answer *answer)
{
	struct arena *scratch = arena_new(DNS_MESSAGE_ARENA);
	struct dns_message message;
	const struct dns_rrset *set = NULL;
	const char *names = NULL;
	if (scratch != NULL && dns_message_parse(scratch, answer->raw, answer->octets, &message,
	                               NULL) == RESULT_OK) {
		set = dns_message_find(
		        &message, DNS_ANSWER, report->subject->zone.wire, DNS_TYPE_NS);
		if (set == NULL && answer->question == OBSERVE_ASK_DELEGATION)
			set = dns_message_find(
			        &message, DNS_AUTHORITY, report->subject->zone.wire, DNS_TYPE_NS);
	}
	if (set != NULL && set->count > 0)
		names = put_names(report, set);
	arena_free(scratch);
	return names;
}

const char *watch_ns(const struct watch_report *report, int publisher, const struct address *server)
{
	enum observe_question question = publisher == 0 ? OBSERVE_ASK_DELEGATION : OBSERVE_ASK_NS;
	const struct observe_round *round = report->round;
	for (size_t i = 0; round != NULL && i < round->answer_count; i++) {
		const struct observe_answer *answer = &round->answers[i];
		if (answer->publisher == publisher && answer->question == question &&
		        answer->raw != NULL && address_equal(&answer->server, server))
			return names_in(report, answer);
	}
	return NULL;
}
