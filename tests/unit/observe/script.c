#include "script.h"

#include <inttypes.h>

static const char *const addresses[PLACES] = {
        "192.0.2.1", "198.51.100.1", "198.51.100.2", "2001:db8::1", "203.0.113.1"};
static const uint8_t publishers[PLACES] = {PARENT, A, A, A, B};
static const char *const key_names[] = {"Ka", "Za", "Kb", "Zb"};

static void must(enum result result, const struct error *err)
{
	if (result != RESULT_OK)
		fail_msg("%s", err->text);
}

struct address place_address(enum place place)
{
	struct address address;
	struct error err;
	must(address_parse(addresses[place], 53, &address, &err), &err);
	return address;
}

static void key_add(struct script *s, int n)
{
	char text[200];
	struct error err;
	uint8_t letter = (uint8_t)('A' + n);
	snprintf(text, sizeof text, "%d 3 13 ", n % 2 == 0 ? 257 : 256);
	size_t length = strlen(text);
	memset(text + length, letter, 84);
	snprintf(text + length + 84, 5, "AA==");
	must(observe_subject_key(s->subject, key_names[n], text, &err), &err);
	must(dns_ds_from_key(s->subject->keys[n].key, DNS_DIGEST_SHA256, &s->ds[n], &err), &err);
}

static void views_make(struct script *s)
{
	s->view = observe_view_new(s->subject);
	s->by_json = observe_view_new(s->subject);
	s->thinned = observe_view_new(s->subject);
	assert_non_null(s->view);
	assert_non_null(s->by_json);
	assert_non_null(s->thinned);
}

static void views_free(struct script *s)
{
	observe_view_free(s->view);
	observe_view_free(s->by_json);
	observe_view_free(s->thinned);
	observe_round_free(s->last);
	observe_round_free(s->pending);
	s->last = s->pending = NULL;
}

void script_restart(struct script *s)
{
	views_free(s);
	views_make(s);
}

struct script *script_new(void)
{
	struct script *s = calloc(1, sizeof *s);
	struct error err;
	int number;
	assert_non_null(s);
	must(observe_subject_new("example.test", NULL, &s->subject, &err), &err);
	must(observe_subject_group(s->subject, "A", 0, &number, &err), &err);
	must(observe_subject_group(s->subject, "B", 0, &number, &err), &err);
	for (int p = 0; p < PLACES; p++) {
		struct address address = place_address((enum place)p);
		const char *name = publishers[p] == PARENT ? "ns.test"
		                   : publishers[p] == A    ? "ns.a.example"
		                                           : "ns.b.example";
		must(observe_subject_server(s->subject, publishers[p], name, &address, &err), &err);
	}
	for (int n = 0; n < 4; n++)
		key_add(s, n);
	s->subject->publishers[A].data_ttl_s = s->subject->publishers[B].data_ttl_s = 60;
	views_make(s);
	show_ds(s, KA, 600);
	show_ns(s, P1, 1 << A, 900);
	for (int p = A1; p <= B1; p++) {
		bool is_a = p != B1;
		show_ns(s, (enum place)p, is_a ? 1 << A : 1 << B, 700);
		show_keys(s, (enum place)p, is_a ? KA | ZA : KB | ZB, is_a ? KA : KB, 300);
		show_data(s, (enum place)p, is_a ? ZA : ZB, 60);
		show_serving(s, (enum place)p, true);
	}
	return s;
}

struct script *script_new_with_past(void)
{
	struct script *s = script_new();
	s->subject->past_since_ms = START_MS - 30 * DAY_MS;
	script_restart(s);
	return s;
}

void script_free(struct script *s)
{
	views_free(s);
	observe_subject_free(s->subject);
	free(s);
}

// ---- The world ------------------------------------------------------------------------------

static struct observe_content *one(struct script *s, enum place place, enum safety_kind kind)
{
	struct cell *cell = &s->cell[place][kind];
	memset(cell, 0, sizeof *cell);
	cell->count = 1;
	cell->content[0].signed_from_ms = TIME_EVER_MS;
	cell->content[0].signed_until_ms = TIME_NEVER_MS;
	return &cell->content[0];
}

static void sign_usually(struct observe_content *content)
{
	content->signed_from_ms = START_MS - DAY_MS;
	content->signed_until_ms = START_MS + 30 * DAY_MS;
}

