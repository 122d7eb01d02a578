#include "registrar.h"

#include "shape.h"
#include "stub.h"

#include "base/clock.h"
#include "base/random.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/tsig.h"
#include "dns/type.h"
#include "dns/update.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS  3000
#define AGAIN_MS   100
#define LOOK_MS    10
#define LIVE_MAX   100000
#define RECORDS    3 // two name servers, one DS record
#define ARENA_MAX  (1u << 20)
#define GIVE_UP_MS 20000 // at the end, for the one that is under way
#define SMALL_ZONE 20    // so many delegations there are before any is changed or removed

struct registrar {
	pid_t pid;
	int life_fd; // a byte means: stop; closing it: end at once
	struct registrar_counts *counts;
};

#define BATCH_MAX 16 // registrations under way at a time: a server does them in one go

// A registration: the delegation of a name as it shall be; no records: none.
struct registration {
	char name[32];
	size_t count;
	uint16_t type[RECORDS];
	char data[RECORDS][120];
	bool acknowledged;
	// Of the latest attempt.
	int fd;
	uint16_t id;
	struct dns_tsig_mac mac;
};

struct run {
	const struct lab_info *info;
	struct registrar_counts *counts;
	unsigned rate;
	int life, lock;
	FILE *log;
	struct random random;
	struct dns_tsig_key *key[LAB_PARTIES];
	struct dns_name zone;
	unsigned next, live[LIVE_MAX], live_count; // numbers of names
	uint64_t made;
	int64_t latest_ms; // acknowledgement
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

int64_t registrar_rate_milli(const struct registrar_counts *counts)
{
	int64_t took_ms = counts->stopped_ms - counts->started_ms;
	return took_ms > 0 ? (int64_t)counts->acknowledged * 1000000 / took_ms : 0;
}

// --- what is registered -------------------------------------------------------------------------

static void add_record(struct registration *r, uint16_t type, const char *data)
{
	r->type[r->count] = type;
	snprintf(r->data[r->count], sizeof(r->data[0]), "%s", data);
	r->count++;
}

// Every change of a name gives it other records; every third name is signed.
static void fill(struct registration *r, const struct run *run, unsigned number)
{
	char text[120];
	snprintf(text, sizeof(text), "ns1.r%llu.hosting.test.", (unsigned long long)run->made);
	add_record(r, DNS_TYPE_NS, text);
	add_record(r, DNS_TYPE_NS, "ns2.hosting.test.");
	if (number % 3 != 0)
		return;
	int n = snprintf(text, sizeof(text), "%u 13 2 ", number & 0xffff);
	for (int i = 0; i < 4; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%016llX",
		        (unsigned long long)run->made + 1);
	add_record(r, DNS_TYPE_DS, text);
}

// Registrations that are under way together are of different names.
static bool is_free(const struct registration *batch, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(batch[i].name, name) == 0)
			return false;
	return true;
}

// The next one of a batch. false where another name has to be chosen.
static bool choose(struct run *run, struct registration *batch, size_t count)
{
	struct registration *r = &batch[count];
	uint64_t what = random_below(&run->random, 10);
	bool new = run->live_count < SMALL_ZONE || (what < 6 && run->live_count < LIVE_MAX);
	unsigned at = new ? run->live_count : (unsigned)random_below(&run->random, run->live_count);
	unsigned number = new ? run->next + 1 : run->live[at];
	*r = (struct registration){.fd = -1};
	snprintf(r->name, sizeof(r->name), "r%06u.%s", number, run->info->zone);
	if (!is_free(batch, count, r->name))
		return false;
	if (new) {
		run->live[run->live_count++] = number;
		run->next = number;
	}
	if (new || what < 8)
		fill(r, run, number);
	else
		run->live[at] = run->live[--run->live_count];
	run->made++;
	return true;
}

// --- one attempt --------------------------------------------------------------------------------

