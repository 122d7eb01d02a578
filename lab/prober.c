#include "prober.h"

#include "stub.h"
#include "zone_file.h"

#include "base/clock.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBER_UNDER_WAY 4096 // questions at a time; a power of two
#define PROBER_FLUSH_MS  500

struct prober {
	pid_t pid;
	int life_fd; // a byte means: stop; closing it: end at once
	struct prober_counts *counts;
};

// Names that are asked again and again; example.zone has them.
static const struct {
	const char *label, *address;
} repeated[] = {{"www.", "192.0.2.80"}, {"mail.", "192.0.2.81"}, {"api.", "192.0.2.82"},
        {"shop.", "192.0.2.83"}, {"", "192.0.2.80"}};
#define REPEATED (sizeof(repeated) / sizeof(repeated[0]))

// One question under way. The questions stand in a ring in the order in which they were asked,
// which is the order in which they time out.
struct probe {
	bool open;
	int fd;
	uint16_t id;
	uint8_t resolver;
	enum probe_kind kind;
	unsigned number; // of the fresh name, or index of the repeated one
	int64_t asked_ms, until_ms;
};

struct prober_run {
	const struct lab_info *info;
	struct prober_options options;
	struct prober_counts *counts;
	struct random random;
	FILE *log;
	int epoll, life;
	struct probe ring[PROBER_UNDER_WAY];
	uint64_t asked, oldest; // numbers of the next question and of the oldest under way
	unsigned fresh_used, fresh_name;
	int64_t start_ms, flushed_ms;
	bool stopping;
};

static int64_t prober_now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

struct prober_options prober_options_default(void)
{
	return (struct prober_options){.rate = 80, .timeout_ms = 4 * SECOND_MS};
}

const char *probe_outcome_word(enum probe_outcome outcome)
{
	static const char *const word[PROBE_OUTCOMES] = {
	        "secure", "insecure", "servfail", "timeout", "other"};
	return word[outcome];
}

// The question of a probe; name has 300 octets.
static struct stub_question probe_question(
        const struct prober_run *run, const struct probe *probe, char *name)
{
	const struct lab_server *server = &run->info->resolver[probe->resolver];
	bool v6 = (probe->id & 1) != 0;
	if (probe->kind == PROBE_FRESH)
		zone_file_name(run->info, probe->number, name, 300);
	else
		snprintf(name, 300, "%s%s", repeated[probe->number].label, run->info->zone);
	return (struct stub_question){
	        .address = v6 ? server->v6 : server->v4,
	        .source = v6 ? run->info->client_v6 : run->info->client_v4,
	        .name = name,
	        .type = probe->kind == PROBE_FRESH ? zone_file_type(run->info) : KNOT_RRTYPE_A,
	        .recurse = true,
	        .authentic = true,
	};
}

static bool probe_data_is_right(
        const struct prober_run *run, const struct probe *probe, const knot_rrset_t *rr)
{
	uint8_t want[4];
	if (probe->kind == PROBE_FRESH)
		return zone_file_is_right(run->info, probe->number, rr);
	inet_pton(AF_INET, repeated[probe->number].address, want);
	return rr != NULL && rr->rrs.count > 0 && rr->rrs.rdata->len == sizeof(want) &&
	       memcmp(rr->rrs.rdata->data, want, sizeof(want)) == 0;
}

static enum probe_outcome probe_judge(const struct prober_run *run, const struct probe *probe,
        const struct stub_question *question, const knot_pkt_t *answer)
{
	uint8_t rcode = knot_wire_get_rcode(answer->wire);
	if (rcode == KNOT_RCODE_SERVFAIL)
		return PROBE_SERVFAIL;
	if (rcode != KNOT_RCODE_NOERROR ||
	        !probe_data_is_right(
	                run, probe, stub_answer(answer, question->name, question->type)))
		return PROBE_OTHER;
	return knot_wire_get_ad(answer->wire) ? PROBE_SECURE : PROBE_INSECURE;
}

// --- counting -----------------------------------------------------------------------------------

static void prober_count(struct prober_run *run, const struct probe *probe,
        enum probe_outcome outcome, int64_t now_ms)
{
	struct prober_tally *tally = &run->counts->resolver[probe->resolver];
	tally->outcome[outcome]++;
	tally->kind[probe->kind]++;
	if (outcome != PROBE_TIMEOUT)
		tally->answered[probe->kind]++;
	if (tally->first_ms[outcome] == 0)
		tally->first_ms[outcome] = now_ms;
	tally->last_ms[outcome] = now_ms;
}

static void prober_log(struct prober_run *run, const struct probe *probe,
        const struct stub_question *question, enum probe_outcome outcome, int rcode, int64_t now_ms)
{
	if (run->log == NULL)
		return;
	fprintf(run->log, "%lld\t%lld\t%s\t%s\t%s\t%s\t%s\t%d\n", (long long)now_ms,
	        (long long)probe->asked_ms, run->info->resolver[probe->resolver].id,
	        probe->kind == PROBE_FRESH ? "fresh" : "repeated", question->name,
	        question->type == KNOT_RRTYPE_TXT  ? "TXT"
	        : question->type == KNOT_RRTYPE_DS ? "DS"
	                                           : "A",
	        probe_outcome_word(outcome), rcode);
}

