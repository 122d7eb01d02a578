// The commands of `baton`, one file each: options in, exit status out. argv[0] is the command's
// word.
#pragma once

int cmd_check(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_preflight(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_bulk(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_approve(int argc, char **argv);
int cmd_done(int argc, char **argv);
int cmd_undo(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_forget(int argc, char **argv);
int cmd_lab(int argc, char **argv);
