// Faults as sentences.
#include "base/buffer.h"
#include "safety/internal.h"

#include <stdio.h>
#include <string.h>

const char *safety_word_text(enum safety_word word)
{
	static const char *const texts[] = {"safe", "insecure", "bogus", "unreachable"};
	return texts[word];
}

const char *safety_rule_text(enum safety_rule rule)
{
	static const char *const texts[SAFETY_RULES] = {
	        [SAFETY_RULE_INSECURE] = "insecure",
	        [SAFETY_RULE_DS_SIGNATURE] = "ds-signature",
	        [SAFETY_RULE_CHAIN] = "chain",
	        [SAFETY_RULE_KEY_SIGNATURE] = "dnskey-signature",
	        [SAFETY_RULE_DATA] = "data",
	        [SAFETY_RULE_DATA_SIGNATURE] = "data-signature",
	        [SAFETY_RULE_UNREACHABLE] = "unreachable",
	};
	return texts[rule];
}

const char *safety_kind_text(enum safety_kind kind)
{
	static const char *const texts[SAFETY_KINDS] = {"ds", "ns", "dnskey", "data", "serving"};
	return texts[kind];
}

const char *safety_path_text(enum safety_path path)
{
	return path == SAFETY_DIRECT ? "direct" : "forwarder";
}

struct teller {
	const struct safety_history *h;
	enum safety_time_style style;
	struct buffer *out;
};

static void tell_time(struct teller *t, int64_t at_ms)
{
	char text[TIME_TEXT + DURATION_TEXT];
	if (t->style == SAFETY_TIME_UTC || at_ms == TIME_NEVER_MS || at_ms == TIME_EVER_MS)
		buffer_puts(t->out, time_format(at_ms, text));
	else
		buffer_puts(t->out, duration_format(at_ms, text));
}

static void tell_keys(struct teller *t, uint64_t keys)
{
	if (keys == 0)
		buffer_puts(t->out, "no key");
	for (const char *comma = ""; keys != 0; keys &= keys - 1, comma = ", ")
		buffer_printf(t->out, "%s%s", comma, safety_key_name(t->h, __builtin_ctzll(keys)));
}

static uint64_t keys_of_ds(const struct safety_history *h, uint64_t records)
{
	uint64_t keys = 0;
	for (; records != 0; records &= records - 1)
		keys |= UINT64_C(1) << h->ds_key[__builtin_ctzll(records)];
	return keys;
}

static void tell_groups(struct teller *t, uint64_t groups)
{
	if (groups == 0)
		buffer_puts(t->out, "nobody");
	for (const char *comma = ""; groups != 0; groups &= groups - 1, comma = ", ")
		buffer_printf(t->out, "%s%s", comma,
		        safety_publisher_name(t->h, __builtin_ctzll(groups)));
}

// "the DNSKEY set (Ka, Za; signed by Ka)"
static void tell_edition(struct teller *t, int16_t index)
{
	const struct safety_edition *e = &t->h->editions[index];
	switch ((enum safety_kind)e->kind) {
	case SAFETY_DS:
		if (e->content == 0)
			buffer_puts(t->out, "the proof that there is no DS");
		else {
			buffer_puts(t->out, "the DS set (for ");
			tell_keys(t, keys_of_ds(t->h, e->content));
			buffer_puts(t->out, ")");
		}
		break;
	case SAFETY_NS:
		buffer_puts(t->out, "the NS set (to ");
		tell_groups(t, e->content);
		buffer_puts(t->out, ")");
		break;
	case SAFETY_DNSKEY:
		buffer_puts(t->out, "the DNSKEY set (");
		tell_keys(t, e->content);
		buffer_puts(t->out, "; signed by ");
		tell_keys(t, e->signers);
		buffer_puts(t->out, ")");
		break;
	case SAFETY_DATA:
		buffer_puts(t->out, "data signed by ");
		tell_keys(t, e->content);
		break;
	case SAFETY_SERVING:
	case SAFETY_KINDS:
	default:
		buffer_puts(t->out, "answers");
		break;
	}
}

static void tell_publisher(struct teller *t, int16_t index)
{
	buffer_puts(t->out, safety_publisher_name(t->h, t->h->editions[index].publisher));
}