static void prober_end_probe(
        struct prober_run *run, struct probe *probe, enum probe_outcome outcome, int rcode)
{
	char name[300];
	struct stub_question question = probe_question(run, probe, name);
	int64_t now_ms = prober_now_ms();
	prober_count(run, probe, outcome, now_ms);
	prober_log(run, probe, &question, outcome, rcode, now_ms);
	if (probe->fd >= 0)
		close(probe->fd); // which also takes it out of the epoll set
	probe->open = false;
}

// --- asking
// ---------------------------------------------------------------------------------------

// Chooses what the next question is about. All validators get the same name one after the other.
static void prober_choose(struct prober_run *run, struct probe *probe)
{
	uint64_t round = run->asked / LAB_RESOLVERS;
	probe->resolver = (uint8_t)(run->asked % LAB_RESOLVERS);
	bool used_up = run->fresh_used >= run->info->names;
	if (round % 4 == 3 || used_up) {
		probe->kind = PROBE_REPEATED;
		probe->number = (unsigned)((used_up ? round : round / 4) % REPEATED);
	} else {
		probe->kind = PROBE_FRESH;
		probe->number = run->fresh_name;
	}
	if (probe->resolver + 1 < LAB_RESOLVERS || probe->kind == PROBE_REPEATED)
		return;
	run->fresh_name = run->fresh_name % run->info->names + 1;
	run->counts->names_used_up = ++run->fresh_used >= run->info->names;
}

static bool prober_send(struct prober_run *run, struct probe *probe)
{
	char name[300];
	uint8_t wire[512];
	struct stub_question question = probe_question(run, probe, name);
	size_t length = stub_write(&question, probe->id, wire);
	probe->fd = stub_socket(question.address, question.source, SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = probe};
	return probe->fd >= 0 && length > 0 && send(probe->fd, wire, length, 0) >= 0 &&
	       epoll_ctl(run->epoll, EPOLL_CTL_ADD, probe->fd, &event) == 0;
}

static void prober_ask(struct prober_run *run)
{
	struct probe *probe = &run->ring[run->asked % PROBER_UNDER_WAY];
	int64_t now_ms = prober_now_ms();
	*probe = (struct probe){.open = true,
	        .fd = -1,
	        .id = (uint16_t)random_u64(&run->random),
	        .asked_ms = now_ms,
	        .until_ms = time_add(now_ms, run->options.timeout_ms)};
	prober_choose(run, probe);
	run->asked++;
	run->counts->resolver[probe->resolver].asked++;
	run->counts->resolver[probe->resolver].last_asked_ms = now_ms;
	if (!prober_send(run, probe))
		prober_end_probe(run, probe, PROBE_OTHER, -1);
}

