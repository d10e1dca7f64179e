#include "nss_release_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nss_calls.h"

// The probe's own world: a small tmpfs over this directory, in a namespace that nobody else sees.
#define BASE "/tmp"

struct shared {
  struct nss_probe_result result;
  _Atomic uint32_t ready;
  _Atomic uint32_t stop;
  _Atomic uint32_t next_sample;
};

static void fail(struct shared *shared, uint32_t step, int error) {
  if (shared->result.error == 0) {
    shared->result.error = -error;
    shared->result.step = step;
  }
  _exit(1);
}

static void note(struct shared *shared, uint64_t nanoseconds) {
  uint32_t index = atomic_fetch_add(&shared->next_sample, 1);
  if (index < NSS_PROBE_MAX_SAMPLES) shared->result.nanoseconds[index] = nanoseconds;
}

static int mount_tmpfs(const char *path) {
  return mount("nsstorm-probe", path, "tmpfs", 0, "size=1m,nr_inodes=64");
}

static void enter_namespace(struct shared *shared) {
  if (unshare(CLONE_NEWNS) != 0) fail(shared, 1, errno);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail(shared, 2, errno);
  if (mount("nsstorm-probe", BASE, "tmpfs", 0, "size=64m,nr_inodes=65536") != 0)
    fail(shared, 3, errno);
}

static int saw_unmount(int watch, int milliseconds) {
  struct pollfd waiting = {.fd = watch, .events = POLLIN};
  if (poll(&waiting, 1, milliseconds) <= 0) return 0;
  char buffer[1024] __attribute__((aligned(8)));
  ssize_t length = read(watch, buffer, sizeof buffer);
  for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= length;) {
    const struct inotify_event *event = (const void *)(buffer + at);
    if (event->mask & IN_UNMOUNT) return 1;
    at += (ssize_t)sizeof *event + event->len;
  }
  return 0;
}

static void run_single(struct shared *shared, const struct nss_probe_request *request) {
  const char *place = BASE "/single";
  if (mkdir(place, 0700) != 0) fail(shared, 4, errno);
  for (uint32_t round = 0; round < request->rounds; round++) {
    if (mount_tmpfs(place) != 0) fail(shared, 5, errno);
    int file = open(BASE "/single/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) fail(shared, 6, errno);
    close(file);
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, place, IN_DELETE_SELF) < 0) fail(shared, 7, errno);
    atomic_store(&shared->ready, 1);
    if (request->kind == NSS_PROBE_WALKERS) sched_yield();
    uint64_t start = nss_now();
    int answer = umount2(place, (int)request->flags);
    uint64_t end = nss_now();
    int error = errno;
    int released = answer == 0 && saw_unmount(watch, 0);
    note(shared, end - start);
    if (answer == 0) {
      shared->result.succeeded++;
      if (released)
        shared->result.released++;
      else if (!saw_unmount(watch, 1000))
        shared->result.never_released++;
    } else if (error == EBUSY) {
      shared->result.busy++;
      if (umount2(place, MNT_DETACH) != 0) fail(shared, 8, errno);
      (void)saw_unmount(watch, 1000);
    } else {
      fail(shared, 9, error);
    }
    close(watch);
  }
}

static void build_tree(struct shared *shared, const char *root, uint32_t mounts, int binds) {
  char path[128];
  if (mount_tmpfs(root) != 0) fail(shared, 10, errno);
  for (uint32_t index = 1; index < mounts; index++) {
    // One directory carries one mount of a stack: names are cheaper than inodes of nr_inodes=64.
    snprintf(path, sizeof path, "%s/%u", root, index % 32);
    if (index <= 32 && index < mounts && mkdir(path, 0700) != 0 && errno != EEXIST)
      fail(shared, 11, errno);
    int answer = binds ? mount(BASE "/source", path, NULL, MS_BIND, NULL) : mount_tmpfs(path);
    if (answer != 0) fail(shared, 12, errno);
  }
}

