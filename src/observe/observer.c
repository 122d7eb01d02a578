// The I/O: asking all questions of a round, and waiting for all answers.
#include "observe/observe.h"

#include "observe/interpret.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND_ARENA_MAX = 256u << 20, KEY_CACHE = 256 };

// One question under way.
struct pending {
	struct observer *observer;
	struct observe_answer *answer;
	struct query *query; // NULL where it is over
};

struct observer {
	struct loop *loop;
	struct query_engine *engine;
	const struct observe_subject *subject;
	struct observe_options options;
	uint64_t session;
	struct dns_key_cache *cache;
	struct dns_keys known; // keys of the zone in rounds so far; room for SAFETY_MAX_KEYS

	struct observe_round *round; // the running one, NULL where there is none
	struct pending *pending;
	size_t waiting;
	struct loop_timer deadline;
	observe_round_done *done;
	void *ctx;
};

static void round_drop(struct observer *observer)
{
	loop_timer_stop(observer->loop, &observer->deadline);
	for (size_t i = 0; observer->round != NULL && i < observer->round->answer_count; i++)
		if (observer->pending[i].query != NULL)
			query_cancel(observer->pending[i].query);
	observe_round_free(observer->round);
	free(observer->pending);
	observer->round = NULL;
	observer->pending = NULL;
	observer->waiting = 0;
}

static bool is_in(const struct dns_keys *keys, const struct dns_key *key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (dns_key_equal(keys->key[i], key))
			return true;
	return false;
}

static bool is_used(const struct observe_round *round, size_t key)
{
	uint64_t used = 0;
	for (size_t f = 0; f < round->fact_count; f++)
		for (size_t c = 0; c < round->facts[f].content_count; c++)
			used |= round->facts[f].contents[c].keys |
			        round->facts[f].contents[c].signers;
	return (used >> key & 1) != 0;
}

// Signatures may outlive the key in the DNSKEY set, so keys are remembered. When there is no room
// left, those go first that nobody served or used in this round.
static void remember_keys(struct observer *observer, const struct observe_round *round)
{
	struct dns_keys *known = &observer->known;
	bool full = round->keys.count == SAFETY_MAX_KEYS;
	for (size_t i = 0; full && i < known->count;) {
		size_t k = 0;
		while (k < round->keys.count && !dns_key_equal(round->keys.key[k], known->key[i]))
			k++;
		if (k < round->keys.count && is_used(round, k)) {
			i++;
			continue;
		}
		dns_key_unref(known->key[i]);
		memmove(&known->key[i], &known->key[i + 1],
		        (--known->count - i) * sizeof known->key[0]);
	}
	for (size_t k = 0; k < round->keys.count; k++)
		if (known->count < SAFETY_MAX_KEYS && !is_in(known, round->keys.key[k]) &&
		        (!full || is_used(round, k)))
			known->key[known->count++] = dns_key_ref(round->keys.key[k]);
}

static void round_finish(struct observer *observer)
{
	struct observe_round *round = observer->round;
	struct clock clock = loop_clock(observer->loop);
	loop_timer_stop(observer->loop, &observer->deadline);
	round->end_ms = clock_now_ms(&clock);
	round->mono_ms = loop_now_ms(observer->loop);
	round->session = observer->session;
	struct error err;
	// Out of memory: nothing is known of this round, which is safe to say.
	if (interpret(observer->subject, &observer->known, observer->cache, round, &err) !=
	        RESULT_OK)
		round->fact_count = round->signal_count = round->problem_count = 0;
	remember_keys(observer, round);
	free(observer->pending);
	observer->pending = NULL;
	observer->round = NULL;
	observer->done(observer->ctx, round);
}

static void take(
        struct observer *observer, struct observe_answer *answer, const struct query_result *result)
{
	struct clock clock = loop_clock(observer->loop);
	answer->status = result->status;
	answer->tcp = result->transport == QUERY_TCP;
	answer->tries = result->tries;
	answer->at_ms = clock_now_ms(&clock);
	// How long it took is measured on the monotonic clock, so that a clock that is set while
	// waiting does no harm beyond the stamp itself.
	answer->rtt_ms = result->rtt_ms;
	if (result->data == NULL)
		return;
	answer->raw = arena_memdup(observer->round->arena, result->data, result->octets);
	answer->octets = result->octets;
	if (answer->raw == NULL || EVP_Digest(result->data, result->octets, answer->sha256, NULL,
	                                   EVP_sha256(), NULL) != 1) {
		answer->raw = NULL;
		answer->octets = 0;
		answer->status = QUERY_FAILED;
	}
}

static void answered(void *ctx, const struct query_result *result)
{
	struct pending *pending = ctx;
	struct observer *observer = pending->observer;
	pending->query = NULL;
	take(observer, pending->answer, result);
	assert(observer->waiting > 0);
	if (--observer->waiting == 0)
		loop_timer_start(observer->loop, &observer->deadline, 0);
}

