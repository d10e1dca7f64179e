#pragma once
// The supervisor's side: start the zygote, start sandboxes, post requests, wait with limits.

#include <stdbool.h>
#include <stdint.h>

#include "nss_shared.h"

#ifdef __clang__
#pragma clang assume_nonnull begin
#define NSS_UNCHECKED _Null_unspecified
#else
#define NSS_UNCHECKED
#endif

/// Forks the zygote, from which every process of a sandbox descends.
///
/// To be called as the first statement of `main`, before any thread and before anything allocates: what the zygote
/// copies of its parent, every worker copies too. It sleeps until a sandbox is started, and ends with its parent
/// (end of file, the parent's pidfd, and, if the main thread called this, the parent-death signal: the main thread must
/// then live as long as the process).
/// A second call does nothing. Returns 0, or -errno when the fork failed; then nss_sandbox_start tries again.
int nss_zygote_launch(void);
/// The zygote's process number, or 0.
int32_t nss_zygote_pid(void);
/// Ends the zygote and with it all its sandboxes. A later sandbox starts a new one.
void nss_zygote_end(void);

/// What may take how much.
struct nss_limits {
  uint32_t workers;
  uint32_t observers;
  uint64_t program_bytes;
  uint64_t output_bytes;  // for each observer
  uint64_t root_bytes;
  uint64_t root_inodes;
};

/// Where the start of a sandbox failed.
enum {
  NSS_STEP_NONE,
  NSS_STEP_MEMORY,
  NSS_STEP_ZYGOTE,
  NSS_STEP_PID_NAMESPACE,
  NSS_STEP_ANSWER,
  NSS_STEP_MOUNT_NAMESPACE,
  NSS_STEP_PRIVATE,
  NSS_STEP_PROCFS,
  NSS_STEP_ROOT_TMPFS,
  NSS_STEP_PIVOT,
  NSS_STEP_DETACH,
  NSS_STEP_CAPABILITIES,
  NSS_STEP_SIGNALS,
};

struct nss_sandbox {
  struct nss_region *NSS_UNCHECKED region;
  int control;  // end of file at the other end ends PID 1
  int pidfd;    // of PID 1: readable once every process of the sandbox is gone
  int procfs;   // /proc of the sandbox's PID namespace, mounted nowhere
  int32_t pid;  // of PID 1
};

/// Starts a sandbox: PID 1 in new PID and mount namespaces, without workers. 0 or -errno, then `*step` says where.
int nss_sandbox_start(
  const struct nss_limits *limits, int milliseconds, struct nss_sandbox *sandbox, int32_t *step);
/// Asks PID 1 for namespace 0's worker in slot `index`, or for an observer; watch the slot's state.
int nss_sandbox_first_worker(const struct nss_sandbox *sandbox, uint32_t index);
int nss_sandbox_observer(const struct nss_sandbox *sandbox, uint32_t index);
/// Ends PID 1 and waits until the kernel has ended everything in the sandbox. 0, or -ETIMEDOUT: something is wedged.
int nss_sandbox_end(struct nss_sandbox *sandbox, int milliseconds);
/// Whether PID 1 has ended.
bool nss_sandbox_is_gone(const struct nss_sandbox *sandbox);

struct nss_worker *nss_sandbox_worker(const struct nss_sandbox *sandbox, uint32_t index);
struct nss_observer *nss_sandbox_observer_slot(const struct nss_sandbox *sandbox, uint32_t index);
void *nss_sandbox_address(const struct nss_sandbox *sandbox, uint64_t offset);
uint64_t nss_sandbox_scratch(const struct nss_sandbox *sandbox, uint32_t worker);
/// Gives the pages of this part of the region back to the kernel; they read as zeros afterwards.
void nss_sandbox_discard(const struct nss_sandbox *sandbox, uint64_t offset, uint64_t length);

/// Posts the task that stands in the worker's slot; the number to wait for.
uint32_t nss_worker_post(struct nss_worker *worker);
uint32_t nss_observer_post(struct nss_observer *observer);
uint32_t nss_worker_state(const struct nss_worker *worker);
uint32_t nss_observer_state(const struct nss_observer *observer);
uint32_t nss_worker_done(const struct nss_worker *worker);
uint32_t nss_observer_done(const struct nss_observer *observer);
uint64_t nss_worker_position(const struct nss_worker *worker);
uint64_t nss_worker_iterations(const struct nss_worker *worker);
/// Each waits at most `nanoseconds` for the worker to have answered this request, or to be no longer in `state`;
/// spins a little first. True if so.
bool nss_worker_wait_done(struct nss_worker *worker, uint32_t request, uint64_t nanoseconds);
bool nss_worker_wait_not(struct nss_worker *worker, uint32_t state, uint64_t nanoseconds);
bool nss_observer_wait_done(struct nss_observer *observer, uint32_t request, uint64_t nanoseconds);
bool nss_observer_wait_not(struct nss_observer *observer, uint32_t state, uint64_t nanoseconds);

/// Prepares a batch of `count` workers, `foreground` of them not in the background; with a barrier they wait for
/// nss_batch_go.
void nss_batch_begin(
  const struct nss_sandbox *sandbox, uint32_t count, uint32_t foreground, bool spin);
/// Waits at most `nanoseconds` until all have come to the barrier; the number that has.
uint32_t nss_batch_wait_arrived(const struct nss_sandbox *sandbox, uint64_t nanoseconds);
/// Opens the barrier at `lead` nanoseconds from now; the time of the start.
uint64_t nss_batch_go(const struct nss_sandbox *sandbox, uint64_t lead_nanoseconds);
/// Waits at most `nanoseconds` until all have finished; the number that has.
uint32_t nss_batch_wait_completed(const struct nss_sandbox *sandbox, uint64_t nanoseconds);
/// Makes every program end after the call that it is in.
void nss_batch_stop(const struct nss_sandbox *sandbox);
/// Takes the order to stop back.
void nss_batch_resume(const struct nss_sandbox *sandbox);

/// Sends a signal to a process by its number in the sandbox, without a race for the number. 0 or -errno.
int nss_sandbox_signal(const struct nss_sandbox *sandbox, int32_t pid, int signal);

#ifdef __clang__
#pragma clang assume_nonnull end
#endif