static void take_trees(struct shared *shared, const struct nss_probe_request *request,
                       const char *root) {
  if (mkdir(root, 0700) != 0) fail(shared, 4, errno);
  for (uint32_t round = 0; round < request->rounds; round++) {
    build_tree(shared, root, request->mounts, request->kind == NSS_PROBE_BINDS);
    uint64_t start = nss_now();
    int answer = umount2(root, request->mounts > 1 ? MNT_DETACH : (int)request->flags);
    uint64_t end = nss_now();
    if (answer != 0) fail(shared, 9, errno);
    note(shared, end - start);
  }
}

static void run_copies(struct shared *shared, const struct nss_probe_request *request) {
  char path[128];
  if (mkdir(BASE "/shared", 0700) != 0) fail(shared, 4, errno);
  if (mount_tmpfs(BASE "/shared") != 0) fail(shared, 5, errno);
  if (mount(NULL, BASE "/shared", NULL, MS_SHARED, NULL) != 0) fail(shared, 6, errno);
  if (mkdir(BASE "/shared/place", 0700) != 0) fail(shared, 7, errno);
  for (uint32_t peer = 0; peer < request->peers; peer++) {
    snprintf(path, sizeof path, BASE "/peer%u", peer);
    if (mkdir(path, 0700) != 0) fail(shared, 8, errno);
    if (mount(BASE "/shared", path, NULL, MS_BIND, NULL) != 0) fail(shared, 10, errno);
  }
  for (uint32_t round = 0; round < request->rounds; round++) {
    if (mount_tmpfs(BASE "/shared/place") != 0) fail(shared, 11, errno);
    uint64_t start = nss_now();
    int answer = umount2(BASE "/shared/place", (int)request->flags);
    uint64_t end = nss_now();
    if (answer != 0) fail(shared, 9, errno);
    note(shared, end - start);
  }
}

static void run_grace_periods(struct shared *shared, const struct nss_probe_request *request) {
  const int global = 1;  // MEMBARRIER_CMD_GLOBAL waits for a normal grace period
  for (uint32_t round = 0; round < request->rounds; round++) {
    uint64_t start = nss_now();
    if (syscall(SYS_membarrier, global, 0, 0) != 0) fail(shared, 13, errno);
    note(shared, nss_now() - start);
  }
}

static void run_failing(struct shared *shared, const struct nss_probe_request *request) {
  if (mkdir(BASE "/plain", 0700) != 0) fail(shared, 4, errno);
  for (uint32_t round = 0; round < request->rounds; round++) {
    uint64_t start = nss_now();
    int answer = umount2(BASE "/plain", (int)request->flags);
    uint64_t end = nss_now();
    if (answer == 0 || errno != EINVAL) fail(shared, 9, answer == 0 ? EEXIST : errno);
    note(shared, end - start);
  }
}

static void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

static void walk(struct shared *shared) {
  struct stat status;
  while (!atomic_load(&shared->stop)) (void)stat(BASE "/single/file", &status);
}

static void keep_busy(struct shared *shared) {
  while (!atomic_load(&shared->stop)) (void)getppid();
}

/// Runs an experiment beside `count` processes that do the same thing until it is over.
static void run_beside(struct shared *shared, const struct nss_probe_request *request, uint32_t count,
                       void (*company)(struct shared *),
                       void (*experiment)(struct shared *, const struct nss_probe_request *)) {
  pid_t self = getpid();
  pid_t others[NSS_PROBE_MAX_CALLERS];
  for (uint32_t index = 0; index < count; index++) {
    others[index] = fork();
    if (others[index] < 0) fail(shared, 14, errno);
    if (others[index] != 0) continue;
    die_with(self);
    company(shared);
    _exit(0);
  }
  experiment(shared, request);
  atomic_store(&shared->stop, 1);
  for (uint32_t index = 0; index < count; index++) waitpid(others[index], NULL, 0);
}

