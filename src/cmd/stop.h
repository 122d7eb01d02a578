// Signals that end a program which runs on a loop: SIGINT, SIGTERM, and SIGHUP where nobody has
// arranged for that (nohup).
//
//     struct stop stop;
//     stop_watch(&stop, loop);        // from now on a signal stops the loop
//     loop_run(loop, TIME_NEVER_MS);
//     stop_end(&stop);
#pragma once

#include "net/loop.h"

struct stop {
	struct loop *loop;
	struct loop_timer timer;
};

void stop_watch(struct stop *stop, struct loop *loop);
void stop_end(struct stop *stop);
// Whether a signal has come.
bool stop_called(void);
