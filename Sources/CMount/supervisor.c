// The supervisor's side of a sandbox. It makes no mount call, and every wait has a limit.

#include "nss_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

enum { PAGE = 4096, SPIN_NANOSECONDS = 50000 };

static uint64_t reserve(uint64_t *end, uint64_t length) {
  uint64_t offset = *end;
  *end = (offset + length + PAGE - 1) & ~(uint64_t)(PAGE - 1);
  return offset;
}

static int make_region(const struct nss_limits *limits, struct nss_region **region, int *memory) {
  uint64_t end = 0;
  struct nss_region head = {
    .worker_limit = limits->workers,
    .observer_limit = limits->observers,
    .programs_size = limits->program_bytes,
    .output_size = limits->output_bytes,
    .root_bytes = limits->root_bytes,
    .root_inodes = limits->root_inodes,
  };
  reserve(&end, sizeof head);
  head.workers = reserve(&end, limits->workers * sizeof(struct nss_worker));
  head.observers = reserve(&end, limits->observers * sizeof(struct nss_observer));
  head.scratch = reserve(&end, (uint64_t)limits->workers * NSS_SCRATCH_SIZE);
  head.programs = reserve(&end, limits->program_bytes);
  head.output = reserve(&end, (uint64_t)limits->observers * limits->output_bytes);
  head.size = end;
  *memory = memfd_create("nsstorm", MFD_CLOEXEC);
  if (*memory < 0) return -errno;
  if (ftruncate(*memory, (off_t)end) < 0) {
    int error = errno;
    close(*memory);
    return -error;
  }
  void *base = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, *memory, 0);
  if (base == MAP_FAILED) {
    int error = errno;
    close(*memory);
    return -error;
  }
  memcpy(base, &head, sizeof head);
  *region = base;
  return 0;
}

int nss_sandbox_start(
  const struct nss_limits *limits, int milliseconds, struct nss_sandbox *sandbox, int32_t *step) {
  *sandbox = (struct nss_sandbox){NULL, -1, -1, -1, 0};
  int memory = -1, pair[2];
  *step = NSS_STEP_MEMORY;
  int result = make_region(limits, &sandbox->region, &memory);
  if (result < 0) return result;
  *step = NSS_STEP_ZYGOTE;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
    result = -errno;
    close(memory);
    nss_sandbox_end(sandbox, 0);
    return result;
  }
  sandbox->control = pair[0];
  struct nss_started started = {0, 0};
  result = nss_zygote_start(memory, pair[1], milliseconds, &started, &sandbox->pidfd);
  close(memory);
  close(pair[1]);
  if (result == 0 && started.error) {
    *step = NSS_STEP_PID_NAMESPACE;
    result = -started.error;
  }
  if (result == 0) {
    sandbox->pid = started.pid;
    sandbox->region->init_pid = started.pid;
    struct nss_report report = {0, 0};
    *step = NSS_STEP_ANSWER;
    result =
      nss_receive(sandbox->control, &report, sizeof report, &sandbox->procfs, 1, milliseconds);
    if (result >= 0 && report.error) {
      *step = report.step;
      result = -report.error;
    } else if (result == 0) {
      result = -EPROTO;
    }
  }
  if (result < 0) {
    nss_sandbox_end(sandbox, milliseconds);
    return result;
  }
  *step = NSS_STEP_NONE;
  return 0;
}

static int command(const struct nss_sandbox *sandbox, uint32_t code, uint32_t index) {
  struct nss_command message = {code, index};
  return nss_send(sandbox->control, &message, sizeof message, NULL, 0);
}

int nss_sandbox_first_worker(const struct nss_sandbox *sandbox, uint32_t index) {
  nss_store(&nss_worker_at(sandbox->region, index)->state, NSS_STARTING);
  return command(sandbox, NSS_COMMAND_FIRST_WORKER, index);
}

int nss_sandbox_observer(const struct nss_sandbox *sandbox, uint32_t index) {
  nss_store(&nss_observer_at(sandbox->region, index)->state, NSS_STARTING);
  return command(sandbox, NSS_COMMAND_OBSERVER, index);
}

int nss_sandbox_end(struct nss_sandbox *sandbox, int milliseconds) {
  int result = 0;
  if (sandbox->control >= 0) close(sandbox->control);
  if (sandbox->procfs >= 0) close(sandbox->procfs);
  if (sandbox->pidfd >= 0) {
    // End of file is enough for a PID 1 that runs; the signal serves for one that was stopped.
    syscall(SYS_pidfd_send_signal, sandbox->pidfd, 9, NULL, 0);
    struct pollfd gone = {.fd = sandbox->pidfd, .events = POLLIN};
    uint64_t end = nss_now() + (uint64_t)milliseconds * 1000000u;
    for (;;) {
      uint64_t now = nss_now();
      int left = now >= end ? 0 : (int)((end - now + 999999) / 1000000);
      int polled = poll(&gone, 1, left);
      if (polled > 0) break;
      if (polled == 0 || errno != EINTR) {
        result = -ETIMEDOUT;
        break;
      }
    }
    close(sandbox->pidfd);
  }
  if (sandbox->region) munmap(sandbox->region, sandbox->region->size);
  *sandbox = (struct nss_sandbox){NULL, -1, -1, -1, 0};
  return result;
}

bool nss_sandbox_is_gone(const struct nss_sandbox *sandbox) {
  struct pollfd gone = {.fd = sandbox->pidfd, .events = POLLIN};
  return poll(&gone, 1, 0) > 0;
}

struct nss_worker *nss_sandbox_worker(const struct nss_sandbox *sandbox, uint32_t index) {
  return nss_worker_at(sandbox->region, index);
}