// The end of the round, by the deadline or because nothing is left to wait for.
static void over(void *ctx)
{
	struct observer *observer = ctx;
	struct clock clock = loop_clock(observer->loop);
	for (size_t i = 0; i < observer->round->answer_count; i++) {
		struct pending *pending = &observer->pending[i];
		if (pending->query == NULL)
			continue;
		query_cancel(pending->query);
		pending->query = NULL;
		pending->answer->status = QUERY_TIMED_OUT;
		pending->answer->at_ms = clock_now_ms(&clock);
	}
	observer->waiting = 0;
	round_finish(observer);
}

enum result observer_new(struct loop *loop, struct query_engine *engine,
        const struct random *random, const struct observe_subject *subject,
        const struct observe_options *options, struct observer **observer, struct error *err)
{
	struct observer *made = calloc(1, sizeof *made);
	struct dns_key **known = calloc(SAFETY_MAX_KEYS, sizeof(struct dns_key *));
	struct dns_key_cache *cache = dns_key_cache_new(KEY_CACHE);
	if (made == NULL || known == NULL || cache == NULL) {
		free(made);
		free(known);
		dns_key_cache_free(cache);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	*made = (struct observer){.loop = loop,
	        .engine = engine,
	        .subject = subject,
	        .session = random_u64(random),
	        .cache = cache,
	        .known = {.key = known},
	        .deadline = {.fire = over}};
	made->deadline.ctx = made;
	if (options != NULL)
		made->options = *options;
	if (made->options.deadline_ms <= 0)
		made->options.deadline_ms = 10 * SECOND_MS;
	if (made->options.timeout_ms <= 0)
		made->options.timeout_ms = SECOND_MS;
	if (made->options.tries == 0)
		made->options.tries = 3;
	*observer = made;
	return RESULT_OK;
}

void observer_free(struct observer *observer)
{
	if (observer == NULL)
		return;
	round_drop(observer);
	for (size_t i = 0; i < observer->known.count; i++)
		dns_key_unref(observer->known.key[i]);
	free(observer->known.key);
	dns_key_cache_free(observer->cache);
	free(observer);
}

bool observer_is_running(const struct observer *observer)
{
	return observer->round != NULL;
}

void observer_cancel(struct observer *observer)
{
	round_drop(observer);
}

// A question that cannot even be asked has failed; the round goes on.
static void ask(struct observer *observer, struct pending *pending)
{
	const struct observe_answer *answer = pending->answer;
	struct query_question question = {.name = answer->name.wire, .type = answer->type};
	struct query_options options = {.dnssec_ok = true,
	        .tries = observer->options.tries,
	        .timeout_ms = observer->options.timeout_ms,
	        .tcp_last = true};
	struct error ignored;
	if (query_submit(observer->engine, &answer->server, &question, &options, answered, pending,
	            &pending->query, &ignored) != RESULT_OK) {
		pending->query = NULL;
		pending->answer->status = QUERY_FAILED;
		pending->answer->at_ms = observer->round->start_ms;
		return;
	}
	observer->waiting++;
}

static enum result round_prepare(struct observer *observer, struct error *err)
{
	struct clock clock = loop_clock(observer->loop);
	struct observe_round *round = observe_round_new(ROUND_ARENA_MAX);
	if (round == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	round->start_ms = clock_now_ms(&clock);
	enum result result = questions_make(
	        observer->subject, round->arena, &round->answers, &round->answer_count, err);
	if (result == RESULT_OK)
		result = observe_subject_hash(observer->subject, round->subject, err);
	struct pending *pending = calloc(round->answer_count + 1, sizeof *pending);
	if (result == RESULT_OK && pending == NULL)
		result = error_set(err, RESULT_MEMORY, "out of memory");
	if (result != RESULT_OK) {
		free(pending);
		observe_round_free(round);
		return result;
	}
	observer->round = round;
	observer->pending = pending;
	return RESULT_OK;
}

enum result observer_round(
        struct observer *observer, observe_round_done *done, void *ctx, struct error *err)
{
	if (observer->round != NULL)
		return error_set(err, RESULT_CONFLICT, "a round of observation is running already");
	enum result result = round_prepare(observer, err);
	if (result != RESULT_OK)
		return result;
	observer->done = done;
	observer->ctx = ctx;
	observer->waiting = 0;
	for (size_t i = 0; i < observer->round->answer_count; i++) {
		observer->pending[i] = (struct pending){
		        .observer = observer, .answer = &observer->round->answers[i]};
		ask(observer, &observer->pending[i]);
	}
	loop_timer_start(observer->loop, &observer->deadline,
	        observer->waiting > 0 ? observer->options.deadline_ms : 0);
	return RESULT_OK;
}
