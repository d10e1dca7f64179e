// The release operations that are a few lines each, and the way to the others.

#include "release.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "nss_calls.h"

long nss_fork(bool adopted) {
  long pid = syscall(SYS_clone, (adopted ? CLONE_PARENT : 0) | SIGCHLD, 0, 0, 0, 0);
  return pid < 0 ? -errno : pid;
}

int nss_go_to(int directory) {
  int saved = open(".", O_PATH | O_CLOEXEC);
  if (saved < 0) return -errno;
  if (fchdir(directory) == 0) return saved;
  int error = errno;
  close(saved);
  return -error;
}

void nss_return_to(int saved) {
  (void)!fchdir(saved);
  close(saved);
}

// The kernel's struct statx as far as the mount id; Debian 12's headers know it, other C libraries may not.
static int32_t mount_id(const char *path) {
  enum { MOUNT_ID = 0x1000, MOUNT_ID_WORD = 18 };
  uint64_t status[32] = {0};
  if (syscall(SYS_statx, AT_FDCWD, path, AT_NO_AUTOMOUNT, MOUNT_ID, status) < 0) return errno;
  nss_note_value((uint32_t)status[MOUNT_ID_WORD]);
  return 0;
}

static int32_t shared_memory(void) {
  struct sysinfo info;
  if (sysinfo(&info) < 0) return errno;
  nss_note_value((uint32_t)(info.sharedram * info.mem_unit / (uint64_t)sysconf(_SC_PAGESIZE)));
  return 0;
}

static int process_of(uint32_t worker) {
  struct nss_region *region = nss_executor_place()->region;
  if (worker >= region->worker_limit) return -1;
  int pid = __atomic_load_n(&nss_worker_at(region, worker)->pid, __ATOMIC_RELAXED);
  return pid > 1 ? pid : -1;
}

static int32_t hold_namespace(const struct nss_op *operation) {
  char path[40];
  int pid = process_of(operation->worker);
  if (pid < 0) return ESRCH;
  nss_put_text(nss_put_number(path, pid), "/ns/mnt");
  int descriptor = openat(nss_executor_place()->procfs, path, O_RDONLY | O_CLOEXEC);
  return nss_slot_fill(operation->result_slot, descriptor < 0 ? -errno : descriptor);
}

static int32_t umount_until(const struct nss_op *operation, const char *text) {
  enum { PAUSE_NANOSECONDS = 100000 };
  uint64_t end = nss_now() + operation->value;
  for (uint32_t calls = 1;; calls++) {
    nss_note_value(calls);
    if (umount2(text + operation->path[0], (int)operation->flags) == 0) return 0;
    if (errno != EBUSY || nss_now() >= end) return errno;
    struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}

static int32_t meet(const struct nss_op *operation) {
  enum { SPIN_ROUNDS = 200, PAUSE_NANOSECONDS = 20000, ROUNDS_WANTED = 2 };
  const struct nss_place *place = nss_executor_place();
  if (operation->worker >= place->region->worker_limit) return EBADF;
  struct nss_worker *worker = nss_worker_at(place->region, operation->worker);
  uint64_t first = __atomic_load_n(&worker->iterations_done, __ATOMIC_RELAXED);
  uint64_t end = nss_now() + operation->value;
  for (;;) {
    for (int round = 0; round < SPIN_ROUNDS; round++) {
      uint64_t now = __atomic_load_n(&worker->iterations_done, __ATOMIC_RELAXED);
      if (now < first) first = now;  // its program has only begun
      if (now >= first + ROUNDS_WANTED) return 0;
      nss_cpu_relax();
    }
    if (nss_now() >= end) return ETIMEDOUT;
    // One that shares this CPU gets it.
    struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}

static int32_t kill_worker(const struct nss_op *operation) {
  int pid = process_of(operation->worker);
  if (pid < 0) return ESRCH;
  return kill(pid, SIGKILL) < 0 ? errno : 0;
}

static int32_t read_table(void) {
  enum { CHUNK = 65536 };
  static char chunk[CHUNK];
  int file = openat(nss_executor_place()->procfs, "self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  uint64_t bytes = 0;
  ssize_t count;
  while ((count = read(file, chunk, CHUNK)) > 0) bytes += (uint64_t)count;
  int32_t error = count < 0 ? errno : 0;
  close(file);
  nss_note_value((uint32_t)bytes);
  return error;
}

static int32_t fail_nth(uint64_t number) {
  int file = openat(nss_executor_place()->procfs, "thread-self/fail-nth", O_RDWR | O_CLOEXEC);
  if (file < 0) return errno;
  char text[24];
  int32_t error = 0;
  if (number == 0) {
    // What is left of the count: 0 says that the fault was injected.
    ssize_t count = read(file, text, sizeof text - 1);
    if (count > 0) nss_note_value(text[0] == '0');
    if (lseek(file, 0, SEEK_SET) < 0) error = errno;
  }
  nss_put_number(text, (int64_t)number);
  if (write(file, text, strlen(text)) < 0) error = errno;
  close(file);
  return error;
}

int32_t nss_execute_release(const struct nss_op *operation, const char *text) {
  switch (operation->code) {
    case NSS_OP_WATCH:
    case NSS_OP_WATCH_ALSO: return nss_release_watch(operation, text);
    case NSS_OP_AWAIT: return nss_release_await(operation);
    case NSS_OP_WATCH_PROCESS: return nss_release_watch_process(operation);
    case NSS_OP_WATCH_MOUNTS: return nss_release_watch_mounts(operation);
    case NSS_OP_CLAIM: return nss_release_claim(operation);
    case NSS_OP_LOOP_ATTACH: return nss_release_attach(operation, text);
    case NSS_OP_MOUNT_DATA: return nss_release_mount(operation, text);
    case NSS_OP_MOUNT_FUSE: return nss_release_mount_fuse(operation, text);
    case NSS_OP_FILL: return nss_release_fill(operation, text);
    case NSS_OP_LOAD: return nss_release_load(operation, text);
    case NSS_OP_MOUNT_ID: return mount_id(text + operation->path[0]);
    case NSS_OP_SHARED_MEMORY: return shared_memory();
    case NSS_OP_PIN: return nss_release_hold(operation, text);
    case NSS_OP_UNPIN: return nss_release_let_go(operation);
    case NSS_OP_HOLD_NAMESPACE: return hold_namespace(operation);
    case NSS_OP_UMOUNT_UNTIL: return umount_until(operation, text);
    case NSS_OP_MEET: return meet(operation);
    case NSS_OP_KILL: return kill_worker(operation);
    case NSS_OP_READ_TABLE: return read_table();
    case NSS_OP_CLONE_NAMESPACE: return nss_release_clone_namespace();
    case NSS_OP_CONTAINER: return nss_release_container(operation, text);
    case NSS_OP_FAIL_NTH: return fail_nth(operation->value);
    default: return ENOSYS;
  }
}
