// What the journal's tests share: a folder that goes away, and small journals in it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/journal.h"
#include "journal/verify.h"

// cmocka setup and teardown: *state is the name of an empty folder.
int folder_make(void **state);
int folder_remove(void **state);
// folder/name; one of sixteen static buffers in turn.
const char *in_folder(void **state, const char *name);

// A clock that moves one second with each look, and seeded randomness: journals repeat exactly.
struct journal_options repeating_options(void);

struct journal *must_open(const char *path, enum journal_mode mode);
// A note with {"n":n}; its mark.
struct journal_mark must_append(struct journal *journal, enum journal_kind kind, const char *change,
        const char *step, int n);
// Genesis and `count` records of several kinds, of changes "a" and "b"; the head.
struct journal_mark make_journal(const char *path, int count);
struct journal_report must_verify(const char *path, const struct journal_hash *head);
void copy_file(const char *from, const char *to);
// One statement (or several) with plain SQLite, as somebody who tampers would.
void run_sql(const char *path, const char *sql);
// Computes the hashes anew from a record on, as somebody would who has the file and the time.
void chain_anew(const char *path, int64_t from);
int64_t milliseconds_now(void);
