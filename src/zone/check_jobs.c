#include "zone/check_internal.h"

#include <stdatomic.h>

struct pool {
	struct checking *checking;
	check_job_fn *job;
	void *ctx;
	size_t count, nodes;
	atomic_size_t next, finished;
};

struct worker {
	struct pool *pool;
	unsigned number;
};

void checking_fail(struct checking *checking, enum result result, const char *text)
{
	pthread_mutex_lock(&checking->lock);
	if (checking->result == RESULT_OK)
		checking->result = error_set(checking->err, result, "%s", text);
	pthread_mutex_unlock(&checking->lock);
}

void checking_merge(struct checking *checking, struct findings *findings)
{
	bool failed = findings->failed;
	pthread_mutex_lock(&checking->lock);
	findings_merge(&checking->findings, findings);
	pthread_mutex_unlock(&checking->lock);
	if (failed)
		checking_fail(checking, RESULT_MEMORY, "no memory for what is wrong in the zone");
}

// The calling thread works, too, and tells how far everybody is.
static void tell(const struct pool *pool)
{
	const struct checking *checking = pool->checking;
	if (checking->options->progress == NULL || pool->count == 0)
		return;
	size_t done = atomic_load(&pool->finished) * pool->nodes / pool->count;
	checking->options->progress(
	        checking->options->progress_ctx, checking->done + done, checking->planned);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	for (;;) {
		size_t job = atomic_fetch_add(&pool->next, 1);
		if (job >= pool->count)
			return NULL;
		pool->job(pool->ctx, worker->number, job);
		atomic_fetch_add(&pool->finished, 1);
		if (worker->number == 0)
			tell(pool);
	}
}

// A thread that the system does not give is no failure: the others do its work.
void check_jobs(struct checking *checking, size_t count, size_t nodes, check_job_fn *job, void *ctx)
{
	struct pool pool = {
	        .checking = checking, .job = job, .ctx = ctx, .count = count, .nodes = nodes};
	pthread_t threads[ZONE_CHECK_MAX_THREADS];
	struct worker workers[ZONE_CHECK_MAX_THREADS] = {{&pool, 0}};
	unsigned started = 1;
	for (; started < checking->options->threads && started < count; started++) {
		workers[started] = (struct worker){&pool, started};
		if (pthread_create(&threads[started], NULL, work, &workers[started]) != 0)
			break;
	}
	work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
	checking->done += nodes;
}

struct blocks {
	struct checking *checking;
	enum phase phase;
	check_block_fn *block;
	void *ctx;
};

static void run_block(void *ctx, unsigned worker, size_t job)
{
	struct blocks *blocks = ctx;
	struct checking *checking = blocks->checking;
	size_t count = zone_node_count(checking->zone), from = job * BLOCK_NODES;
	size_t to = count - from < BLOCK_NODES ? count : from + BLOCK_NODES;
	struct findings findings = findings_init(checking->options->limit, blocks->phase);
	blocks->block(blocks->ctx, worker, from, to, &findings);
	checking_merge(checking, &findings);
	findings_free(&findings);
}

void check_blocks(struct checking *checking, enum phase phase, check_block_fn *block, void *ctx)
{
	size_t count = zone_node_count(checking->zone);
	struct blocks blocks = {checking, phase, block, ctx};
	check_jobs(checking, (count + BLOCK_NODES - 1) / BLOCK_NODES, count, run_block, &blocks);
}
