// PID 1 of a sandbox: makes it private first, makes workers and observers when told to, reaps, and ends with the
// supervisor. When it ends, for whatever reason, the kernel ends every process of its PID namespace.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"
#include "nss_capability.h"
#include "nss_supervisor.h"

static struct nss_place place;

static _Noreturn void refuse(int control, int32_t step, int32_t error) {
  struct nss_report report = {step, error};
  nss_send(control, &report, sizeof report, NULL, 0);
  _exit(1);
}

// Any directory will do: what it hides is hidden in this namespace alone, and only until the old root is detached.
static int mount_small_root(const char **where) {
  static const char *const places[] = {"/proc", "/sys", "/dev", "/tmp", "/run", "/mnt", "/usr"};
  int error = ENOENT;
  for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
    *where = places[i];
    if (mount("nsstorm", places[i], "tmpfs", 0, "size=64k,nr_inodes=8,mode=755") == 0)
      return chdir(places[i]) < 0 ? errno : mkdir("root", 0755) < 0 ? errno : 0;
    error = errno;
  }
  return error;
}

// A chrooted nsstorm would leave the rest of the machine's tree in its namespaces, out of sight but not out of reach of
// the kernel's checks (a chrooted process may not make user namespaces). Joining one's own namespace leads to its root.
static void leave_chroot(void) {
  int own = openat(place.procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0) return;
  (void)!setns(own, CLONE_NEWNS);
  close(own);
}

static char *read_own_table(uint64_t *length) {
  enum { TABLE_BYTES = 16 << 20 };
  char *text = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (text == MAP_FAILED) return NULL;
  int file = openat(place.procfs, "self/mountinfo", O_RDONLY | O_CLOEXEC);
  *length = 0;
  for (ssize_t count = 1; file >= 0 && count > 0 && *length < TABLE_BYTES - 1;
       *length += count > 0 ? (uint64_t)count : 0)
    count = read(file, text + *length, TABLE_BYTES - 1 - *length);
  if (file >= 0) close(file);
  text[*length] = 0;
  return text;
}

// The root of an initramfs has no parent, so pivot_root refuses it. What is mounted below it is detached by name, then
// the small tmpfs is moved over it: the namespace looks the same, an invisible rootfs and one mount on it.
static int move_over_root(const char *small_root) {
  uint64_t length = 0;
  char *text = read_own_table(&length);
  if (!text) return ENOMEM;
  char *next = NULL;
  for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
    char *rest = NULL, *field = strtok_r(line, " ", &rest);
    for (int i = 0; field && i < 4; i++) field = strtok_r(NULL, " ", &rest);
    // Names with blanks are escaped and not found; they stay below, unseen.
    if (!field || strcmp(field, "/") == 0 || strcmp(field, small_root) == 0) continue;
    umount2(field, MNT_DETACH);
  }
  if (mount(".", "/", NULL, MS_MOVE, NULL) < 0) return errno;
  if (chroot(".") < 0) return errno;
  return 0;
}

// PID 1's own namespace is none of those under test: it holds one small tmpfs with the place for namespace 0's root.
static void make_private(int control) {
  if (unshare(CLONE_NEWNS) < 0) refuse(control, NSS_STEP_MOUNT_NAMESPACE, errno);
  // Attached nowhere, so it may come before all is private; and before the pivot, because inside a user namespace the
  // kernel wants to see another proc when a new one is made.
  place.procfs = nss_detached_mount("proc", "proc", 0);
  if (place.procfs < 0) refuse(control, NSS_STEP_PROCFS, -place.procfs);
  // For storms on real file systems. Attached nowhere either, so nothing of the machine's /dev is held.
  place.devices = nss_detached_mount("devtmpfs", "devtmpfs", 0);
  leave_chroot();
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    refuse(control, NSS_STEP_PRIVATE, errno);
  const char *small_root = "";
  int error = mount_small_root(&small_root);
  if (error) refuse(control, NSS_STEP_ROOT_TMPFS, error);
  error = -nss_pivot_root(".", ".");
  if (error == EINVAL) {
    error = move_over_root(small_root);
    if (error) refuse(control, NSS_STEP_PIVOT, error);
  } else {
    if (error) refuse(control, NSS_STEP_PIVOT, error);
    if (umount2(".", MNT_DETACH) < 0) refuse(control, NSS_STEP_DETACH, errno);
  }
  if (chdir("/") < 0) refuse(control, NSS_STEP_DETACH, errno);
}

