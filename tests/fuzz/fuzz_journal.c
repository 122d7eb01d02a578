// fuzz: links dep_base dep_journal dep_sqlite
// A file that claims to be a journal: opened, read, verified and added to, whatever is in it.
#include "journal/journal.h"
#include "journal/verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[100], path[120], other_path[140];

static void clean_up(void)
{
	static const char *const suffixes[] = {
	        "", "-wal", "-shm", "-journal", ".lock", ".private", ".private-journal"};
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char name[200];
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

static void remove_folder(void)
{
	clean_up();
	rmdir(folder);
}

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "%s/baton-fuzz-XXXXXX",
	        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof path, "%s/j", folder);
	snprintf(other_path, sizeof other_path, "%s.private", path);
	atexit(remove_folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0)
		abort();
}

static enum result count(void *ctx, const struct journal_record *record, struct error *err)
{
	(void)err;
	if (strlen(record->payload) != record->payload_length)
		abort();
	++*(int64_t *)ctx;
	return RESULT_OK;
}

static struct journal *open_journal(enum journal_mode mode)
{
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal *journal = NULL;
	struct error err = {0};
	enum result result = journal_open(path, mode, &options, &journal, &err);
	if ((result == RESULT_OK) != (journal != NULL) || (journal == NULL && err.text[0] == '\0'))
		abort();
	return journal;
}

static void read_journal(const struct journal_report *report)
{
	struct journal *journal = open_journal(JOURNAL_READ);
	if (journal == NULL)
		return;
	static const struct journal_filter filters[] = {{0}, {.change = "a"},
	        {.kind = JOURNAL_NOTE, .newest_first = true}, {.from_seq = 2, .limit = 1}};
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		int64_t records = 0;
		enum result result = journal_iterate(journal, &filters[i], count, &records, NULL);
		if (report->good && i == 0 && (result != RESULT_OK || records != report->records))
			abort();
	}
	journal_close(journal);
}

static void add_to_journal(const struct journal_report *report)
{
	struct journal *journal = open_journal(JOURNAL_WRITE);
	if (journal == NULL)
		return;
	struct journal_entry entry = {.kind = JOURNAL_NOTE, .change = "a"};
	struct journal_mark mark;
	if (journal_append(journal, &entry, &mark, NULL) == RESULT_OK && report->good &&
	        mark.seq != report->records + 1)
		abort();
	journal_close(journal);
}

static void read_private(void)
{
	struct journal_private *p = NULL;
	struct random random = random_system();
	if (journal_private_open(path, true, &random, &p, NULL) != RESULT_OK)
		return;
	struct journal_hash hash = {0};
	struct arena *arena = arena_new(1 << 20);
	const char *text;
	if (journal_private_put(p, "text", &hash, NULL) == RESULT_OK)
		journal_private_get(p, &hash, arena, &text, NULL);
	journal_private_erase(p, &hash, NULL);
	journal_private_close(p);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (folder[0] == '\0')
		make_folder();
	write_file(path, data, size);
	write_file(other_path, data, size);
	struct journal_report report = {0};
	journal_verify(path, NULL, &report, NULL);
	read_journal(&report);
	add_to_journal(&report);
	read_private();
	clean_up();
	return 0;
}