static enum result build(struct run *run, struct arena *arena, const struct registration *r,
        uint16_t id, uint8_t **wire, size_t *length, size_t *room, struct error *err)
{
	struct dns_name name;
	struct dns_update *update = dns_update_new(arena, run->zone.wire, DNS_MESSAGE_MAX);
	if (update == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	enum result result = dns_name_parse(r->name, &name, err);
	if (result != RESULT_OK)
		return result;
	dns_update_delete_rrset(update, name.wire, DNS_TYPE_NS);
	dns_update_delete_rrset(update, name.wire, DNS_TYPE_DS);
	for (size_t i = 0; i < r->count && result == RESULT_OK; i++) {
		struct dns_rdata rdata;
		result = dns_rdata_parse(arena, r->type[i], r->data[i], NULL, &rdata, err);
		if (result == RESULT_OK)
			dns_update_add(update, name.wire, r->type[i],
			        run->info->ttl_s[LAB_TTL_DATA], &rdata);
	}
	return result == RESULT_OK ? dns_update_finish(update, id, wire, length, room, err)
	                           : result;
}

static bool send_one(struct run *run, int party, struct registration *r)
{
	struct error err = {0};
	uint8_t *wire;
	size_t length, room;
	struct arena *arena = arena_new(ARENA_MAX);
	r->id = (uint16_t)random_u64(&run->random);
	r->fd = stub_socket(run->info->party[party].update, run->info->client_v4, SOCK_CLOEXEC);
	bool sent = arena != NULL && r->fd >= 0 &&
	            build(run, arena, r, r->id, &wire, &length, &room, &err) == RESULT_OK &&
	            dns_tsig_sign(run->key[party], wire, &length, room, now_ms() / SECOND_MS,
	                    &r->mac, &err) == RESULT_OK &&
	            send(r->fd, wire, length, 0) == (ssize_t)length;
	arena_free(arena);
	return sent;
}

// Whether an acknowledgement comes in time: NOERROR under a good signature.
static bool is_acknowledged(
        const struct registration *r, const struct dns_tsig_key *key, int64_t until_ms)
{
	static uint8_t octets[DNS_MESSAGE_MAX];
	struct pollfd wait = {.fd = r->fd, .events = POLLIN};
	struct dns_message message;
	bool good = false;
	int64_t left_ms = until_ms - now_ms();
	if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
		return false;
	ssize_t n = recv(r->fd, octets, sizeof(octets), MSG_DONTWAIT);
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	if (n > 0 && arena != NULL &&
	        dns_message_parse(arena, octets, (size_t)n, &message, NULL) == RESULT_OK)
		good = message.id == r->id && message.rcode == 0 &&
		       dns_tsig_verify(key, octets, (size_t)n, &message, &r->mac,
		               now_ms() / SECOND_MS, NULL, NULL) == RESULT_OK;
	arena_free(arena);
	return good;
}

// --- all of them --------------------------------------------------------------------------------

// The party that takes registrations now; -1: nobody.
static int whose_turn(const struct run *run)
{
	char path[4096], word[32] = "";
	snprintf(path, sizeof(path), "%s/registrations.to", run->info->dir);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return -1;
	if (fgets(word, sizeof(word), file) != NULL)
		word[strcspn(word, "\n")] = '\0';
	fclose(file);
	for (int i = 0; i < LAB_PARTIES; i++)
		if (strcmp(word, run->info->party[i].id) == 0 && run->key[i] != NULL)
			return i;
	return -1;
}

static void write_down(struct run *run, int party, const struct registration *r)
{
	int64_t at_ms = now_ms(), gap_ms = at_ms - run->latest_ms;
	fprintf(run->log, "%lld\t%s\t%s", (long long)at_ms, run->info->party[party].id, r->name);
	for (size_t i = 0; i < r->count; i++)
		fprintf(run->log, "\t%s %s", r->type[i] == DNS_TYPE_NS ? "NS" : "DS", r->data[i]);
	fputc('\n', run->log);
	if (fflush(run->log) != 0)
		_exit(3);
	run->latest_ms = at_ms;
	run->counts->acknowledged++;
	if (gap_ms > run->counts->longest_gap_ms)
		run->counts->longest_gap_ms = gap_ms;
}

// Lets time_ms pass. false where the end has been asked for.
static bool rest(const struct run *run, int64_t time_ms)
{
	char byte;
	struct pollfd wait = {.fd = run->life, .events = POLLIN};
	if (poll(&wait, 1, time_ms > 0 ? (int)time_ms : 0) <= 0)
		return true;
	if (read(run->life, &byte, 1) != 1)
		_exit(1); // the parent is gone
	return false;
}

// Sends those that are not acknowledged yet, all at once. Returns how many still are not.
static size_t attempt(struct run *run, int party, struct registration *batch, size_t count)
{
	size_t left = 0;
	int64_t until_ms = now_ms() + ANSWER_MS;
	for (size_t i = 0; i < count; i++)
		if (!batch[i].acknowledged && !send_one(run, party, &batch[i]))
			until_ms = now_ms();
	for (size_t i = 0; i < count; i++) {
		struct registration *r = &batch[i];
		if (!r->acknowledged && is_acknowledged(r, run->key[party], until_ms)) {
			r->acknowledged = true;
			write_down(run, party, r);
		}
		left += !r->acknowledged;
		if (r->fd >= 0)
			close(r->fd);
		r->fd = -1;
	}
	run->counts->repeated += left;
	return left;
}

// Some registrations, until they are acknowledged. What was sent may have been done without being
// acknowledged, so that none is given up half-way.
static bool make(struct run *run, struct registration *batch, size_t count)
{
	bool stopping = false, tried = false;
	int64_t until_ms = TIME_NEVER_MS;
	for (;;) {
		flock(run->lock, LOCK_EX);
		int party = whose_turn(run);
		size_t left = party >= 0 ? attempt(run, party, batch, count) : count;
		flock(run->lock, LOCK_UN);
		if (left == 0)
			return !stopping;
		tried |= party >= 0;
		if (stopping && !tried)
			return false;
		if (now_ms() >= until_ms)
			_exit(4);
		if (stopping)
			poll(NULL, 0, AGAIN_MS);
		else if (!rest(run, party >= 0 ? AGAIN_MS : LOOK_MS)) {
			stopping = true;
			until_ms = now_ms() + GIVE_UP_MS;
		}
	}
}

// How many should have been made by now and are not.
static size_t count_due(const struct run *run)
{
	uint64_t wanted = (uint64_t)(now_ms() - run->counts->started_ms) * run->rate / 1000 + 1;
	uint64_t missing = wanted > run->made ? wanted - run->made : 0;
	return missing < BATCH_MAX ? (size_t)missing : BATCH_MAX;
}

// Lets time pass until some are due; 0 where the end has been asked for.
static size_t wait_due(const struct run *run)
{
	size_t due;
	do {
		if (!rest(run, LOOK_MS))
			return 0;
		due = count_due(run);
	} while (due == 0);
	return due;
}

static void make_all(struct run *run)
{
	static struct registration batch[BATCH_MAX];
	size_t due;
	bool more = true;
	run->latest_ms = now_ms();
	run->counts->started_ms = run->latest_ms;
	while (more && (due = wait_due(run)) > 0) {
		for (size_t count = 0; count < due;)
			count += choose(run, batch, count);
		more = make(run, batch, due);
	}
	run->counts->stopped_ms = now_ms();
}

static bool open_files(struct run *run)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/registrations.lock", run->info->dir);
	run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	snprintf(path, sizeof(path), "%s/log/registrations", run->info->dir);
	run->log = fopen(path, "we");
	return run->lock >= 0 && run->log != NULL;
}

