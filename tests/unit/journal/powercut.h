// A disk that can lose power: an SQLite VFS that remembers which writes were followed by fsync(2).
//
//     powercut_start("/tmp/x/j");            // everything about this file and its companions
//     …write a journal /tmp/x/j…
//     powercut_image("/tmp/x/cut", &random); // what a disk may hold if the power fails now
//     powercut_stop();
//
// Of the writes after a file's last fsync, the image has an arbitrary subset: a disk may write in
// any order. A file that was never synced is not there.
#pragma once

#include "base/random.h"

#include <stdbool.h>

void powercut_start(const char *path);
void powercut_stop(void);
// Writes the files to_path, to_path-wal, to_path-journal. random == NULL: nothing unsynced.
void powercut_image(const char *to_path, const struct random *random);
// Called before each write, sync and truncation; may take images.
void powercut_each(void (*callback)(void *ctx), void *ctx);
