#pragma once
// What the files of CMount share with one another and not with Swift.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "nss_shared.h"

/// Where a process of the sandbox finds the region and /proc of the sandbox's PID namespace.
struct nss_place {
  struct nss_region *region;
  int procfs;  // a detached procfs: no mount namespace holds it
  int devices;  // a detached devtmpfs, or -1 where the kernel or the rights do not give one
};

/// A system call without the C library: worker threads have no storage of their own, so errno would be shared. The kernel's
/// own answer, negative for an errno.
static inline long nss_raw(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long fourth __asm__("r10") = d;
  register long fifth __asm__("r8") = e;
  register long sixth __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                   : "rcx", "r11", "memory");
  return result;
#else
  long result = syscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno : result;
#endif
}
#define NSS_CALL1(n, a) nss_raw(n, (long)(a), 0, 0, 0, 0, 0)
#define NSS_CALL2(n, a, b) nss_raw(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define NSS_CALL3(n, a, b, c) nss_raw(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define NSS_CALL4(n, a, b, c, d) nss_raw(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define NSS_CALL5(n, a, b, c, d, e) \
  nss_raw(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline void *nss_at(const struct nss_region *region, uint64_t offset) {
  return (char *)(uintptr_t)region + offset;
}

static inline struct nss_worker *nss_worker_at(const struct nss_region *region, uint32_t index) {
  return (struct nss_worker *)nss_at(region, region->workers) + index;
}

static inline struct nss_observer *nss_observer_at(
  const struct nss_region *region, uint32_t index) {
  return (struct nss_observer *)nss_at(region, region->observers) + index;
}

static inline uint32_t nss_load(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void nss_store(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/// Sleeps while `*word == value`, at most `nanoseconds` (0: without a limit, for processes whose PID 1 ends them).
void nss_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds);
void nss_futex_wake_all(uint32_t *word);
/// Stores and wakes everybody who waits for a change of the word.
void nss_publish(uint32_t *word, uint32_t value);
void nss_cpu_relax(void);
/// Waits without sleeping until `*word == value` (or, with `differs`, is another), for some microseconds: what answers at
/// once saves a wake-up. By time and not by rounds, because under emulation a pause costs as much as a system call.
bool nss_spin(const uint32_t *word, uint32_t value, bool differs, uint64_t nanoseconds);

/// A descriptor that is readable when children have died; blocks SIGCHLD and no other signal. Negative where there is none.
int nss_watch_deaths(void);
/// Waits until something can be read from `control`, and calls `reap` whenever children have died meanwhile. Ends this
/// process when the one behind the pidfd `supervisor` ends.
void nss_await_word(int control, int deaths, int supervisor, void (*reap)(void));

/// Closes every descriptor from 3 on except `kept` (or all if `kept` is negative).
void nss_close_all_but(int kept, int also_kept, int third_kept);
/// Writes a decimal number; the end of it.
char *nss_put_number(char *to, int64_t number);
char *nss_put_text(char *to, const char *text);

/// Namespace 0's worker. Never returns.
_Noreturn void nss_first_worker(const struct nss_place *place, uint32_t index);
/// Makes one operation and says what the kernel answered (an errno, positive, or 0).
int32_t nss_execute(const struct nss_op *operation, const char *text);
/// Where nss_execute finds the region and /proc.
void nss_executor_use(const struct nss_place *place);
/// The place that was given to nss_executor_use.
const struct nss_place *nss_executor_place(void);
/// One of the operations of nss_release.h, as nss_execute.
int32_t nss_execute_release(const struct nss_op *operation, const char *text);
/// Gives up what a parent held by nss_release.h's operations and a fork has copied.
void nss_release_forget(void);
/// The descriptor in a slot, or -1.
int nss_slot_descriptor(int32_t slot);
/// Puts a descriptor (or a negative errno, which is returned positive) into a slot.
int32_t nss_slot_fill(int32_t slot, int descriptor);
int32_t nss_slot_close(int32_t slot);
/// What the operation under way measured, for its result; taken once.
void nss_note_value(uint32_t value);
uint32_t nss_take_value(void);
/// Forks a child of this worker whose parent is PID 1 (`adopted`) or this worker; it dies with the worker only if it is
/// its child. As fork(2), but -errno.
long nss_fork(bool adopted);
/// Closes the descriptor slots that were inherited over a fork.
void nss_executor_close_slots(void);
/// Closes the sockets of holds that were inherited over a fork; mappings are not inherited.
void nss_executor_close_holds(void);
/// Keeps an open file beside its descriptor (NSS_OP_HOLD), and lets go of it; 0 or an errno.
int32_t nss_hold(int32_t number, int descriptor, uint64_t kind);
int32_t nss_let_go(int32_t number);
/// Moves to a CPU and says which one this process was bound to (-1: none). From 6.18 on a kernel hands out the numbers of
/// namespaces by CPU, and takes a newer namespace for an older one when they were made on different ones.
int nss_number_namespaces_in_order(int cpu);
/// A new worker process beside this one (NSS_OP_UNSHARE, NSS_OP_SHARE), started in worker.c.
int32_t nss_make_worker(const struct nss_op *operation);
/// A new worker thread beside this one (NSS_OP_THREAD), started in worker.c.
int32_t nss_make_thread(const struct nss_op *operation);
/// Sets the namespace's id and inode in this worker's slot.
void nss_note_namespace(void);
/// PID 1 of a sandbox. Never returns.
_Noreturn void nss_init_main(int control, int memory, int supervisor);
/// An observer. Never returns.
_Noreturn void nss_observer_main(const struct nss_place *place, uint32_t index);

/// Keeps libraries that workers do not need out of the copies of this process.
void nss_lighten(int procfs);

/// A message from the supervisor to PID 1.
struct nss_command {
  uint32_t code;
  uint32_t index;
};
enum { NSS_COMMAND_FIRST_WORKER = 1, NSS_COMMAND_OBSERVER };

/// PID 1's only message: how the set-up went. On success it carries the procfs descriptor.
struct nss_report {
  int32_t step;
  int32_t error;
};

/// The zygote's answer to a start request. On success it carries a pidfd of PID 1.
struct nss_started {
  int32_t pid;
  int32_t error;
};

/// Asks the zygote for a PID 1; a zygote that died meanwhile is replaced once. 0 or -errno.
int nss_zygote_start(
  int memory, int control, int milliseconds, struct nss_started *started, int *pidfd);

/// Sends `length` bytes and up to two descriptors; 0 or -errno.
int nss_send(int socket, const void *bytes, uint64_t length, const int *descriptors, int count);
/// Receives exactly `length` bytes and up to `capacity` descriptors within `milliseconds` (-1: no limit);
/// the number of descriptors, -ETIMEDOUT, -EPIPE at the end of the stream, or another -errno.
int nss_receive(
  int socket, void *bytes, uint64_t length, int *descriptors, int capacity, int milliseconds);