// "A resolver that fetched X from P as late as T may use it until U"
static void tell_cached(struct teller *t, const struct safety_fault *f)
{
	bool trusted = f->rule == SAFETY_RULE_DATA && f->cached == f->dnskey;
	buffer_puts(t->out, trusted ? "A resolver that fetched and validated "
	                    : f->path == SAFETY_FORWARDER
	                            ? "A cache without validation that fetched "
	                            : "A resolver that fetched ");
	tell_edition(t, f->cached);
	buffer_puts(t->out, " from ");
	tell_publisher(t, f->cached);
	if (f->cached_fetch_ms != TIME_NEVER_MS) {
		buffer_puts(t->out, ", as late as just before ");
		tell_time(t, f->cached_fetch_ms);
	}
	if (f->cached_until_ms != TIME_NEVER_MS) {
		buffer_puts(t->out, ", may use it until ");
		tell_time(t, f->cached_until_ms);
	} else
		buffer_puts(t->out, " may use it");
}

static void tell_from(struct teller *t, int64_t at_ms)
{
	if (at_ms == TIME_EVER_MS)
		buffer_puts(t->out, "; from the start ");
	else {
		buffer_puts(t->out, "; from ");
		tell_time(t, at_ms);
		buffer_puts(t->out, " ");
	}
}

static void tell_other(struct teller *t, int16_t index)
{
	tell_publisher(t, index);
	buffer_puts(t->out, " serves ");
	tell_edition(t, index);
}

static void tell_signature(struct teller *t, const struct safety_fault *f, int16_t index)
{
	const struct safety_edition *e = &t->h->editions[index];
	bool early = f->at_ms < e->signed_from_ms;
	tell_publisher(t, index);
	buffer_puts(t->out, " serves ");
	tell_edition(t, index);
	if (e->signed_until_ms == TIME_EVER_MS)
		buffer_puts(t->out, " without a valid signature");
	else {
		buffer_puts(t->out, early ? " before its signature is valid, at "
		                          : " with a signature valid only until ");
		tell_time(t, early ? e->signed_from_ms : e->signed_until_ms);
	}
	buffer_printf(t->out, ", and a %s meets it from ",
	        f->path == SAFETY_FORWARDER ? "validator behind a cache" : "resolver");
	tell_time(t, f->at_ms);
	buffer_puts(t->out, " on.");
}

static void tell_chain(struct teller *t, const struct safety_fault *f)
{
	tell_cached(t, f);
	tell_from(t, f->at_ms);
	tell_other(t, f->cached == f->ds ? f->dnskey : f->ds);
	buffer_puts(t->out, f->cached == f->ds ? ", to which that DS set does not lead."
	                                       : ", which does not lead to that DNSKEY set.");
}

static void tell_data(struct teller *t, const struct safety_fault *f)
{
	tell_cached(t, f);
	tell_from(t, f->at_ms);
	if (f->cached == f->dnskey) {
		tell_publisher(t, f->data);
		buffer_puts(t->out, " serves data signed only by ");
		tell_keys(t, t->h->editions[f->data].content);
		buffer_puts(t->out, ", which that DNSKEY set does not cover.");
	} else {
		tell_other(t, f->dnskey);
		buffer_puts(t->out, ", which does not cover that data.");
	}
}

static void tell_unreachable(struct teller *t, const struct safety_fault *f)
{
	tell_cached(t, f);
	tell_from(t, f->at_ms);
	tell_groups(t, t->h->editions[f->ns].content);
	buffer_puts(t->out, " cannot be relied on to answer for the zone.");
}

static void tell_insecure(struct teller *t, const struct safety_fault *f)
{
	buffer_puts(t->out,
	        "The parent publishes no DS, so that resolvers see the zone as insecure from ");
	tell_time(t, f->at_ms);
	if (f->until_ms != TIME_NEVER_MS) {
		buffer_puts(t->out, " until as late as ");
		tell_time(t, f->until_ms);
	}
	buffer_puts(t->out, f->until_ms != TIME_NEVER_MS ? "." : " on.");
}

void safety_fault_text(const struct safety_history *history, const struct safety_fault *fault,
        enum safety_time_style style, struct buffer *out)
{
	struct teller t = {.h = history, .style = style, .out = out};
	switch (fault->rule) {
	case SAFETY_RULE_INSECURE:
		tell_insecure(&t, fault);
		break;
	case SAFETY_RULE_DS_SIGNATURE:
		tell_signature(&t, fault, fault->ds);
		break;
	case SAFETY_RULE_KEY_SIGNATURE:
		tell_signature(&t, fault, fault->dnskey);
		break;
	case SAFETY_RULE_DATA_SIGNATURE:
		tell_signature(&t, fault, fault->data);
		break;
	case SAFETY_RULE_CHAIN:
		tell_chain(&t, fault);
		break;
	case SAFETY_RULE_DATA:
		tell_data(&t, fault);
		break;
	case SAFETY_RULE_UNREACHABLE:
		tell_unreachable(&t, fault);
		break;
	case SAFETY_RULES:
	default:
		break;
	}
}