static void run_tree(struct shared *shared, const struct nss_probe_request *request) {
  take_trees(shared, request, BASE "/tree");
}

static void run_callers(struct shared *shared, const struct nss_probe_request *request) {
  pid_t self = getpid();
  pid_t callers[NSS_PROBE_MAX_CALLERS];
  for (uint32_t index = 0; index < request->callers; index++) {
    callers[index] = fork();
    if (callers[index] < 0) fail(shared, 14, errno);
    if (callers[index] != 0) continue;
    die_with(self);
    char root[64];
    snprintf(root, sizeof root, BASE "/caller%u", index);
    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < request->callers) sched_yield();
    take_trees(shared, request, root);
    _exit(0);
  }
  for (uint32_t index = 0; index < request->callers; index++) {
    int status = 0;
    if (waitpid(callers[index], &status, 0) < 0 || status != 0) fail(shared, 15, ECHILD);
  }
}

static void run(struct shared *shared, const struct nss_probe_request *request) {
  enter_namespace(shared);
  switch (request->kind) {
    case NSS_PROBE_SINGLE: run_single(shared, request); break;
    case NSS_PROBE_TREE:
      run_beside(shared, request, request->callers > 1 ? request->callers - 1 : 0, keep_busy, run_tree);
      break;
    case NSS_PROBE_BINDS:
      if (mkdir(BASE "/source", 0700) != 0) fail(shared, 4, errno);
      run_tree(shared, request);
      break;
    case NSS_PROBE_COPIES: run_copies(shared, request); break;
    case NSS_PROBE_GRACE_PERIOD: run_grace_periods(shared, request); break;
    case NSS_PROBE_FAILING: run_failing(shared, request); break;
    case NSS_PROBE_WALKERS: run_beside(shared, request, request->callers, walk, run_single); break;
    case NSS_PROBE_CALLERS: run_callers(shared, request); break;
    default: fail(shared, 16, EINVAL);
  }
  uint32_t samples = atomic_load(&shared->next_sample);
  shared->result.samples = samples < NSS_PROBE_MAX_SAMPLES ? samples : NSS_PROBE_MAX_SAMPLES;
}

static int within_limits(const struct nss_probe_request *request) {
  return request->rounds > 0 && request->rounds <= NSS_PROBE_MAX_SAMPLES &&
         request->mounts <= NSS_PROBE_MAX_MOUNTS && request->peers <= NSS_PROBE_MAX_MOUNTS &&
         request->callers <= NSS_PROBE_MAX_CALLERS;
}

int nss_release_probe(const struct nss_probe_request *request, uint32_t limit_milliseconds,
                      struct nss_probe_result *result) {
  if (!within_limits(request)) return -EINVAL;
  struct shared *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return -errno;
  pid_t self = getpid();
  pid_t child = fork();
  if (child == 0) {
    die_with(self);
    run(shared, request);
    _exit(0);
  }
  int answer = child < 0 ? -errno : 0;
  uint64_t end = nss_now() + (uint64_t)limit_milliseconds * 1000000u;
  while (child > 0) {
    int status = 0;
    pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child) {
      if (status != 0 && shared->result.error == 0 && answer == 0) answer = -ECHILD;
      break;
    }
    if (nss_now() > end) {
      // A child that is wedged in the kernel is left to die with us.
      if (answer == -ETIMEDOUT) break;
      answer = -ETIMEDOUT;
      kill(child, SIGKILL);
      end = nss_now() + 5000000000u;
    }
    poll(NULL, 0, 1);
  }
  memcpy(result, &shared->result, sizeof *result);
  munmap(shared, sizeof *shared);
  return answer;
}

uint64_t nss_probe_sample(const struct nss_probe_result *result, uint32_t index) {
  return index < NSS_PROBE_MAX_SAMPLES ? result->nanoseconds[index] : 0;
}
