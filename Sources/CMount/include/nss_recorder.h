#pragma once
#include <stdint.h>

// A private sandbox for a program that is watched, and the ptrace calls that watch it.

/// How far the set-up of a sandbox came when it failed.
enum nss_record_step {
  NSS_RECORD_NONE,
  NSS_RECORD_NAMESPACES,
  NSS_RECORD_PRIVATE,
  NSS_RECORD_TMPFS,
  NSS_RECORD_OVERLAY,
  NSS_RECORD_MOUNTS,
  NSS_RECORD_DEVICES,
  NSS_RECORD_PROC,
  NSS_RECORD_PIVOT,
  NSS_RECORD_PROGRAM,
  NSS_RECORD_SEIZE,
};

struct nss_record_request {
  const char *const *arguments;  // the program first, NULL at the end
  const char *directory;         // where it starts
  uint64_t root_bytes;           // how much it may write
  const uint32_t *watched;       // numbers of the calls at which it stops
  uint32_t watched_count;
};

struct nss_record_started {
  int32_t init_;    // PID 1 of the sandbox, as this process sees it
  int32_t program;  // stopped before execve, seized
  int32_t control;  // close it to let PID 1 end
};

/// Makes the sandbox and the program's process, seized and stopped before its execve. 0 or -errno; `*step` says where.
///
/// The sandbox: new mount, PID, IPC, UTS and network namespaces; private; its root an overlay over the machine's, so
/// that what is written goes to a tmpfs; devices without disks. Everything ends with this process.
int nss_record_start(
  const struct nss_record_request *request, struct nss_record_started *started, int32_t *step);
/// Lets the program's process go on to its execve.
int nss_record_go(const struct nss_record_started *started);
/// The errno of an execve that failed; 0 where none did.
int nss_record_exec_error(const struct nss_record_started *started);

struct nss_registers {
  int64_t number;
  uint64_t arguments[6];
  int64_t result;
  /// Whether the call came through the interface of 64-bit programs.
  int32_t is_native;
};

enum nss_trace_what {
  NSS_TRACE_NOTHING,   // the time is over
  NSS_TRACE_SIGNAL,    // this process got SIGINT or SIGTERM
  NSS_TRACE_CALL,      // a watched call begins
  NSS_TRACE_ANSWER,    // a call has its answer
  NSS_TRACE_CHILD,     // detail: the new task
  NSS_TRACE_EXECUTED,  // detail: the number that the task had before
  NSS_TRACE_ENDING,    // the task begins to exit
  NSS_TRACE_ENDED,     // the task is gone; detail: its wait status
  NSS_TRACE_STARTED,   // a new task stops for the first time
  NSS_TRACE_STOPPED,   // stopped by a signal, as a debugger or ^Z does
  NSS_TRACE_DELIVERY,  // detail: a signal on its way to the task
  NSS_TRACE_GONE,      // no task is left
};

struct nss_trace_stop {
  int32_t task;
  int32_t what;
  uint64_t detail;
};

/// Blocks the signals that the next function waits for.
void nss_trace_prepare(void);
/// The next thing that a task does, or NSS_TRACE_NOTHING after `milliseconds`. 0 or -errno.
int nss_trace_next(int32_t milliseconds, struct nss_trace_stop *stop);
int nss_trace_registers(int32_t task, struct nss_registers *registers);
/// Goes on; `to_answer` stops again when the call has its answer. `signal` is delivered.
int nss_trace_continue(int32_t task, int32_t to_answer, int32_t signal);
/// Lets a task that a signal stopped stay stopped.
int nss_trace_listen(int32_t task);
/// Turns the call that begins into none.
int nss_trace_skip(int32_t task);
/// Sets the answer of a call that has just ended.
int nss_trace_answer(int32_t task, int64_t result);
/// Copies memory of a task; the bytes copied, or -errno.
int64_t nss_trace_read(int32_t task, uint64_t address, void *to, uint64_t bytes);
