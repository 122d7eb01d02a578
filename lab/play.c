#include "play.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "safety/timeline.h"

#include <poll.h>
#include <string.h>

#define LAB_ROOT LAB_PARTIES // as a party

// The names that a timeline has for what is in the lab.
static const struct {
	const char *name, *dnskey, *ds;
	int party;
	bool signs_keys;
} lab_keys[] = {
        {"Ka", "${LOSING_KSK}", "${LOSING_DS}", LAB_LOSING, true},
        {"Za", "${LOSING_ZSK}", NULL, LAB_LOSING, false},
        {"Kn", "${LOSING_KSK_NEW}", "${LOSING_DS_NEW}", LAB_LOSING, true},
        {"Kb", "${GAINING_KSK}", "${GAINING_DS}", LAB_GAINING, true},
        {"Zb", "${GAINING_ZSK}", NULL, LAB_GAINING, false},
        {"Kold", NULL, NULL, LAB_ROOT, true},
        {"Knew", NULL, NULL, LAB_ROOT, true},
        {"Krevoked", NULL, NULL, LAB_ROOT, true},
        {"Z", NULL, NULL, LAB_ROOT, false},
};
#define LAB_KEY_NEXT    2 // indices
#define LAB_KEY_OLD     5
#define LAB_KEY_NEW     6
#define LAB_KEY_REVOKED 7
#define LAB_KEYS        (sizeof(lab_keys) / sizeof(lab_keys[0]))

static const struct {
	const char *name, *ns[LAB_PARTY_SERVERS];
} lab_groups[LAB_ROOT + 1] = {
        [LAB_REGISTRY] = {"parent", {NULL, NULL}},
        [LAB_LOSING] = {"A", {"${LOSING_NS1}", "${LOSING_NS2}"}},
        [LAB_GAINING] = {"B", {"${GAINING_NS1}", "${GAINING_NS2}"}},
        [LAB_ROOT] = {"root", {NULL, NULL}},
};

struct loader {
	struct play *play;
	const struct safety_history *h;
	struct error *err;
	int party[SAFETY_MAX_PUBLISHERS]; // by number of the publisher
	int key[SAFETY_MAX_KEYS];         // index into lab_keys, by number of the key
};

static enum result unplayable(const struct loader *l, const char *why)
{
	return error_set(l->err, RESULT_INPUT, "%s: the lab cannot play this timeline: %s",
	        l->play->file, why);
}

static enum result load_names(struct loader *l)
{
	for (int i = 0; i < l->h->publishers; i++) {
		l->party[i] = -1;
		for (int party = 0; party <= LAB_ROOT; party++)
			if (strcmp(safety_publisher_name(l->h, i), lab_groups[party].name) == 0)
				l->party[i] = party;
		if (l->party[i] < 0)
			return unplayable(l, "its groups are A and B, or root");
		l->play->of_root |= l->party[i] == LAB_ROOT;
	}
	if (l->play->of_root && l->h->publishers != 2)
		return unplayable(l, "beside the root there is no other group");
	for (int i = 0; i < l->h->keys; i++) {
		l->key[i] = -1;
		for (size_t k = 0; k < LAB_KEYS; k++)
			if (strcmp(safety_key_name(l->h, i), lab_keys[k].name) == 0)
				l->key[i] = (int)k;
		bool of_root = l->key[i] >= 0 && lab_keys[l->key[i]].party == LAB_ROOT;
		if (l->key[i] < 0 || l->h->key_algorithm[i] != 13 || of_root != l->play->of_root)
			return unplayable(l,
			        "its keys are Ka, Za, Kn, Kb and Zb, or those of the root "
			        "Kold, Knew, Krevoked and Z, all with algorithm 13");
	}
	return RESULT_OK;
}

// --- how the lab starts -------------------------------------------------------------------------

static bool is_there_at_start(int key)
{
	return key != LAB_KEY_NEXT && key != LAB_KEY_NEW && key != LAB_KEY_REVOKED;
}

static uint64_t bits_of_keys(const struct loader *l, int party, bool ksk, bool zsk)
{
	uint64_t bits = 0;
	for (int i = 0; i < l->h->keys; i++)
		if (lab_keys[l->key[i]].party == party && is_there_at_start(l->key[i]) &&
		        (lab_keys[l->key[i]].signs_keys ? ksk : zsk))
			bits |= UINT64_C(1) << i;
	return bits;
}

