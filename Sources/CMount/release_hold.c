// Ways to keep a file system busy. What each needs of memory is static: a worker holds one thing of a kind at a time.

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "release.h"

enum { PAGE = 4096, REQUESTS = 4 };

static void *mapped;
static int sockets[2] = {-1, -1};
static aio_context_t context;

// An x86-64 executable of one segment: `1: mov $34, %eax (pause); syscall; jmp 1b`.
static const unsigned char idle_program[] = {
  0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  2, 0, 0x3e, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,
  0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0x40, 0, 0x38, 0, 1, 0, 0, 0, 0, 0, 0, 0,
  1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
  0x81, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0,
  0, 0x10, 0, 0, 0, 0, 0, 0,
  0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7,
};

const void *nss_idle_program(uint32_t *length) {
  *length = sizeof idle_program;
  return idle_program;
}

static int32_t hold_map(int file) {
  void *address = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
  if (address == MAP_FAILED) return errno;
  // Touched, so that a page of the file is really mapped.
  (void)*(volatile char *)address;
  mapped = address;
  return 0;
}

static int32_t hold_message(int file) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) return errno;
  char byte = 0;
  int result = nss_send(sockets[0], &byte, 1, &file, 1);
  return result < 0 ? -result : 0;
}

static int32_t hold_ring(int file, int32_t slot) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
  if (ring < 0) return errno;
  if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &file, 1) < 0) {
    int32_t error = errno;
    close(ring);
    return error;
  }
  return nss_slot_fill(slot, ring);
}

static int32_t hold_request(int file) {
  context = 0;
  if (syscall(SYS_io_setup, REQUESTS, &context) < 0) return errno;
  struct iocb request = {
    .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)file, .aio_buf = POLLIN};
  struct iocb *list[1] = {&request};
  if (syscall(SYS_io_submit, context, 1, list) == 1) return 0;
  int32_t error = errno;
  syscall(SYS_io_destroy, context);
  return error;
}

// The child says by the closing of a pipe that exec has happened, and by a byte why it has not.
static int32_t hold_program(const char *path, int32_t slot) {
  int news[2];
  if (pipe2(news, O_CLOEXEC) < 0) return errno;
  long pid = nss_fork(false);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    char *const arguments[] = {(char *)(uintptr_t)"nss-program", NULL};
    char *const environment[] = {NULL};
    execve(path, arguments, environment);
    int error = errno;
    (void)!write(news[1], &error, sizeof error);
    _exit(1);
  }
  close(news[1]);
  int error = pid < 0 ? (int)-pid : 0;
  if (pid > 0 && read(news[0], &error, sizeof error) == 0) error = 0;
  close(news[0]);
  int process = error ? -error : (int)syscall(SYS_pidfd_open, (int)pid, 0);
  if (process < 0 && pid > 0) {
    if (!error) error = errno;
    kill((pid_t)pid, SIGKILL);
    waitpid((pid_t)pid, NULL, 0);
    return error;
  }
  return nss_slot_fill(slot, process);
}

int32_t nss_release_hold(const struct nss_op *operation, const char *text) {
  const char *path = text + operation->path[0];
  if (operation->flags == NSS_PIN_PROGRAM) return hold_program(path, operation->result_slot);
  // A FIFO's reading end alone: AIO cannot poll a file with two wait queues.
  int flags = operation->flags == NSS_PIN_REQUEST ? O_RDONLY | O_NONBLOCK : O_RDONLY;
  int file = open(path, flags | O_CLOEXEC);
  if (file < 0) return errno;
  int32_t error;
  switch (operation->flags) {
    case NSS_PIN_MAP: error = hold_map(file); break;
    case NSS_PIN_MESSAGE: error = hold_message(file); break;
    case NSS_PIN_RING: error = hold_ring(file, operation->result_slot); break;
    case NSS_PIN_REQUEST: error = hold_request(file); break;
    default: error = EINVAL;
  }
  close(file);
  return error;
}

void nss_release_forget(void) {
  if (mapped) munmap(mapped, PAGE);
  mapped = NULL;
  for (int i = 0; i < 2; i++) {
    if (sockets[i] >= 0) close(sockets[i]);
    sockets[i] = -1;
  }
  context = 0;  // AIO contexts are not copied by a fork
}

static int32_t end_program(int32_t slot) {
  int process = nss_slot_descriptor(slot);
  if (process < 0) return EBADF;
  syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
  siginfo_t info;
  int32_t error = waitid(P_PIDFD, (id_t)process, &info, WEXITED) < 0 ? errno : 0;
  nss_slot_close(slot);
  return error;
}

int32_t nss_release_let_go(const struct nss_op *operation) {
  int32_t error = 0;
  switch (operation->flags) {
    case NSS_PIN_MAP:
      error = mapped && munmap(mapped, PAGE) < 0 ? errno : 0;
      mapped = NULL;
      return error;
    case NSS_PIN_MESSAGE:
      // The receiving end last: it is its queue that holds the file.
      close(sockets[0]);
      error = close(sockets[1]) < 0 ? errno : 0;
      sockets[0] = sockets[1] = -1;
      return error;
    case NSS_PIN_RING: return nss_slot_close(operation->slot[0]);
    case NSS_PIN_REQUEST:
      error = syscall(SYS_io_destroy, context) < 0 ? errno : 0;
      context = 0;
      return error;
    case NSS_PIN_PROGRAM: return end_program(operation->slot[0]);
    default: return EINVAL;
  }
}
