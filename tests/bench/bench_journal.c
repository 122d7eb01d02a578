// How fast a journal takes durable records, against what the disk can do at all (one write and
// fdatasync(2) for each record, in the same folder), and how fast a journal is verified.
#include "journal/journal.h"
#include "journal/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SINGLE = 1000, BATCHES = 100, IN_BATCH = 1000 };

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const struct error *err)
{
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

// About what an observed edition is: 300 octets.
static json_t *make_payload(int i)
{
	return json_pack("{s:s, s:s, s:[s,s], s:i, s:I, s:I, s:s}", "address", "2001:db8::53",
	        "kind", "dnskey", "content",
	        "f5a1b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1",
	        "05d2b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1b0c2d3e4f5a1", "ttl_s", 3600,
	        "first_seen_ms", (json_int_t)1795282800000 + i, "last_seen_ms",
	        (json_int_t)1795282900000 + i, "publisher", "losing");
}

static void append_single(struct journal *journal)
{
	struct error err = {0};
	for (int i = 0; i < SINGLE; i++) {
		struct journal_entry entry = {.kind = JOURNAL_OBSERVATION,
		        .change = "move-example",
		        .payload = make_payload(i)};
		if (journal_append(journal, &entry, NULL, &err) != RESULT_OK)
			die(&err);
		json_decref((json_t *)(uintptr_t)entry.payload);
	}
}

static void append_batches(struct journal *journal)
{
	static struct journal_entry entries[IN_BATCH];
	struct error err = {0};
	json_t *payload = make_payload(0);
	for (int i = 0; i < IN_BATCH; i++)
		entries[i] = (struct journal_entry){
		        .kind = JOURNAL_OBSERVATION, .change = "move-example", .payload = payload};
	for (int i = 0; i < BATCHES; i++)
		if (journal_append_all(journal, entries, IN_BATCH, NULL, &err) != RESULT_OK)
			die(&err);
	json_decref(payload);
}

static double plain_writes(const char *path)
{
	char record[500];
	memset(record, 'x', sizeof record);
	int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	double start = seconds_now();
	for (int i = 0; i < SINGLE; i++)
		if (write(fd, record, sizeof record) != sizeof record || fdatasync(fd) != 0)
			exit(1);
	double took = seconds_now() - start;
	close(fd);
	unlink(path);
	return took;
}

static void measure_verify(const char *path)
{
	struct journal_report report;
	struct error err = {0};
	double start = seconds_now();
	if (journal_verify(path, NULL, &report, &err) != RESULT_OK)
		die(&err);
	double took = seconds_now() - start;
	struct stat status;
	stat(path, &status);
	printf("verify %" PRId64 " records (%.1f MiB): %.0f records/s\n", report.records,
	        (double)status.st_size / (1 << 20), (double)report.records / took);
	if (!report.good) {
		fprintf(stderr, "%s\n", report.text);
		exit(1);
	}
}

int main(void)
{
	char folder[] = "/var/tmp/baton-bench-XXXXXX", path[60], plain[60];
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/j", folder);
	snprintf(plain, sizeof plain, "%s/plain", folder);
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal *journal;
	struct error err = {0};
	if (journal_open(path, JOURNAL_CREATE, &options, &journal, &err) != RESULT_OK)
		die(&err);
	double start = seconds_now();
	append_single(journal);
	double single = seconds_now() - start, peer = plain_writes(plain);
	start = seconds_now();
	append_batches(journal);
	double batches = seconds_now() - start;
	printf("append one by one, durable: %.0f records/s (write and fdatasync alone: %.0f/s, "
	       "ratio "
	       "%.2f)\n",
	        SINGLE / single, SINGLE / peer, peer / single);
	printf("append in batches of %d, durable: %.0f records/s\n", IN_BATCH,
	        BATCHES * IN_BATCH / batches);
	journal_close(journal);
	measure_verify(path);
	unlink(path);
	rmdir(folder);
	return 0;
}
