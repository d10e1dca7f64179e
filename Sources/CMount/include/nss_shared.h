#pragma once
// The memory that the supervisor shares with every process of a sandbox: one memfd, mapped by each.
//
// Words that several processes use at once are read and written with __atomic builtins (in Swift through
// nss_supervisor.h). Everything else has one writer at a time: the supervisor until it posts a request, the
// worker or observer until it has answered.

#include <stdint.h>

enum {
  NSS_OP_MKDIR = 1,
  NSS_OP_RMDIR,
  NSS_OP_UNLINK,
  NSS_OP_RENAME,
  NSS_OP_SYMLINK,
  NSS_OP_TOUCH,
  NSS_OP_MOUNT,
  NSS_OP_UMOUNT,
  NSS_OP_UNSHARE,
  NSS_OP_SHARE,  // a further worker in the same namespace: fork alone
  NSS_OP_EXIT,
  NSS_OP_SETNS,
  NSS_OP_OPEN,
  NSS_OP_CLOSE,
  NSS_OP_CHDIR,
  NSS_OP_CHROOT,
  NSS_OP_PIVOT_ROOT,
  NSS_OP_OPEN_TREE,
  NSS_OP_FSMOUNT,
  NSS_OP_MOVE_MOUNT,
  NSS_OP_MOUNT_SETATTR,
  NSS_OP_STAT,
  NSS_OP_BASELINE,  // `value` rounds of mount(tmpfs) and umount2 in a plain C loop
  NSS_OP_PAUSE,     // nothing but its delay
  NSS_OP_SETNS_DESCRIPTOR,
  NSS_OP_OPEN_NAMESPACE,  // `text` names the file in /proc/PID/ns
  NSS_OP_OPEN_TREE_ATTR,
  NSS_OP_HOLD,
  NSS_OP_LET_GO,
  NSS_OP_THREAD,    // a further worker in the same process: a thread, which shares all but its stack
  NSS_OP_RELEASE_FIRST = 64,  // from here on: nss_release.h
};

/// How a path argument is given; mirrors PathArgument.
enum { NSS_PATH_NULL, NSS_PATH_TEXT, NSS_PATH_DESCRIPTOR, NSS_PATH_RELATIVE };

/// The flags of `NSS_OP_OPEN`: Swift's view of the C library lacks O_PATH.
enum { NSS_OPEN_PATH = 1, NSS_OPEN_DIRECTORY = 2 };

/// `NSS_OP_UNSHARE`'s flags: a user namespace too; a mount namespace with the root mount alone.
enum { NSS_UNSHARE_USER = 1, NSS_UNSHARE_EMPTY = 2 };

/// `NSS_OP_FSMOUNT`'s flag, as fsmount has it: the mount becomes a namespace.
enum { NSS_FSMOUNT_NAMESPACE = 2 };

/// `NSS_OP_HOLD`'s flag: what keeps the open file.
enum { NSS_HOLD_MAPPING = 1, NSS_HOLD_MESSAGE = 2 };

enum {
  NSS_DESCRIPTOR_SLOTS = 1024,
  NSS_HOLD_SLOTS = 256,
  /// The result of an operation that a stopped program or a dead worker did not come to.
  NSS_NOT_RUN = -1,
  /// The longest path that a worker passes on, with its terminating zero; longer ones are the kernel's ENAMETOOLONG.
  NSS_PATH_SIZE = 4096,
};

/// One prepared call. Offsets count from the program's text base.
struct nss_op {
  uint16_t code;
  uint8_t kind[2];
  int32_t slot[2];
  uint32_t path[2];
  uint32_t text;
  int32_t result_slot;
  uint32_t worker;
  uint32_t delay_nanoseconds;
  uint32_t reserved;
  uint64_t flags;
  uint64_t value;
};

/// What one call answered. `error` is 0, an errno, or ``NSS_NOT_RUN``.
struct nss_result {
  uint64_t start_nanoseconds;
  uint64_t end_nanoseconds;
  int32_t error;
  uint32_t value;  // what the operations of nss_release.h measured; 0 for all others
};

/// The states of a worker or observer slot.
enum { NSS_FREE, NSS_STARTING, NSS_ALIVE, NSS_DEAD };