static void prober_receive(struct prober_run *run, struct probe *probe)
{
	static uint8_t wire[65535];
	char name[300];
	struct stub_question question = probe_question(run, probe, name);
	ssize_t n = recv(probe->fd, wire, sizeof(wire), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { // ICMP: nobody listens
		prober_end_probe(run, probe, PROBE_OTHER, -1);
		return;
	}
	knot_pkt_t *answer = stub_parse(&question, probe->id, wire, (size_t)n);
	if (answer == NULL)
		return;
	prober_end_probe(run, probe, probe_judge(run, probe, &question, answer),
	        knot_wire_get_rcode(answer->wire));
	knot_pkt_free(answer);
}

// Ends the questions that have waited long enough, and moves the end of the ring.
static void prober_expire(struct prober_run *run, int64_t now_ms)
{
	while (run->oldest < run->asked) {
		struct probe *probe = &run->ring[run->oldest % PROBER_UNDER_WAY];
		if (probe->open && probe->until_ms > now_ms)
			return;
		if (probe->open)
			prober_end_probe(run, probe, PROBE_TIMEOUT, -1);
		run->oldest++;
	}
}

// When the next question is due.
static int64_t prober_due_ms(const struct prober_run *run)
{
	return run->start_ms + (int64_t)(run->asked * 1000 / run->options.rate);
}

static void prober_ask_due(struct prober_run *run, int64_t now_ms)
{
	while (!run->stopping && prober_due_ms(run) <= now_ms &&
	        run->asked - run->oldest < PROBER_UNDER_WAY)
		prober_ask(run);
}

static int prober_sleep_ms(const struct prober_run *run, int64_t now_ms)
{
	int64_t until_ms = now_ms + 100;
	if (!run->stopping && prober_due_ms(run) < until_ms)
		until_ms = prober_due_ms(run);
	if (run->oldest < run->asked) {
		int64_t oldest_ms = run->ring[run->oldest % PROBER_UNDER_WAY].until_ms;
		until_ms = oldest_ms < until_ms ? oldest_ms : until_ms;
	}
	return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static void prober_flush(struct prober_run *run, int64_t now_ms)
{
	if (run->log == NULL || now_ms < run->flushed_ms + PROBER_FLUSH_MS)
		return;
	fflush(run->log);
	run->flushed_ms = now_ms;
}

// A byte: finish. The end of the pipe: the parent is gone.
static void prober_hear(struct prober_run *run)
{
	char byte;
	if (read(run->life, &byte, 1) != 1)
		_exit(1);
	run->stopping = true;
	epoll_ctl(run->epoll, EPOLL_CTL_DEL, run->life, NULL);
}

static void prober_loop(struct prober_run *run)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(run->epoll, EPOLL_CTL_ADD, run->life, &event);
	run->start_ms = prober_now_ms();
	run->counts->started_ms = run->start_ms;
	while (!run->stopping || run->oldest < run->asked) {
		struct epoll_event events[64];
		int64_t now_ms = prober_now_ms();
		prober_expire(run, now_ms);
		prober_ask_due(run, now_ms);
		prober_flush(run, now_ms);
		int n = epoll_wait(run->epoll, events, 64, prober_sleep_ms(run, now_ms));
		for (int i = 0; i < n; i++) {
			struct probe *probe = events[i].data.ptr;
			if (probe == NULL)
				prober_hear(run);
			else if (probe->open)
				prober_receive(run, probe);
		}
	}
	run->counts->stopped_ms = prober_now_ms();
}

// --- the process
// ----------------------------------------------------------------------------------

static _Noreturn void prober_child(const struct lab *lab, const struct prober_options *options,
        struct prober_counts *counts, int life)
{
	struct error err = {0};
	struct prober_run *run = calloc(1, sizeof(*run));
	prctl(PR_SET_NAME, "baton-lab-probe");
	signal(SIGINT, SIG_IGN); // Ctrl-C is for the parent, which then stops us
	if (run == NULL || lab_enter(lab, LAB_ENTER_NET, &err) != RESULT_OK)
		_exit(2);
	run->info = lab_info(lab);
	run->options = *options;
	run->counts = counts;
	run->random = random_system();
	run->life = life;
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->fresh_name = options->first_name != 0
	                          ? options->first_name
	                          : 1 + (unsigned)random_below(&run->random, run->info->names);
	if (options->log_path != NULL) {
		run->log = fopen(options->log_path, "we");
		if (run->log == NULL)
			_exit(3);
		fprintf(run->log,
		        "ended_ms\tasked_ms\tresolver\tkind\tname\ttype\toutcome\trcode\n");
	}
	prober_loop(run);
	bool failed = run->log != NULL && (ferror(run->log) != 0 || fclose(run->log) != 0);
	free(run);
	_exit(failed ? 3 : 0);
}

enum result prober_start(const struct lab *lab, const struct prober_options *options,
        struct prober **out, struct error *err)
{
	assert(options->timeout_ms > 0);
	int life[2];
	if (options->rate < 1 || options->rate > PROBER_RATE_MAX ||
	        options->first_name > lab_info(lab)->names)
		return error_set(err, RESULT_INPUT, "the rate must be 1 to %d questions per second",
		        PROBER_RATE_MAX);
	if (!lab_alive(lab))
		return error_set(err, RESULT_NOT_FOUND, "no lab runs in %s", lab_info(lab)->dir);
	struct prober *prober = calloc(1, sizeof(*prober));
	void *shared = mmap(NULL, sizeof(*prober->counts), PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (prober == NULL || shared == MAP_FAILED || pipe2(life, O_CLOEXEC) != 0) {
		free(prober);
		return error_set_errno(err, "cannot start the prober");
	}
	prober->counts = shared;
	fflush(NULL);
	prober->pid = fork();
	if (prober->pid == 0) {
		close(life[1]);
		prober_child(lab, options, prober->counts, life[0]);
	}
	close(life[0]);
	prober->life_fd = life[1];
	if (prober->pid < 0) {
		error_set_errno(err, "cannot start the prober");
		close(life[1]);
		munmap(shared, sizeof(*prober->counts));
		free(prober);
		return RESULT_SYSTEM;
	}
	*out = prober;
	return RESULT_OK;
}

const struct prober_counts *prober_counts(const struct prober *prober)
{
	return prober->counts;
}

enum result prober_stop(struct prober *prober, struct prober_counts *counts, struct error *err)
{
	int status = 0;
	enum result result = RESULT_OK;
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	ssize_t written = write(prober->life_fd, "s", 1);
	signal(SIGPIPE, old);
	while (waitpid(prober->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (written != 1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		result = error_set(err, RESULT_SYSTEM, "the prober ended early (%s %d%s)",
		        WIFEXITED(status) ? "status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		        WIFEXITED(status) && WEXITSTATUS(status) == 3 ? ", log not writable" : "");
	if (counts != NULL)
		*counts = *prober->counts;
	close(prober->life_fd);
	munmap(prober->counts, sizeof(*prober->counts));
	free(prober);
	return result;
}