static uint64_t bits_of_ds(const struct loader *l, int party)
{
	uint64_t bits = 0;
	for (int i = 0; i < l->h->ds; i++)
		if (lab_keys[l->key[l->h->ds_key[i]]].party == party &&
		        is_there_at_start(l->key[l->h->ds_key[i]]))
			bits |= UINT64_C(1) << i;
	return bits;
}

static uint64_t bits_of_group(const struct loader *l, int party)
{
	uint64_t bits = 0;
	for (int i = 0; i < l->h->publishers; i++)
		if (l->party[i] == party)
			bits |= UINT64_C(1) << i;
	return bits;
}

static bool is_lab_start(const struct loader *l, const struct safety_edition *e)
{
	int party = l->party[e->publisher];
	int first = l->play->of_root ? LAB_ROOT : LAB_LOSING;
	int serves = party == LAB_REGISTRY ? first : party;
	switch ((enum safety_kind)e->kind) {
	case SAFETY_DS:
		return e->content == bits_of_ds(l, first);
	case SAFETY_NS:
		return e->content == bits_of_group(l, serves);
	case SAFETY_DNSKEY:
		return e->content == bits_of_keys(l, party, true, true) &&
		       e->signers == bits_of_keys(l, party, true, false);
	case SAFETY_DATA:
		return e->content == bits_of_keys(l, party, false, true);
	case SAFETY_SERVING:
		return e->content == 1;
	case SAFETY_KINDS:
	default:
		return false;
	}
}

static enum lab_ttl ttl_of(const struct safety_edition *e)
{
	switch ((enum safety_kind)e->kind) {
	case SAFETY_DS:
		return e->content != 0 ? LAB_TTL_DS : LAB_TTL_DS_NONE;
	case SAFETY_NS:
		return e->publisher == 0 ? LAB_TTL_PARENT_NS : LAB_TTL_CHILD_NS;
	case SAFETY_DNSKEY:
		return LAB_TTL_DNSKEY;
	case SAFETY_DATA:
	case SAFETY_SERVING:
	case SAFETY_KINDS:
	default:
		return LAB_TTL_DATA;
	}
}

static enum result load_ttl(struct loader *l, const struct safety_edition *e)
{
	uint32_t *ttl_s = &l->play->ttl_s[ttl_of(e)];
	if (e->kind == SAFETY_SERVING)
		return RESULT_OK;
	if (l->play->of_root)
		return e->publisher == 0 || e->ttl_s == LAB_FOLLOWED_TTL_S
		               ? RESULT_OK
		               : unplayable(l, "the TTLs of the root are 4s");
	if (*ttl_s != 0 && *ttl_s != e->ttl_s)
		return unplayable(l, "the TTLs of the lab do not change");
	if (e->ttl_s == 0 || e->ttl_s > LAB_TTL_MAX_S)
		return unplayable(l, "a TTL is 1s to 1d");
	*ttl_s = e->ttl_s;
	return RESULT_OK;
}

// --- what the events do -------------------------------------------------------------------------

static struct play_act *act_at(struct loader *l, const struct safety_edition *e)
{
	struct play *p = l->play;
	int party = l->party[e->publisher];
	for (size_t i = 0; i < p->acts; i++)
		if (p->act[i].at_ms == e->from_ms && p->act[i].party == party)
			return &p->act[i];
	if (p->acts == PLAY_MAX_ACTS)
		return NULL;
	size_t i = p->acts++;
	for (; i > 0 && p->act[i - 1].at_ms > e->from_ms; i--)
		p->act[i] = p->act[i - 1];
	p->act[i] = (struct play_act){.at_ms = e->from_ms,
	        .lag_ms = (int64_t)l->h->lag_s[e->publisher] * SECOND_MS,
	        .party = party};
	return &p->act[i];
}

static bool add_line(
        struct play_act *act, bool add, uint32_t ttl_s, const char *type, const char *rdata)
{
	if (act->count == PLAY_MAX_LINES || rdata == NULL)
		return false;
	act->line[act->count++] =
	        (struct play_line){.add = add, .type = type, .rdata = rdata, .ttl_s = ttl_s};
	return true;
}