struct nss_observer *nss_sandbox_observer_slot(const struct nss_sandbox *sandbox, uint32_t index) {
  return nss_observer_at(sandbox->region, index);
}

void *nss_sandbox_address(const struct nss_sandbox *sandbox, uint64_t offset) {
  return nss_at(sandbox->region, offset);
}

uint64_t nss_sandbox_scratch(const struct nss_sandbox *sandbox, uint32_t worker) {
  return sandbox->region->scratch + (uint64_t)worker * NSS_SCRATCH_SIZE;
}

void nss_sandbox_discard(const struct nss_sandbox *sandbox, uint64_t offset, uint64_t length) {
  uint64_t start = (offset + PAGE - 1) & ~(uint64_t)(PAGE - 1);
  uint64_t end = (offset + length) & ~(uint64_t)(PAGE - 1);
  if (end > start) madvise(nss_at(sandbox->region, start), end - start, MADV_REMOVE);
}

static uint32_t post(uint32_t *word) {
  uint32_t request = nss_load(word) + 1;
  nss_publish(word, request);
  return request;
}

uint32_t nss_worker_post(struct nss_worker *worker) { return post(&worker->request); }
uint32_t nss_observer_post(struct nss_observer *observer) { return post(&observer->request); }
uint32_t nss_worker_state(const struct nss_worker *worker) { return nss_load(&worker->state); }
uint32_t nss_observer_state(const struct nss_observer *observer) {
  return nss_load(&observer->state);
}
uint32_t nss_worker_done(const struct nss_worker *worker) { return nss_load(&worker->done); }
uint32_t nss_observer_done(const struct nss_observer *observer) {
  return nss_load(&observer->done);
}
uint64_t nss_worker_position(const struct nss_worker *worker) {
  return __atomic_load_n(&worker->position, __ATOMIC_RELAXED);
}
uint64_t nss_worker_iterations(const struct nss_worker *worker) {
  return __atomic_load_n(&worker->iterations_done, __ATOMIC_RELAXED);
}

// Waits until `*word == value` (or, with `differs`, is another), at most `nanoseconds`.
static bool wait_until(uint32_t *word, uint32_t value, bool differs, uint64_t nanoseconds) {
  if (nss_spin(word, value, differs, SPIN_NANOSECONDS)) return true;
  uint64_t end = nss_now() + nanoseconds;
  for (;;) {
    uint32_t seen = nss_load(word);
    if ((seen == value) != differs) return true;
    uint64_t now = nss_now();
    if (now >= end) return false;
    nss_futex_wait(word, seen, end - now);
  }
}

bool nss_worker_wait_done(struct nss_worker *worker, uint32_t request, uint64_t nanoseconds) {
  return wait_until(&worker->done, request, false, nanoseconds);
}

bool nss_worker_wait_not(struct nss_worker *worker, uint32_t state, uint64_t nanoseconds) {
  return wait_until(&worker->state, state, true, nanoseconds);
}

bool nss_observer_wait_done(
  struct nss_observer *observer, uint32_t request, uint64_t nanoseconds) {
  return wait_until(&observer->done, request, false, nanoseconds);
}

bool nss_observer_wait_not(struct nss_observer *observer, uint32_t state, uint64_t nanoseconds) {
  return wait_until(&observer->state, state, true, nanoseconds);
}

void nss_batch_begin(
  const struct nss_sandbox *sandbox, uint32_t count, uint32_t foreground, bool spin) {
  struct nss_region *region = sandbox->region;
  nss_store(&region->stop, 0);
  nss_store(&region->go, 0);
  nss_store(&region->spin, spin);
  nss_store(&region->arrived, 0);
  nss_store(&region->expected, count);
  nss_store(&region->completed, 0);
  nss_store(&region->completion_target, count);
  nss_store(&region->foreground, foreground);
}

uint32_t nss_batch_wait_arrived(const struct nss_sandbox *sandbox, uint64_t nanoseconds) {
  struct nss_region *region = sandbox->region;
  wait_until(&region->arrived, nss_load(&region->expected), false, nanoseconds);
  return nss_load(&region->arrived);
}

uint64_t nss_batch_go(const struct nss_sandbox *sandbox, uint64_t lead_nanoseconds) {
  struct nss_region *region = sandbox->region;
  uint64_t start = nss_now() + lead_nanoseconds;
  region->go_nanoseconds = start;
  nss_publish(&region->go, 1);
  return start;
}

uint32_t nss_batch_wait_completed(const struct nss_sandbox *sandbox, uint64_t nanoseconds) {
  struct nss_region *region = sandbox->region;
  wait_until(
    &region->completed, nss_load(&region->completion_target), false, nanoseconds);
  return nss_load(&region->completed);
}

void nss_batch_stop(const struct nss_sandbox *sandbox) {
  nss_store(&sandbox->region->stop, 1);
}

void nss_batch_resume(const struct nss_sandbox *sandbox) {
  nss_store(&sandbox->region->stop, 0);
}

int nss_sandbox_signal(const struct nss_sandbox *sandbox, int32_t pid, int signal) {
  char path[24];
  nss_put_number(path, pid);
  int process = openat(sandbox->procfs, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (process < 0) return -errno;
  // A directory of /proc names one process for ever, as a pidfd does; O_PATH descriptors are refused here.
  int readable = openat(process, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  close(process);
  if (readable < 0) return -errno;
  int result = syscall(SYS_pidfd_send_signal, readable, signal, NULL, 0) < 0 ? -errno : 0;
  close(readable);
  return result;
}