static bool read_keys(struct run *run)
{
	for (int i = 0; i < LAB_PARTIES; i++) {
		char text[400];
		const struct lab_party *party = &run->info->party[i];
		snprintf(text, sizeof(text), "hmac-sha256:%s:%s", party->tsig_name,
		        party->tsig_secret);
		if (strcmp(party->zone, run->info->zone) == 0 &&
		        dns_tsig_key_parse(text, &run->key[i], NULL) != RESULT_OK)
			return false;
	}
	return dns_name_parse(run->info->zone, &run->zone, NULL) == RESULT_OK;
}

static _Noreturn void child(
        const struct lab *lab, unsigned rate, struct registrar_counts *counts, int life)
{
	struct error err = {0};
	struct run *run = calloc(1, sizeof(*run));
	prctl(PR_SET_NAME, "baton-lab-regis");
	signal(SIGINT, SIG_IGN); // Ctrl-C is for the parent, which then stops us
	if (run == NULL || lab_enter(lab, LAB_ENTER_NET, &err) != RESULT_OK)
		_exit(2);
	run->info = lab_info(lab);
	run->counts = counts;
	run->rate = rate;
	run->life = life;
	run->random = random_system();
	if (!open_files(run) || !read_keys(run))
		_exit(3);
	make_all(run);
	bool failed = fclose(run->log) != 0;
	for (int i = 0; i < LAB_PARTIES; i++)
		dns_tsig_key_free(run->key[i]);
	free(run);
	_exit(failed ? 3 : 0);
}

enum result registrar_start(
        const struct lab *lab, unsigned rate, struct registrar **out, struct error *err)
{
	int life[2];
	if (!lab_info(lab)->shape->delegations || rate < 1 || rate > REGISTRAR_RATE_MAX)
		return error_set(err, RESULT_INPUT,
		        "registrations need a lab whose zone has delegations, and a rate of 1 to "
		        "%d a second",
		        REGISTRAR_RATE_MAX);
	struct registrar *registrar = calloc(1, sizeof(*registrar));
	void *shared = mmap(NULL, sizeof(*registrar->counts), PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (registrar == NULL || shared == MAP_FAILED || pipe2(life, O_CLOEXEC) != 0) {
		free(registrar);
		return error_set_errno(err, "cannot start the registrations");
	}
	registrar->counts = shared;
	fflush(NULL);
	registrar->pid = fork();
	if (registrar->pid == 0) {
		close(life[1]);
		child(lab, rate, registrar->counts, life[0]);
	}
	close(life[0]);
	registrar->life_fd = life[1];
	if (registrar->pid < 0) {
		error_set_errno(err, "cannot start the registrations");
		close(life[1]);
		munmap(shared, sizeof(*registrar->counts));
		free(registrar);
		return RESULT_SYSTEM;
	}
	*out = registrar;
	return RESULT_OK;
}

enum result registrar_stop(
        struct registrar *registrar, struct registrar_counts *counts, struct error *err)
{
	int status = 0;
	enum result result = RESULT_OK;
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	ssize_t written = write(registrar->life_fd, "s", 1);
	signal(SIGPIPE, old);
	while (waitpid(registrar->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (written != 1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		result = error_set(err, RESULT_SYSTEM, "the registrations ended early (%s %d)",
		        WIFEXITED(status) ? "status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	if (counts != NULL)
		*counts = *registrar->counts;
	close(registrar->life_fd);
	munmap(registrar->counts, sizeof(*registrar->counts));
	free(registrar);
	return result;
}