// The records behind one bit of an edition's content.
static bool add_lines(const struct loader *l, struct play_act *act, const struct safety_edition *e,
        int bit, bool add)
{
	const char *const *ns;
	switch ((enum safety_kind)e->kind) {
	case SAFETY_DS:
		return l->h->ds_digest[bit] == 2 &&
		       add_line(act, add, e->ttl_s, "DS", lab_keys[l->key[l->h->ds_key[bit]]].ds);
	case SAFETY_NS:
		ns = lab_groups[l->party[bit]].ns;
		return add_line(act, add, e->ttl_s, "NS", ns[0]) &&
		       add_line(act, add, e->ttl_s, "NS", ns[1]);
	case SAFETY_DNSKEY:
		if (!add_line(act, add, e->ttl_s, "DNSKEY", lab_keys[l->key[bit]].dnskey))
			return false;
		act->line[act->count - 1].by_signer = l->key[bit] == LAB_KEY_NEXT;
		return true;
	case SAFETY_DATA:
	case SAFETY_SERVING:
	case SAFETY_KINDS:
	default:
		return false;
	}
}

static const char *root_key_state(const struct loader *l, const struct safety_edition *e, bool old)
{
	const char *state = "absent";
	for (int i = 0; i < l->h->keys; i++) {
		uint64_t bit = UINT64_C(1) << i;
		int key = l->key[i];
		if ((e->content & bit) == 0)
			continue;
		if (old && key == LAB_KEY_REVOKED)
			state = "revoked";
		if (key == (old ? LAB_KEY_OLD : LAB_KEY_NEW))
			state = (e->signers & bit) != 0 ? "signing" : "published";
	}
	return state;
}

static bool is_trusted(const struct loader *l, const struct safety_edition *e, int key)
{
	for (int i = 0; i < l->h->ds; i++)
		if (l->key[l->h->ds_key[i]] == key && (e->content & UINT64_C(1) << i) != 0)
			return true;
	return false;
}

// What validators trust is nobody's act: they are looked at. Of the root only the DNSKEY set
// changes.
static enum result load_root_change(struct loader *l, const struct safety_edition *after)
{
	struct play_act *act = act_at(l, after);
	if (act == NULL || after->kind != (after->publisher == 0 ? SAFETY_DS : SAFETY_DNSKEY))
		return unplayable(l, "its events change ds at the parent, DNSKEY at the root");
	if (after->kind == SAFETY_DS) {
		act->root_old = is_trusted(l, after, LAB_KEY_OLD) ? "valid" : "revoked,unknown";
		act->root_new = is_trusted(l, after, LAB_KEY_NEW) ? "valid" : "pending,unknown";
		return RESULT_OK;
	}
	act->root_old = root_key_state(l, after, true);
	act->root_new = root_key_state(l, after, false);
	return RESULT_OK;
}

// A signer signs the DNSKEY set with its own keys, and with each KSK of them that it publishes.
static bool signs_as_it_does(const struct loader *l, const struct safety_edition *before,
        const struct safety_edition *after)
{
	uint64_t next = 0;
	for (int i = 0; i < l->h->keys; i++)
		next |= l->key[i] == LAB_KEY_NEXT ? UINT64_C(1) << i : 0;
	bool others_same = ((before->signers ^ after->signers) & ~next) == 0;
	return after->kind != SAFETY_DNSKEY ||
	       (others_same && (after->signers & next) == (after->content & next));
}

// Additions come first: the last NS record of a zone cannot be deleted (RFC 2136 section 3.4.2.4).
static enum result load_change(
        struct loader *l, const struct safety_edition *before, const struct safety_edition *after)
{
	struct play_act *act = act_at(l, after);
	if (act == NULL)
		return unplayable(l, "too many events");
	if (!signs_as_it_does(l, before, after))
		return unplayable(l, "its operators sign with their own keys");
	if (after->kind == SAFETY_SERVING && act->party == LAB_LOSING && after->content == 0) {
		act->stops = true;
		return RESULT_OK;
	}
	uint64_t both = before->content | after->content;
	for (int add = 1; add >= 0; add--)
		for (int bit = 0; bit < 64; bit++) {
			uint64_t one = UINT64_C(1) << bit;
			bool is_old = (before->content & one) != 0,
			     is_new = (after->content & one) != 0;
			if ((both & one) == 0 || is_old == is_new || is_new != (add == 1))
				continue;
			if (!add_lines(l, act, after, bit, add == 1))
				return unplayable(l, "its events change DS and NS records at the "
				                     "parent, DNSKEY and NS records at A and B, "
				                     "or A serves no longer");
		}
	return RESULT_OK;
}

