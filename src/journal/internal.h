// What journal.c and verify.c share.
#pragma once

#include "journal/store.h"

struct journal {
	struct store *store;
	enum journal_mode mode;
	struct journal_options options;
	bool busy; // within a callback
};

// "PATH: record 17: FIELD: " in front of err.
enum result journal_blame(const struct journal *journal, int64_t seq, const char *field,
        enum result result, struct error *err);
