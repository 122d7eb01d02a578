#include "cmd/stop.h"

#include <signal.h>

enum { LOOK_MS = 200 };

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

// A signal may come at any instant, also where nothing interrupts a wait: a timer looks for it.
static void look_for_signal(void *ctx)
{
	struct stop *s = ctx;
	if (signalled != 0)
		loop_stop(s->loop);
	else
		loop_timer_start(s->loop, &s->timer, LOOK_MS);
}

void stop_watch(struct stop *stop, struct loop *loop)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	// A terminal that goes away, unless somebody has arranged for that (nohup).
	struct sigaction before;
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	*stop = (struct stop){.loop = loop};
	stop->timer = (struct loop_timer){.fire = look_for_signal, .ctx = stop, .background = true};
	loop_timer_start(loop, &stop->timer, LOOK_MS);
}

void stop_end(struct stop *stop)
{
	loop_timer_stop(stop->loop, &stop->timer);
}

bool stop_called(void)
{
	return signalled != 0;
}
