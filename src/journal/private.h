// What must be forgettable. The chain cannot forget, so nothing about persons (names, addresses,
// numbers, free text of people) goes into it: the text is kept here, in PATH.private beside the
// journal, and a record holds only its salted hash.
//
//     struct journal_private *private;
//     if (journal_private_open("move.journal", true, &random, &private, err) != RESULT_OK) …
//     struct journal_hash who;
//     journal_private_put(private, "Ada Example <ada@example.net>", &who, err);
//     …record {"by":"<who as hex>"} in the journal…
//     journal_private_erase(private, &who, err);           // when Ada asks for it
//
// The hash is SHA-256 over "baton-private 1\n", 32 octets of random salt, and the text; the salt is
// erased with the text, so that afterwards nobody can even try out who it was. Two equal texts have
// different hashes. The chain verifies as before; journal_private_get() then says RESULT_NOT_FOUND.
//
// Put first, then append: a value whose record was never written harms nobody.
//
// Erased octets are overwritten in the file (SQLite's secure_delete) and the temporary file of the
// transaction is removed; copies that a file system, a disk or a backup keeps are beyond this
// program. The file is readable by its owner only.
//
// Errors as in journal.h.
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "journal/record.h"

#define JOURNAL_MAX_PRIVATE (64u << 10) // octets of one text

struct journal_private;

// Whether anything was ever kept beside the journal of this name: a file is there, of whatever
// kind.
bool journal_private_exists(const char *journal_path);

// Opens, and where writable also makes, the private file of the journal of this name. random may
// be NULL where writable is false. A file that was made and holds nothing when it is closed is
// removed again.
enum result journal_private_open(const char *journal_path, bool writable,
        const struct random *random, struct journal_private **private_file, struct error *err);
void journal_private_close(struct journal_private *private_file);

// Durable when it returns.
enum result journal_private_put(struct journal_private *private_file, const char *text,
        struct journal_hash *hash, struct error *err);
// The text, in the arena. RESULT_NOT_FOUND: erased, or never here. RESULT_CORRUPT: not the text
// that was hashed.
enum result journal_private_get(struct journal_private *private_file,
        const struct journal_hash *hash, struct arena *arena, const char **text, struct error *err);
// RESULT_NOT_FOUND where there is nothing to erase.
enum result journal_private_erase(
        struct journal_private *private_file, const struct journal_hash *hash, struct error *err);