/// Flags of a task: it waits for the others before it starts; its end counts towards the end of a batch; it repeats its
/// program until all those of the batch without this flag have ended.
enum { NSS_TASK_EXPECTS_BARRIER = 1, NSS_TASK_IN_BATCH = 2, NSS_TASK_IN_BACKGROUND = 4 };

/// A prepared program for one worker; offsets count from the region's start.
struct nss_task {
  uint64_t operations;
  uint64_t results;
  uint64_t text;
  uint32_t count;
  uint32_t iterations;
  int32_t cpu;  // the CPU to stay on, or -1 for all
  uint32_t flags;
  int32_t priority;  // the nice value, -20 ... 19
  uint32_t reserved;
};

/// One worker process.
struct nss_worker {
  // Written by the supervisor.
  uint32_t request;
  uint32_t task_reserved;
  struct nss_task task;
  uint8_t pad_supervisor[128 - 8 - sizeof(struct nss_task)];
  // Written by the worker (and by PID 1, once the process has gone).
  uint32_t done;
  uint32_t state;
  int32_t pid;  // in the sandbox's PID namespace
  int32_t start_error;
  int32_t exit_status;        // as wait(2) has it, valid when dead
  uint32_t user_namespaces;   // 0: the initial one, 1: a child of it, more: nested and without a map
  uint64_t namespace_id;      // 0 where the kernel has none
  uint64_t namespace_inode;
  uint64_t position;          // index of the operation under way
  uint64_t iterations_done;
  uint8_t pad_worker[128 - 56];
};

/// What an observer is asked.
enum { NSS_OBSERVE_TABLES = 1, NSS_OBSERVE_MEMBERS, NSS_OBSERVE_MEMORY, NSS_OBSERVE_STATMOUNT };
/// A question is what is asked, shifted, and the index of the worker about whom it is asked.
enum { NSS_OBSERVE_SHIFT = 24, NSS_OBSERVE_WORKER = (1 << NSS_OBSERVE_SHIFT) - 1 };

/// One observer process. Its answer is a sequence of nss_answer, each followed by its bytes, padded to 8.
struct nss_observer {
  uint32_t request;
  uint32_t question_count;
  uint64_t questions;  // offset of a list of uint32_t
  uint64_t output;
  uint64_t output_size;
  uint8_t pad_supervisor[128 - 32];
  uint32_t done;
  uint32_t state;
  int32_t pid;
  int32_t exit_status;
  int32_t error;      // 0, or ENOSPC when the output was too small
  uint32_t answered;  // number of answers written
  uint64_t length;
  uint8_t pad_observer[128 - 32];
};

/// The head of one answer of an observer.
struct nss_answer {
  uint32_t worker;
  int32_t error;
  uint64_t length;
};

/// The head of the region.
struct nss_region {
  uint64_t size;
  uint32_t worker_limit;
  uint32_t observer_limit;
  uint64_t workers;    // offset of the workers' slots
  uint64_t observers;  // offset of the observers' slots
  uint64_t scratch;    // offset of NSS_SCRATCH_SIZE bytes a worker, for single calls
  uint64_t programs;   // offset and size of the arena for prepared programs
  uint64_t programs_size;
  uint64_t output;     // offset of the observers' output
  uint64_t output_size;
  uint64_t root_bytes;   // size limits of namespace 0's tmpfs
  uint64_t root_inodes;
  int32_t init_pid;    // PID 1's number outside, for reports
  uint32_t reserved;
  uint8_t pad_head[128 - 104];
  // The barrier.
  uint32_t arrived;
  uint32_t expected;
  uint8_t pad_arrived[120];
  uint32_t go;
  uint32_t spin;       // whether waiting workers spin for a while before they sleep
  uint64_t go_nanoseconds;
  uint32_t stop;
  uint8_t pad_go[108];
  uint32_t completed;
  uint32_t completion_target;
  uint32_t foreground;  // workers of the batch that have not ended, those in the background not counted
  uint8_t pad_completed[116];
};

enum { NSS_SCRATCH_SIZE = 16384 };

#ifndef __swift__
_Static_assert(sizeof(struct nss_op) == 56, "operations are an array shared by address");
_Static_assert(sizeof(struct nss_worker) == 256, "one line pair a side");
_Static_assert(sizeof(struct nss_observer) == 256, "one line pair a side");
#endif
