// What must be so before a change begins: a small fixed vocabulary of sentences.
#include "procedure/parser.h"

#include <ctype.h>
#include <string.h>

// P and Q stand for parties; an optional "+ duration" is said by `margin`.
static const struct form {
	enum procedure_require kind;
	bool margin;
	const char *id, *words, *sentence;
} forms[] = {
        {PROCEDURE_SAME_ALGORITHMS, false, "same-algorithms", "same algorithms at P and Q",
                "The keys of P and Q use the same algorithms."},
        {PROCEDURE_SAME_DIGESTS, false, "same-digests", "same digest types at P and Q",
                "The DS records of P's and Q's keys use the same digest types."},
        {PROCEDURE_DIFFERENT_TAGS, false, "different-tags", "different key tags at P and Q",
                "No key of P has the tag and algorithm of a key of Q."},
        {PROCEDURE_NO_ROLLOVER, false, "no-rollover", "no rollover in progress at P",
                "P's DNSKEY set has not changed within its largest TTL, and no key of it waits for "
                "its turn."},
        {PROCEDURE_SIGNATURES_OUTLAST, true, "signatures-outlast", "signatures outlast plan",
                "Every signature is valid, or renewed, beyond the plan, its undo and the largest "
                "TTL."},
        {PROCEDURE_ALL_ADDRESSES, false, "all-addresses", "every address answers and agrees",
                "Every address of every server of parent and child answers, and all say the same."},
        {PROCEDURE_DELEGATION_AGREES, false, "delegation-agrees", "delegation and child NS agree",
                "The NS set at the parent is the NS set in the zone."},
        {PROCEDURE_AUTOMATION_FROZEN, false, "automation-frozen", "DS automation frozen at P",
                "P publishes no CDS or CDNSKEY that could change the DS set during the change."},
        {PROCEDURE_TTLS_KNOWN, false, "ttls-known", "largest TTLs known",
                "The largest TTL in the zone is known from a transfer, a declaration, or "
                "observation."},
        {PROCEDURE_CONTACTS_ANSWERED, false, "contacts-answered", "contacts have answered",
                "The contacts of every party have answered a message about this change."},
        {PROCEDURE_MAY_BE_INSECURE, false, "may-be-insecure", "zone may be insecure",
                "Nobody depends on the zone being signed at every moment (DANE, SSHFP), and the "
                "registrant "
                "agrees."},
        {PROCEDURE_ANSWERS, false, "answers", "P answers for the zone",
                "Every server of P answers authoritatively for the zone, over UDP and TCP."},
        {PROCEDURE_SAME_DATA, false, "same-data", "same data at P and Q",
                "P and Q serve the same records, but for keys, signatures and NS."},
        {PROCEDURE_TRANSFER_KEEPS, false, "transfer-keeps",
                "P keeps the delegation through a transfer",
                "P leaves NS and DS as they are when the domain changes registrar."},
};

enum { FORMS = sizeof forms / sizeof *forms };

_Static_assert((int)FORMS == (int)PROCEDURE_REQUIRES, "one form for each condition");

// The sentence with the parties' names in it.
static const char *fill_in(struct parser *parser, const char *sentence, const int *party)
{
	struct buffer text = buffer_init(1000);
	for (const char *p = sentence; *p != '\0'; p++) {
		bool alone = (p == sentence || !isalnum((unsigned char)p[-1])) &&
		             !isalnum((unsigned char)p[1]);
		int which = *p == 'P' ? 0 : *p == 'Q' ? 1 : -1;
		if (alone && which >= 0 && party[which] >= 0)
			buffer_puts(&text, parser->p->parties[party[which]].id);
		else
			buffer_add(&text, p, 1);
	}
	const char *copy = arena_strdup(parser->arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

static bool next_word(const char **text, char *word, size_t size)
{
	*text += strspn(*text, " ");
	size_t length = strcspn(*text, " ");
	if (length == 0 || length >= size)
		return false;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length;
	return true;
}

// How many words of the form the text has, from the beginning. Parties are matched by any word.
static size_t words_in_common(const struct form *form, const char *text)
{
	char have[64], want[64];
	const char *words = form->words;
	size_t n = 0;
	while (next_word(&words, want, sizeof want) && next_word(&text, have, sizeof have)) {
		bool party = strcmp(want, "P") == 0 || strcmp(want, "Q") == 0;
		if (!party && strcmp(have, want) != 0)
			break;
		n += party ? 1 : 2;
	}
	return n;
}

static const struct form *nearest_form(const char *text)
{
	const struct form *best = NULL;
	size_t most = 1; // a party alone is no likeness
	for (size_t i = 0; i < FORMS; i++) {
		size_t n = words_in_common(&forms[i], text);
		if (n > most) {
			most = n;
			best = &forms[i];
		}
	}
	return best;
}

static enum result match_word(struct cursor *c, const struct form *form, const char *want,
        struct procedure_requirement *r)
{
	if (strcmp(want, "P") == 0 || strcmp(want, "Q") == 0)
		return cursor_party(c, &r->party[want[0] == 'Q']);
	if (!cursor_is_word(c, want))
		return cursor_error(c, "expected '%s', as in '%s', here is %s", want, form->words,
		        cursor_token_text(c));
	return cursor_advance(c);
}

static enum result match_margin(struct cursor *c, struct procedure_requirement *r)
{
	struct error inner = {0};
	if (!cursor_is_sign(c, '+'))
		return cursor_error(
		        c, "%s is too much, expected '+ 7d' or the end", cursor_token_text(c));
	enum result result = cursor_advance(c);
	if (result != RESULT_OK)
		return result;
	if (c->token != TOKEN_NUMBER || duration_parse(c->text, &r->margin_ms, &inner) != RESULT_OK)
		return cursor_error(
		        c, "expected a duration such as 7d, here is %s", cursor_token_text(c));
	result = cursor_advance(c);
	return result == RESULT_OK ? cursor_expect_end(c, "the end") : result;
}

static enum result match_form(
        struct cursor *c, const struct form *form, struct procedure_requirement *r)
{
	char want[64];
	const char *words = form->words;
	enum result result = RESULT_OK;
	while (result == RESULT_OK && next_word(&words, want, sizeof want))
		result = match_word(c, form, want, r);
	if (result != RESULT_OK || c->token == TOKEN_END)
		return result;
	return form->margin ? match_margin(c, r) : cursor_expect_end(c, "the end");
}

enum result parse_requirement(
        struct parser *parser, const struct yaml_node *node, struct procedure_requirement *r)
{
	struct cursor c;
	enum result result = yaml_text(node, "requires", &r->text, parser->err);
	if (result != RESULT_OK)
		return result;
	const struct form *form = nearest_form(r->text);
	if (form == NULL)
		return yaml_error(node, parser->err,
		        "unknown condition '%.80s', expected one such as '%s' (baton-procedure(5) "
		        "has the "
		        "list)",
		        r->text, forms[0].words);
	result = cursor_open(&c, parser, node);
	r->kind = form->kind;
	r->id = form->id;
	r->party[0] = r->party[1] = -1;
	r->line = node->line;
	r->column = node->column;
	if (result == RESULT_OK)
		result = match_form(&c, form, r);
	if (result != RESULT_OK)
		return result;
	r->sentence = fill_in(parser, form->sentence, r->party);
	return r->sentence != NULL
	               ? RESULT_OK
	               : error_set(parser->err, RESULT_MEMORY, "no memory for a condition");
}
