// The worker: one process for each mount namespace (or several that share one). It executes prepared programs alone.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

enum {
  SPIN_NANOSECONDS = 15000,         // a step that follows at once saves a wake-up
  BARRIER_SPIN_ROUNDS = 200000,     // bounded, for a supervisor that was stopped meanwhile
  START_POLL_NANOSECONDS = 50000000,
  SLEEP_FROM_NANOSECONDS = 50000,   // shorter delays are spun: a sleep costs that much itself
};

// What one thread of a worker process executes with.
struct runner {
  struct nss_worker *worker;
  int cpu;
  int priority;
  bool is_thread;
};

static struct nss_place place;
static struct runner first = {.cpu = -1};  // the process's first thread
static int thread_count;
static jmp_buf top;  // a fork continues here, so that a chain of forks does not deepen the stack

static struct nss_worker *self(void) { return first.worker; }

void nss_note_namespace(void) {
  struct nss_worker *worker = self();
  worker->namespace_id = 0;
  worker->namespace_inode = 0;
  int descriptor = openat(place.procfs, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat status;
  if (fstat(descriptor, &status) == 0) worker->namespace_inode = status.st_ino;
  uint64_t id = 0;
  if (nss_namespace_id(descriptor, &id) == 0) worker->namespace_id = id;
  close(descriptor);
}

static int write_file(const char *path, const char *contents) {
  int file = openat(place.procfs, path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  ssize_t written = write(file, contents, strlen(contents));
  int result = written < 0 ? -errno : 0;
  close(file);
  return result;
}

static int map_root(void) {
  int result = write_file("self/setgroups", "deny");
  if (result == 0) result = write_file("self/uid_map", "0 0 1");
  if (result == 0) result = write_file("self/gid_map", "0 0 1");
  return result;
}

static void stay_on(struct runner *runner, int cpu) {
  if (cpu == runner->cpu) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0)
    CPU_SET((unsigned)cpu, &set);
  else
    memset(&set, 0xff, sizeof set);
  if (NSS_CALL3(SYS_sched_setaffinity, 0, sizeof set, &set) >= 0) runner->cpu = cpu;
}

static void take_priority(struct runner *runner, int priority) {
  if (priority == runner->priority) return;
  if (NSS_CALL3(SYS_setpriority, PRIO_PROCESS, 0, priority) >= 0) runner->priority = priority;
}

int nss_number_namespaces_in_order(int cpu) {
  int before = first.cpu;
  stay_on(&first, cpu);
  return before;
}

static void pause_for(uint32_t nanoseconds) {
  if (nanoseconds >= SLEEP_FROM_NANOSECONDS) {
    struct timespec time = {
      .tv_sec = nanoseconds / 1000000000u, .tv_nsec = nanoseconds % 1000000000u};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    return;
  }
  uint64_t end = nss_now() + nanoseconds;
  while (nss_now() < end) nss_cpu_relax();
}

static void wait_for_start(void) {
  struct nss_region *region = place.region;
  uint32_t arrived = __atomic_add_fetch(&region->arrived, 1, __ATOMIC_ACQ_REL);
  if (arrived == nss_load(&region->expected)) nss_futex_wake_all(&region->arrived);
  bool spins = nss_load(&region->spin) != 0;
  for (int round = 0; spins && round < BARRIER_SPIN_ROUNDS && !nss_load(&region->go); round++)
    nss_cpu_relax();
  while (!nss_load(&region->go)) nss_futex_wait(&region->go, 0, 0);
  // All who spin leave at one instant, not in the order in which they saw the word.
  while (spins && nss_now() < region->go_nanoseconds) nss_cpu_relax();
}

// Counted first and answered last: once every worker of a batch has answered, nobody will touch the count any more.
static void finish(struct nss_worker *worker, const struct nss_task *task, uint32_t request) {
  struct nss_region *region = place.region;
  if (task->flags & NSS_TASK_IN_BATCH) {
    if (!(task->flags & NSS_TASK_IN_BACKGROUND))
      __atomic_sub_fetch(&region->foreground, 1, __ATOMIC_ACQ_REL);
    uint32_t completed = __atomic_add_fetch(&region->completed, 1, __ATOMIC_ACQ_REL);
    if (completed == nss_load(&region->completion_target)) nss_futex_wake_all(&region->completed);
  }
  nss_publish(&worker->done, request);
}

static bool is_over(const struct nss_region *region, const struct nss_task *task) {
  if (__atomic_load_n(&region->stop, __ATOMIC_RELAXED)) return true;
  return task->flags & NSS_TASK_IN_BACKGROUND && nss_load(&region->foreground) == 0;
}

static void run(struct runner *runner, uint32_t request) {
  struct nss_region *region = place.region;
  struct nss_worker *worker = runner->worker;
  const struct nss_task task = worker->task;
  const struct nss_op *operations = nss_at(region, task.operations);
  struct nss_result *results = nss_at(region, task.results);
  const char *text = nss_at(region, task.text);
  __atomic_store_n(&worker->position, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&worker->iterations_done, 0, __ATOMIC_RELAXED);
  stay_on(runner, task.cpu);
  take_priority(runner, task.priority);
  if (task.flags & NSS_TASK_EXPECTS_BARRIER) wait_for_start();
  bool is_endless = task.flags & NSS_TASK_IN_BACKGROUND;
  for (uint32_t iteration = 0; is_endless || iteration < task.iterations; iteration++) {
    for (uint32_t i = 0; i < task.count; i++) {
      if (is_over(region, &task)) goto stopped;
      const struct nss_op *operation = &operations[i];
      struct nss_result *result = &results[i];
      __atomic_store_n(&worker->position, i, __ATOMIC_RELAXED);
      if (operation->delay_nanoseconds) pause_for(operation->delay_nanoseconds);
      result->start_nanoseconds = nss_now();
      // A thread cannot end or copy its process: the others would go with it, or be left out.
      bool is_refused = runner->is_thread
        && (operation->code == NSS_OP_EXIT || operation->code == NSS_OP_UNSHARE
            || operation->code == NSS_OP_SHARE || operation->code == NSS_OP_THREAD);
      int32_t error = is_refused ? EINVAL : nss_execute(operation, text);
      result->end_nanoseconds = nss_now();
      result->value = nss_take_value();
      result->error = error;
      if (operation->code == NSS_OP_EXIT && !is_refused) {
        __atomic_store_n(&worker->position, i + 1, __ATOMIC_RELAXED);
        finish(worker, &task, request);
        _exit(0);
      }
    }
    __atomic_store_n(&worker->position, task.count, __ATOMIC_RELAXED);
    __atomic_store_n(&worker->iterations_done, iteration + 1, __ATOMIC_RELAXED);
  }
stopped:
  finish(worker, &task, request);
}

static _Noreturn void serve_as(struct runner *runner) {
  struct nss_worker *worker = runner->worker;
  uint32_t last = nss_load(&worker->done);
  for (;;) {
    nss_spin(&worker->request, last, true, SPIN_NANOSECONDS);
    uint32_t request = nss_load(&worker->request);
    if (request == last) {
      nss_futex_wait(&worker->request, last, 0);
      continue;
    }
    last = request;
    run(runner, request);
  }
}

static _Noreturn void serve(void) {
  setjmp(top);
  serve_as(&first);
}

static void settle(uint32_t index) {
  first.worker = nss_worker_at(place.region, index);
  struct nss_worker *worker = self();
  __atomic_store_n(&worker->pid, getpid(), __ATOMIC_RELAXED);
  // A predecessor in this slot may have died over a request.
  nss_store(&worker->done, nss_load(&worker->request));
  char name[16];
  nss_put_number(nss_put_text(name, "nss-worker"), index);
  prctl(PR_SET_NAME, name, 0, 0, 0);
}

static _Noreturn void give_up(int32_t error) {
  self()->start_error = error;
  _exit(1);
}

// The new process's part of unshare: what the trace format says about it.
static void begin_new_worker(const struct nss_op *operation, uint32_t parent_user_namespaces) {
  nss_executor_close_slots();
  nss_executor_close_holds();
  thread_count = 0;
  settle(operation->worker);
  struct nss_worker *worker = self();
  worker->user_namespaces = parent_user_namespaces;
  if (operation->code == NSS_OP_UNSHARE) {
    bool user = (operation->flags & NSS_UNSHARE_USER) != 0;
    // UNSHARE_EMPTY_MNTNS has the bit of CLONE_PARENT_SETTID, which unshare never had a use for.
    int before = nss_number_namespaces_in_order(0);
    int empty = operation->flags & NSS_UNSHARE_EMPTY ? CLONE_PARENT_SETTID : 0;
    if (unshare(CLONE_NEWNS | empty | (user ? CLONE_NEWUSER : 0)) < 0) give_up(errno);
    nss_number_namespaces_in_order(before);
    if (user) {
      worker->user_namespaces = parent_user_namespaces + 1;
      // A user namespace inside another stays without a map: the recorder may write only those whose parent is
      // the initial one (trace format, unshare).
      if (parent_user_namespaces == 0) {
        int result = map_root();
        if (result < 0) give_up(-result);
      }
    }
  }
  nss_note_namespace();
  nss_publish(&worker->state, NSS_ALIVE);
  longjmp(top, 1);
}

int32_t nss_make_worker(const struct nss_op *operation) {
  if (operation->worker >= place.region->worker_limit) return EBADF;
  struct nss_worker *worker = nss_worker_at(place.region, operation->worker);
  uint32_t state = nss_load(&worker->state);
  if (state == NSS_ALIVE || state == NSS_STARTING) return EEXIST;
  uint32_t user_namespaces = self()->user_namespaces;
  worker->start_error = 0;
  __atomic_store_n(&worker->pid, 0, __ATOMIC_RELAXED);
  nss_store(&worker->state, NSS_STARTING);
  // CLONE_PARENT: PID 1 is the parent of every worker and reaps it.
  long pid = NSS_CALL5(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) {
    nss_store(&worker->state, NSS_DEAD);
    return (int32_t)-pid;
  }
  if (pid == 0) begin_new_worker(operation, user_namespaces);
  for (;;) {
    state = nss_load(&worker->state);
    if (state == NSS_ALIVE) return 0;
    // A failed child held references to this process's root and directory: only once it is reaped are they gone.
    if (state == NSS_DEAD) return worker->start_error ? worker->start_error : ECHILD;
    nss_futex_wait(&worker->state, NSS_STARTING, START_POLL_NANOSECONDS);
    // Killed and reaped before it had written its number, so that PID 1 could not tell whose it was.
    if (nss_load(&worker->state) == NSS_STARTING && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
      nss_store(&worker->state, NSS_DEAD);
  }
}

// Threads: no storage of their own (nothing that they call uses any), and a stack that the process's end frees.
enum { THREAD_STACK_BYTES = 64 << 10, THREADS_OF_PROCESS = 16 };

static int thread_main(void *argument) { serve_as(argument); }

int32_t nss_make_thread(const struct nss_op *operation) {
  static struct runner runners[THREADS_OF_PROCESS];
  if (operation->worker >= place.region->worker_limit) return EBADF;
  if (thread_count == THREADS_OF_PROCESS) return EAGAIN;
  struct nss_worker *worker = nss_worker_at(place.region, operation->worker);
  uint32_t state = nss_load(&worker->state);
  if (state == NSS_ALIVE || state == NSS_STARTING) return EEXIST;
  char *stack = mmap(
    NULL, THREAD_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
    0);
  if (stack == MAP_FAILED) return ENOMEM;
  worker->start_error = 0;
  worker->user_namespaces = self()->user_namespaces;
  worker->namespace_id = self()->namespace_id;
  worker->namespace_inode = self()->namespace_inode;
  // PID 1 knows workers by their process; when that ends, all its threads' slots are dead.
  __atomic_store_n(&worker->pid, getpid(), __ATOMIC_RELAXED);
  nss_store(&worker->done, nss_load(&worker->request));
  struct runner *runner = &runners[thread_count];
  // The pinning and the priority of the first thread are copied.
  *runner = first;
  runner->worker = worker;
  runner->is_thread = true;
  int thread = clone(
    thread_main, stack + THREAD_STACK_BYTES,
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, runner);
  if (thread < 0) {
    munmap(stack, THREAD_STACK_BYTES);
    return EAGAIN;
  }
  thread_count++;
  nss_publish(&worker->state, NSS_ALIVE);
  return 0;
}

// Namespace 0: a tmpfs of its own as the only mount, private, its parent the invisible rootfs (trace format, header).
static int make_namespace_zero(void) {
  char options[80], *end = options;
  end = nss_put_number(nss_put_text(end, "size="), (int64_t)place.region->root_bytes);
  end = nss_put_number(nss_put_text(end, ",nr_inodes="), (int64_t)place.region->root_inodes);
  nss_put_text(end, ",mode=755");
  int before = nss_number_namespaces_in_order(0);
  if (unshare(CLONE_NEWNS) < 0) return errno;
  nss_number_namespaces_in_order(before);
  if (mount("root", "/root", "tmpfs", 0, options) < 0) return errno;
  if (chdir("/root") < 0) return errno;
  int result = nss_pivot_root(".", ".");
  if (result < 0) return -result;
  if (umount2(".", MNT_DETACH) < 0) return errno;
  return chdir("/") < 0 ? errno : 0;
}

_Noreturn void nss_first_worker(const struct nss_place *given, uint32_t index) {
  place = *given;
  nss_executor_use(given);
  nss_close_all_but(place.procfs, place.devices, -1);
  settle(index);
  int error = make_namespace_zero();
  if (error) give_up(error);
  nss_note_namespace();
  nss_publish(&self()->state, NSS_ALIVE);
  serve();
}
