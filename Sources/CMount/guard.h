#pragma once
// Processes that put things back when this one ends, whatever ends it.

#include <sys/types.h>

/// Puts back what a guard keeps; 0 or -errno.
typedef int nss_put_back(int file, const char *argument);
/// Forks a process that calls `put_back` with the descriptor and the argument once `*end` is closed or this process has
/// died, whatever killed it. Its pid, or -errno.
pid_t nss_guard_start(int file, nss_put_back *put_back, const char *argument, int *end);
/// Lets a guard put things back and waits for it; 0, or -errno when it could not.
int nss_guard_stop(pid_t pid, int end);