// Nothing of the sandbox holds a file of the machine: a wedged worker must not keep a pipe or a terminal open.
static void forget_standard_files(void) {
  int inert = eventfd(0, EFD_CLOEXEC);
  if (inert < 0) return;
  for (int descriptor = 0; descriptor < 3; descriptor++) dup2(inert, descriptor);
  if (inert > 2) close(inert);
}

static void limit_resources(void) {
  struct rlimit none = {0, 0}, files;
  setrlimit(RLIMIT_CORE, &none);
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

static void mark_dead(int pid, int status) {
  struct nss_region *region = place.region;
  bool found = false;
  for (uint32_t i = 0; i < region->worker_limit; i++) {
    struct nss_worker *worker = nss_worker_at(region, i);
    uint32_t state = nss_load(&worker->state);
    if ((state != NSS_ALIVE && state != NSS_STARTING) || worker->pid != pid) continue;
    worker->exit_status = status;
    nss_publish(&worker->state, NSS_DEAD);
    found = true;  // the threads of a process have slots of their own
  }
  if (found) return;
  for (uint32_t i = 0; i < region->observer_limit; i++) {
    struct nss_observer *observer = nss_observer_at(region, i);
    uint32_t state = nss_load(&observer->state);
    if ((state != NSS_ALIVE && state != NSS_STARTING) || observer->pid != pid) continue;
    observer->exit_status = status;
    nss_publish(&observer->state, NSS_DEAD);
    return;
  }
}

static void reap(void) {
  for (;;) {
    int status = 0;
    int pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    mark_dead(pid, status);
  }
}

static void obey(const struct nss_command *command) {
  struct nss_region *region = place.region;
  bool is_worker = command->code == NSS_COMMAND_FIRST_WORKER;
  if (command->index >= (is_worker ? region->worker_limit : region->observer_limit)) return;
  struct nss_worker *worker = nss_worker_at(region, is_worker ? command->index : 0);
  struct nss_observer *observer = nss_observer_at(region, is_worker ? 0 : command->index);
  uint32_t *state = is_worker ? &worker->state : &observer->state;
  if (is_worker) worker->user_namespaces = 0;
  nss_store(state, NSS_STARTING);
  // Reaping happens in this same thread, so the number is in the slot before the child can be taken for unknown.
  long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (is_worker) nss_first_worker(&place, command->index);
    nss_observer_main(&place, command->index);
  }
  if (pid < 0) {
    if (is_worker) worker->start_error = errno;
    nss_publish(state, NSS_DEAD);
    return;
  }
  __atomic_store_n(is_worker ? &worker->pid : &observer->pid, (int32_t)pid, __ATOMIC_RELAXED);
}

_Noreturn void nss_init_main(int control, int memory, int supervisor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  prctl(PR_SET_NAME, "nss-init", 0, 0, 0);
  nss_close_all_but(control, memory, supervisor);
  forget_standard_files();
  limit_resources();
  struct stat status;
  if (fstat(memory, &status) < 0) refuse(control, NSS_STEP_MEMORY, errno);
  place.region =
    mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (place.region == MAP_FAILED) refuse(control, NSS_STEP_MEMORY, errno);
  close(memory);
  make_private(control);
  int error = -nss_drop_capabilities();
  if (error) refuse(control, NSS_STEP_CAPABILITIES, error);

  nss_lighten(place.procfs);

  int deaths = nss_watch_deaths();
  if (deaths < 0) refuse(control, NSS_STEP_SIGNALS, errno);

  struct nss_report ready = {NSS_STEP_NONE, 0};
  if (nss_send(control, &ready, sizeof ready, &place.procfs, 1) < 0) _exit(1);

  for (;;) {
    nss_await_word(control, deaths, supervisor, reap);
    struct nss_command command;
    if (nss_receive(control, &command, sizeof command, NULL, 0, 0) < 0) _exit(0);
    obey(&command);
  }
}
