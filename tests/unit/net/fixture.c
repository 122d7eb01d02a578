#include "fixture.h"

void engine_replace(struct fixture *f, const struct query_limits *limits)
{
	query_engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(
	        query_engine_new(f->loop, sim_random(f->sim), limits, &f->engine, NULL), RESULT_OK);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->sim = sim_new(1, 1700000000000);
	f->loop = sim_loop(f->sim);
	f->out.loop = f->loop;
	engine_replace(f, NULL);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	query_engine_free(f->engine);
	sim_free(f->sim);
	free(f);
	return 0;
}

// Asks 192.0.2.1, where f->host lives, and runs to the end.
const struct query_result *ask(struct fixture *f, const struct query_options *options)
{
	host_put(f->sim, "192.0.2.1", &f->host);
	host_ask(f->engine, "192.0.2.1", options, &f->out);
	assert_int_equal(f->out.calls, 0); // never from inside query_submit
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->out.calls, 1);
	return &f->out.result;
}

unsigned ignored(const struct query_result *result)
{
	unsigned sum = 0;
	for (int i = 0; i < QUERY_IGNORED_COUNT; i++)
		sum += result->ignored[i];
	return sum;
}

void submit(struct query_engine *engine, const char *server, query_done *done, void *ctx)
{
	struct query_question question = {.name = (const uint8_t *)"\1a", .type = 1};
	struct address at = host_address(server);
	assert_int_equal(
	        query_submit(engine, &at, &question, NULL, done, ctx, NULL, NULL), RESULT_OK);
}