void show_ds(struct script *s, unsigned keys, uint32_t ttl_s)
{
	struct observe_content *content = one(s, P1, SAFETY_DS);
	static struct dns_ds list[16][4];
	for (int n = 0; n < 4; n++)
		if (keys >> n & 1)
			list[keys][content->ds_count++] = s->ds[n];
	content->ds = list[keys];
	content->ttl_s = ttl_s;
	content->verified = true;
	sign_usually(content);
}

void show_ns(struct script *s, enum place place, unsigned groups, uint32_t ttl_s)
{
	struct observe_content *content = one(s, place, SAFETY_NS);
	content->groups = groups;
	content->ttl_s = ttl_s;
}

void show_keys(struct script *s, enum place place, unsigned keys, unsigned signers, uint32_t ttl_s)
{
	struct observe_content *content = one(s, place, SAFETY_DNSKEY);
	content->keys = keys;
	content->signers = signers;
	content->ttl_s = ttl_s;
	sign_usually(content);
}

void show_data(struct script *s, enum place place, unsigned keys, uint32_t ttl_s)
{
	struct observe_content *content = one(s, place, SAFETY_DATA);
	content->keys = keys;
	content->ttl_s = ttl_s;
	sign_usually(content);
	content->last_signature_ms = content->signed_until_ms;
}

void show_more_data(struct script *s, enum place place, unsigned keys, uint32_t ttl_s)
{
	struct cell before = s->cell[place][SAFETY_DATA];
	show_data(s, place, keys, ttl_s);
	before.content[before.count++] = s->cell[place][SAFETY_DATA].content[0];
	s->cell[place][SAFETY_DATA] = before;
}

void show_serving(struct script *s, enum place place, bool serving)
{
	one(s, place, SAFETY_SERVING)->serving = serving;
}

void sign(
        struct script *s, enum place place, enum safety_kind kind, int64_t from_s, int64_t until_s)
{
	struct observe_content *content = &s->cell[place][kind].content[0];
	content->signed_from_ms = START_MS + from_s * SECOND_MS;
	content->signed_until_ms = START_MS + until_s * SECOND_MS;
	content->last_signature_ms = content->signed_until_ms;
}

void silence(struct script *s, enum place place)
{
	for (int kind = 0; kind < SAFETY_KINDS; kind++)
		s->cell[place][kind].state = OBSERVE_UNKNOWN;
}

void answer(struct script *s, enum place place)
{
	for (int kind = 0; kind < SAFETY_KINDS; kind++)
		s->cell[place][kind].state = OBSERVE_SHOWN;
}

void refuse(struct script *s, enum place place)
{
	for (int kind = 0; kind < SAFETY_KINDS; kind++)
		s->cell[place][kind] = (struct cell){.state = OBSERVE_SHOWN};
	show_serving(s, place, false);
}

// ---- Rounds ---------------------------------------------------------------------------------

static void fact_make(struct script *s, struct observe_round *round, int place, int kind)
{
	struct cell *cell = &s->cell[place][kind];
	bool asked = publishers[place] == PARENT ? kind == SAFETY_DS || kind == SAFETY_NS
	                                         : kind != SAFETY_DS;
	if (!asked)
		return;
	bool unknown = cell->state == OBSERVE_UNKNOWN;
	round->facts[round->fact_count++] = (struct observe_fact){.publisher = publishers[place],
	        .kind = (uint8_t)kind,
	        .state = cell->state,
	        .server = place_address((enum place)place),
	        .asked_ms = round->end_ms - 10,
	        .answered_ms = round->end_ms,
	        .content_count = unknown ? 0 : cell->count,
	        .contents = arena_memdup(round->arena, cell->content, sizeof cell->content)};
}

