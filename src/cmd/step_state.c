#include "cmd/step_state.h"

const char *step_state_word(enum move_kind kind, bool running)
{
	switch (kind) {
	case MOVE_WAIT:
		return "waits";
	case MOVE_APPROVE:
		return "needs approval";
	case MOVE_ASK:
	case MOVE_PERSON:
		return "needs a person";
	case MOVE_ACT:
	case MOVE_TURN:
		return running ? "acts" : "safe now";
	case MOVE_OBSERVE:
		return "spreads";
	case MOVE_SEEN:
		return "seen everywhere";
	case MOVE_SKIP:
	case MOVE_BRANCH:
		return "deadline passed";
	case MOVE_STUCK:
		return "stuck";
	case MOVE_NO_WAY_BACK:
		return "no way back";
	}
	return "";
}

// That it is the party's turn says less than anything else that is said of the step.
static const struct move *move_of(const struct decision *decision, int step)
{
	const struct move *found = NULL;
	for (size_t i = 0; decision != NULL && i < decision->count; i++)
		if (decision->moves[i].step == step &&
		        (found == NULL || decision->moves[i].kind != MOVE_TURN))
			found = &decision->moves[i];
	return found;
}

struct step_state step_state_of(
        const struct progress *progress, const struct decision *decision, int step, bool running)
{
	const struct progress_step *s = &progress->steps[step];
	const struct move *move = move_of(decision, step);
	bool over = s->skipped || s->forward.state == DEED_EVERYWHERE;
	// What is over can only be taken back: any other move was decided before it was over.
	if (move != NULL && (move->undo || !over))
		return (struct step_state){step_state_word(move->kind, running), move};
	return (struct step_state){s->skipped ? "skipped" : over ? "done" : "", NULL};
}