static const struct safety_edition *edition_before(const struct loader *l, int index)
{
	const struct safety_edition *e = &l->h->editions[index], *before = NULL;
	for (int i = 0; i < l->h->count; i++) {
		const struct safety_edition *other = &l->h->editions[i];
		if (other->publisher == e->publisher && other->kind == e->kind &&
		        other->from_ms < e->from_ms &&
		        (before == NULL || other->from_ms > before->from_ms))
			before = other;
	}
	return before;
}

static enum result load_edition(struct loader *l, int index)
{
	const struct safety_edition *e = &l->h->editions[index], *before = edition_before(l, index);
	if (e->signed_from_ms != TIME_EVER_MS || e->signed_until_ms != TIME_NEVER_MS)
		return unplayable(l, "signatures do not expire in the lab");
	enum result result = load_ttl(l, e);
	if (result != RESULT_OK)
		return result;
	if (before == NULL)
		return is_lab_start(l, e)
		               ? RESULT_OK
		               : unplayable(l, "its start is not how the lab starts: parent ds "
		                               "[Ka] and ns [A], each operator with its own "
		                               "keys and servers; or parent ds [Kold] and ns "
		                               "[root], and the root with Kold and Z");
	return l->play->of_root ? load_root_change(l, e) : load_change(l, before, e);
}

// --- what the model says ------------------------------------------------------------------------

// The first instant at which the verdict for a path is `word` or worse.
static enum result first_instant(const struct timeline *tl, enum safety_path path,
        enum safety_word word, int64_t *at_ms, struct error *err)
{
	int64_t low_ms = -1, high_ms = tl->until_ms;
	while (low_ms + 1 < high_ms) {
		struct safety_verdict v;
		int64_t middle_ms = low_ms + (high_ms - low_ms) / 2;
		if (safety_judge(&tl->history, &tl->readers, 0, middle_ms, &v) != RESULT_OK)
			return error_set(err, RESULT_MEMORY, "out of memory");
		*(v.path[path].word >= word ? &high_ms : &low_ms) = middle_ms;
	}
	*at_ms = high_ms;
	return RESULT_OK;
}

static enum result forecast_path(struct arena *arena, const struct timeline *tl,
        const struct safety_verdict *v, enum safety_path path, struct play_forecast *f,
        struct error *err)
{
	const struct safety_fault *fault = &v->path[path].fault;
	struct buffer text = buffer_init(1u << 14);
	enum result result = RESULT_OK;
	*f = (struct play_forecast){.word = v->path[path].word,
	        .insecure_ms = TIME_NEVER_MS,
	        .bogus_ms = TIME_NEVER_MS,
	        .witness = ""};
	if (f->word == SAFETY_SAFE)
		return RESULT_OK;
	if (v->path[path].insecure_ms > 0)
		result = first_instant(tl, path, SAFETY_INSECURE, &f->insecure_ms, err);
	if (result == RESULT_OK && f->word >= SAFETY_BOGUS)
		result = first_instant(tl, path, SAFETY_BOGUS, &f->bogus_ms, err);
	if (fault->cached >= 0)
		f->ttl_ms = (int64_t)tl->history.editions[fault->cached].ttl_s * SECOND_MS;
	safety_fault_text(&tl->history, fault, SAFETY_TIME_RELATIVE, &text);
	f->witness = arena_strdup(arena, buffer_text(&text));
	buffer_free(&text);
	return result;
}

static enum result forecast(
        struct arena *arena, const struct timeline *tl, struct play *play, struct error *err)
{
	struct safety_verdict v;
	enum result result = safety_judge(&tl->history, &tl->readers, 0, tl->until_ms, &v);
	if (result != RESULT_OK)
		return error_set(err, result, "%s: too many editions to judge", play->file);
	for (int path = 0; path < SAFETY_PATHS && result == RESULT_OK; path++) {
		if (!tl->has_expect[path] || tl->expect[path] != v.path[path].word)
			return error_set(err, RESULT_INPUT,
			        "%s: 'expect' must foretell what the model says, which is %s for "
			        "%s",
			        play->file, safety_word_text(v.path[path].word),
			        safety_path_text((enum safety_path)path));
		result = forecast_path(
		        arena, tl, &v, (enum safety_path)path, &play->forecast[path], err);
	}
	return result;
}