static struct observe_round *round_make(struct script *s)
{
	struct observe_round *round = observe_round_new(1 << 20);
	struct error err;
	must(observe_subject_hash(s->subject, round->subject, &err), &err);
	round->start_ms = s->wall_ms - 10;
	round->end_ms = s->wall_ms;
	round->mono_ms = s->mono_ms;
	round->session = 7;
	round->keys.key = arena_array(round->arena, 4, sizeof *round->keys.key);
	for (size_t n = 0; n < s->subject->key_count && n < 4; n++)
		round->keys.key[round->keys.count++] = dns_key_ref(s->subject->keys[n].key);
	round->facts = arena_array(round->arena, PLACES * SAFETY_KINDS, sizeof *round->facts);
	for (int place = 0; place < PLACES; place++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++)
			fact_make(s, round, place, kind);
	if (s->problem.text[0] != '\0') {
		round->problems = arena_memdup(round->arena, &s->problem, sizeof s->problem);
		round->problem_count = 1;
	}
	return round;
}

static struct observe_round *through_json(struct script *s, const struct observe_round *round)
{
	struct error err = {0};
	json_t *json, *again;
	struct observe_round *read;
	struct buffer text = buffer_init(1 << 20), more = buffer_init(1 << 20);
	must(observe_round_to_json(round, &json, &err), &err);
	must(json_write_canonical(json, &text, &err), &err);
	must(json_parse_text("round", text.data, text.length, 1 << 20, &again, &err), &err);
	must(observe_round_from_json(s->subject, again, &read, &err), &err);
	json_decref(again);
	must(observe_round_to_json(read, &again, &err), &err);
	must(json_write_canonical(again, &more, &err), &err);
	assert_string_equal(buffer_text(&text), buffer_text(&more));
	assert_true(observe_round_same(round, read));
	json_decref(json);
	json_decref(again);
	buffer_free(&text);
	buffer_free(&more);
	return read;
}

static void histories_equal(
        struct script *s, const struct observe_view *one, const struct observe_view *other)
{
	struct safety_history a, b;
	struct error err;
	must(observe_view_history(one, s->wall_ms + 5, true, &a, NULL, &err), &err);
	must(observe_view_history(other, s->wall_ms + 5, true, &b, NULL, &err), &err);
	assert_int_equal(a.count, b.count);
	for (int i = 0; i < a.count; i++) {
		const struct safety_edition *x = &a.editions[i], *y = &b.editions[i];
		assert_int_equal(x->from_ms, y->from_ms);
		assert_int_equal(x->until_ms, y->until_ms);
		assert_int_equal(x->signed_from_ms, y->signed_from_ms);
		assert_int_equal(x->signed_until_ms, y->signed_until_ms);
		assert_int_equal(x->content, y->content);
		assert_int_equal(x->signers, y->signers);
		assert_int_equal(x->ttl_s, y->ttl_s);
		assert_int_equal(x->publisher, y->publisher);
		assert_int_equal(x->kind, y->kind);
	}
	assert_memory_equal(a.names, b.names, sizeof *a.names);
	safety_history_free(&a);
	safety_history_free(&b);
}

// Of a run of equal rounds, feeds the first at once and the last when the run is over.
static void thin(struct script *s, const struct observe_round *round)
{
	struct error err = {0};
	bool same = s->last != NULL && observe_round_same(s->last, round);
	if (!same && s->pending != NULL)
		must(observe_view_feed(s->thinned, s->pending, &err), &err);
	observe_round_free(s->pending);
	s->pending = NULL;
	if (same)
		s->pending = through_json(s, round);
	else
		must(observe_view_feed(s->thinned, round, &err), &err);
	if (!same)
		histories_equal(s, s->view, s->thinned);
}

void tick_set(struct script *s, int64_t at_s, int64_t wall_s)
{
	struct error err = {0};
	s->mono_ms = at_s * SECOND_MS;
	s->wall_ms = START_MS + wall_s * SECOND_MS;
	struct observe_round *round = round_make(s);
	if (!s->fold_off)
		must(observe_round_fold(s->subject, s->last, round, &err), &err);
	struct observe_round *read = through_json(s, round);
	s->recorded += s->last == NULL || !observe_round_same(s->last, round);
	must(observe_view_feed(s->view, round, &err), &err);
	must(observe_view_feed(s->by_json, read, &err), &err);
	histories_equal(s, s->view, s->by_json);
	thin(s, round);
	observe_round_free(s->last);
	s->last = s->restarts ? read : round;
	observe_round_free(s->restarts ? round : read);
}

void tick(struct script *s, int64_t at_s)
{
	tick_set(s, at_s, at_s);
}

// ---- What comes out -------------------------------------------------------------------------

static void instant_text(struct buffer *out, int64_t at_ms)
{
	if (at_ms == TIME_EVER_MS)
		buffer_puts(out, "ever");
	else if (at_ms == TIME_NEVER_MS)
		buffer_puts(out, "never");
	else if ((at_ms - START_MS) % 1000 == 0)
		buffer_printf(out, "%" PRId64, (at_ms - START_MS) / 1000);
	else
		buffer_printf(out, "%.3f", (double)(at_ms - START_MS) / 1000);
}

static void bits_text(struct buffer *out, const struct safety_history *h, uint64_t bits,
        const char *(*name)(const struct safety_history *, int))
{
	const char *space = "";
	buffer_puts(out, "{");
	for (; bits != 0; bits &= bits - 1) {
		buffer_printf(out, "%s%s", space, name(h, __builtin_ctzll(bits)));
		space = " ";
	}
	buffer_puts(out, "}");
}

static const char *ds_key_name(const struct safety_history *h, int ds)
{
	return safety_key_name(h, h->ds_key[ds]);
}

static void edition_text(struct buffer *out, const struct safety_history *h,
        const struct safety_edition *e, bool with_signatures)
{
	buffer_printf(out, "%s %s ", safety_publisher_name(h, e->publisher),
	        safety_kind_text((enum safety_kind)e->kind));
	if (e->kind == SAFETY_SERVING)
		buffer_puts(out, e->content != 0 ? "yes" : "no");
	else
		bits_text(out, h, e->content,
		        e->kind == SAFETY_NS   ? safety_publisher_name
		        : e->kind == SAFETY_DS ? ds_key_name
		                               : safety_key_name);
	if (e->kind == SAFETY_DNSKEY) {
		buffer_puts(out, " by ");
		bits_text(out, h, e->signers, safety_key_name);
	}
	if (e->kind != SAFETY_SERVING)
		buffer_printf(out, " %us", e->ttl_s);
	buffer_puts(out, " ");
	instant_text(out, e->from_ms);
	buffer_puts(out, "..");
	instant_text(out, e->until_ms);
	if (with_signatures) {
		buffer_puts(out, " signed ");
		instant_text(out, e->signed_from_ms);
		buffer_puts(out, "..");
		instant_text(out, e->signed_until_ms);
	}
	buffer_puts(out, "\n");
}

static void expect_lines(
        struct script *s, const char *prefix, const char *lines, bool with_signatures)
{
	struct safety_history h;
	struct error err;
	struct buffer out = buffer_init(1 << 16);
	must(observe_view_history(s->view, s->wall_ms, true, &h, NULL, &err), &err);
	for (int i = 0; i < h.count; i++) {
		size_t before = out.length;
		edition_text(&out, &h, &h.editions[i], with_signatures);
		if (strncmp(out.data + before, prefix, strlen(prefix)) != 0) {
			out.length = before;
			out.data[before] = '\0';
		}
	}
	assert_string_equal(buffer_text(&out), lines);
	buffer_free(&out);
	safety_history_free(&h);
}

void expect(struct script *s, const char *prefix, const char *lines)
{
	expect_lines(s, prefix, lines, false);
}

void expect_signed(struct script *s, const char *prefix, const char *lines)
{
	expect_lines(s, prefix, lines, true);
}

static void gaps_get(struct script *s, int64_t now_ms, struct observe_gaps *gaps)
{
	struct safety_history h;
	struct error err;
	must(observe_view_history(s->view, now_ms, false, &h, gaps, &err), &err);
	safety_history_free(&h);
	for (size_t i = 0; i < gaps->count; i++)
		assert_true(gaps->gap[i].text[0] != '\0');
}

const struct observe_gap *gap_find(struct script *s, enum observe_gap_kind kind)
{
	static struct observe_gaps gaps;
	gaps_get(s, s->wall_ms, &gaps);
	for (size_t i = 0; i < gaps.count; i++)
		if (gaps.gap[i].kind == kind)
			return &gaps.gap[i];
	return NULL;
}

bool is_blocked(struct script *s, int64_t at_s)
{
	static struct observe_gaps gaps;
	gaps_get(s, START_MS + at_s * SECOND_MS, &gaps);
	return observe_gaps_block(&gaps, START_MS + at_s * SECOND_MS);
}