static enum result load(
        struct arena *arena, const struct timeline *tl, struct play *play, struct error *err)
{
	struct loader l = {.play = play, .h = &tl->history, .err = err};
	play->name = tl->name;
	enum result result = load_names(&l);
	for (int i = 0; i < l.h->publishers; i++)
		if (l.h->lag_s[i] * SECOND_MS > play->lag_ms)
			play->lag_ms = l.h->lag_s[i] * SECOND_MS;
	for (int i = 0; i < l.h->count && result == RESULT_OK; i++)
		result = load_edition(&l, i);
	if (result == RESULT_OK && play->acts == 0)
		result = unplayable(&l, "it has no events");
	return result == RESULT_OK ? forecast(arena, tl, play, err) : result;
}

enum result play_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct play **out, struct error *err)
{
	struct timeline tl;
	struct play *play = arena_alloc(arena, sizeof(*play));
	if (play == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	play->file = file;
	enum result result = timeline_parse(arena, file, data, length, &tl, err);
	if (result != RESULT_OK)
		return result;
	result = load(arena, &tl, play, err);
	timeline_free(&tl);
	if (result == RESULT_OK)
		*out = play;
	return result;
}

enum result play_load(struct arena *arena, const char *path, struct play **play, struct error *err)
{
	char *data;
	size_t length;
	enum result result = file_read(arena, path, YAML_MAX_OCTETS, &data, &length, err);
	return result == RESULT_OK ? play_parse(arena, path, data, length, play, err) : result;
}

// --- playing it ---------------------------------------------------------------------------------

static int64_t play_now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static enum result run_update(
        const struct lab *lab, struct arena *arena, const struct play_act *act, struct error *err)
{
	char *script;
	struct buffer words = buffer_init(1u << 16);
	for (size_t i = 0; i < act->count; i++) {
		const struct play_line *line = &act->line[i];
		if (line->by_signer)
			continue;
		if (line->add)
			buffer_printf(&words, "add ${ZONE} %u %s %s\n", line->ttl_s, line->type,
			        line->rdata);
		else
			buffer_printf(&words, "del ${ZONE} %s %s\n", line->type, line->rdata);
	}
	enum result result = lab_expand(lab, arena, buffer_text(&words), &script, err);
	buffer_free(&words);
	return result == RESULT_OK && script[0] != '\0' ? lab_update(lab, act->party, script, err)
	                                                : result;
}

// A script of the lab, with up to three words.
static enum result run_script(const struct lab *lab, struct arena *arena, const char *name,
        const char *const words[3], int64_t timeout_ms, struct error *err)
{
	int status;
	char *argv[6] = {(char[]){"sh"}, arena_printf(arena, "%s/%s", lab_info(lab)->dir, name)};
	for (int i = 0; i < 3 && words[i] != NULL; i++)
		argv[2 + i] = arena_strdup(arena, words[i]);
	enum result result = lab_run_quietly(lab, argv, timeout_ms, &status, err);
	if (result == RESULT_OK && status != 0)
		return error_set(err, RESULT_REFUSED, "the script %s says no; see %s/log/run.log",
		        name, lab_info(lab)->dir);
	return result;
}

// The losing operator's signer publishes a key of its own, or withdraws it.
static enum result run_signer(
        const struct lab *lab, struct arena *arena, const struct play_act *act, struct error *err)
{
	enum { SIGNER_MS = 10 * SECOND_MS };
	enum result result = RESULT_OK;
	for (size_t i = 0; i < act->count && result == RESULT_OK; i++) {
		const struct play_line *line = &act->line[i];
		char *words[] = {(char[]){"/bin/sh"}, (char[]){"${DIR}/${LOSING_SIGNER}-keys"},
		        (char[]){"${DIR}/a1.keys"}, (char[]){"${ZONE}"},
		        arena_strdup(arena, line->add ? "publish" : "withdraw"),
		        arena_strdup(arena, line->rdata), NULL};
		int status = 0;
		if (!line->by_signer)
			continue;
		for (size_t k = 0; words[k] != NULL && result == RESULT_OK; k++)
			result = lab_expand(lab, arena, words[k], &words[k], err);
		if (result == RESULT_OK)
			result = lab_run_quietly(lab, words, SIGNER_MS, &status, err);
		if (result == RESULT_OK && status != 0)
			result = error_set(err, RESULT_REFUSED,
			        "the losing operator's signer does not take it; see %s/log/run.log",
			        lab_info(lab)->dir);
	}
	return result;
}

static enum result run_party(
        const struct lab *lab, struct arena *arena, const struct play_act *act, struct error *err)
{
	const char *no_words[3] = {NULL};
	enum result result = run_signer(lab, arena, act, err);
	if (result == RESULT_OK)
		result = run_update(lab, arena, act, err);
	if (result == RESULT_OK && act->stops)
		result = run_script(lab, arena, "stop-losing", no_words, act->lag_ms, err);
	return result;
}

// The script ends when the root serves it.
static enum result run_root_keys(
        const struct lab *lab, struct arena *arena, const struct play_act *act, struct error *err)
{
	const char *words[3] = {act->root_old, act->root_new, NULL};
	if (act->party != LAB_ROOT)
		return RESULT_OK;
	return run_script(lab, arena, "root-keys", words, act->lag_ms, err);
}

// Whether each validator has written down by until_ms what it is to trust.
static enum result run_anchors(const struct lab *lab, struct arena *arena,
        const struct play_act *act, int64_t until_ms, struct error *err)
{
	int64_t left_ms = until_ms - play_now_ms();
	const char *words[3] = {arena_printf(arena, "%lld", (long long)(left_ms / SECOND_MS)),
	        arena_printf(arena, "old=%s", act->root_old),
	        arena_printf(arena, "new=%s", act->root_new)};
	return run_script(lab, arena, "anchors", words, left_ms + 10 * SECOND_MS, err);
}

// Whether both servers show a line by until_ms.
static enum result run_look(const struct lab *lab, struct arena *arena, const struct play_act *act,
        const struct play_line *line, int64_t until_ms, struct error *err)
{
	char *rdata;
	const struct lab_info *info = lab_info(lab);
	enum result result = lab_expand(lab, arena, line->rdata, &rdata, err);
	for (int i = 0; i < LAB_PARTY_SERVERS && result == RESULT_OK; i++) {
		int64_t left_ms = until_ms - play_now_ms();
		struct lab_condition condition = {.address = info->party[act->party].server[i].v4,
		        .name = info->zone,
		        .type = line->type,
		        .rdata = rdata,
		        .absent = !line->add};
		result = lab_wait(lab, &condition, left_ms > 1 ? left_ms : 1, err);
	}
	return result;
}

// All acts of one instant: first done, then looked at.
static enum result run_instant(const struct play *play, size_t first, size_t end,
        const struct lab *lab, struct arena *arena, int64_t at_ms, struct error *err)
{
	enum result result = RESULT_OK;
	int64_t wait_ms = at_ms - play_now_ms();
	if (wait_ms > 0)
		poll(NULL, 0, (int)wait_ms);
	for (size_t i = first; i < end && result == RESULT_OK; i++)
		result = play->of_root ? run_root_keys(lab, arena, &play->act[i], err)
		                       : run_party(lab, arena, &play->act[i], err);
	for (size_t i = first; i < end; i++) {
		const struct play_act *act = &play->act[i];
		if (result == RESULT_OK && act->root_old != NULL && act->party != LAB_ROOT)
			result = run_anchors(lab, arena, act, at_ms + act->lag_ms, err);
		for (size_t k = 0; k < act->count && result == RESULT_OK; k++)
			result = run_look(lab, arena, act, &act->line[k], at_ms + act->lag_ms, err);
	}
	return result;
}

enum result play_run(
        const struct play *play, const struct lab *lab, int64_t zero_ms, struct error *err)
{
	struct arena *arena = arena_new(4u << 20);
	enum result result =
	        arena != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "out of memory");
	for (size_t i = 0, end; i < play->acts && result == RESULT_OK; i = end) {
		int64_t at_ms = play->act[i].at_ms;
		for (end = i; end < play->acts && play->act[end].at_ms == at_ms;)
			end++;
		result = run_instant(play, i, end, lab, arena, zero_ms + at_ms, err);
		if (result != RESULT_OK)
			error_prefix(
			        err, "%s, the event at %lld ms: ", play->file, (long long)at_ms);
	}
	arena_free(arena);
	return result;
}
