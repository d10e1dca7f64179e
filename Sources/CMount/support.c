#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

void nss_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds) {
  struct timespec limit = {
    .tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
  NSS_CALL5(SYS_futex, word, FUTEX_WAIT, value, nanoseconds ? &limit : NULL, NULL);
}

void nss_futex_wake_all(uint32_t *word) {
  NSS_CALL3(SYS_futex, word, FUTEX_WAKE, INT32_MAX);
}

void nss_publish(uint32_t *word, uint32_t value) {
  nss_store(word, value);
  nss_futex_wake_all(word);
}

void nss_cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Looked at before the first fork, and so before anybody is pinned.
static bool has_several_processors = true;
__attribute__((constructor)) static void count_processors(void) {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0)
    has_several_processors = CPU_COUNT(&processors) > 1;
}

bool nss_spin(const uint32_t *word, uint32_t value, bool differs, uint64_t nanoseconds) {
  static const int rounds_between_looks = 8;
  // On the only processor, who spins keeps away the one that would answer.
  if (!has_several_processors) return (nss_load(word) == value) != differs;
  uint64_t end = nss_now() + nanoseconds;
  do {
    for (int round = 0; round < rounds_between_looks; round++) {
      if ((nss_load(word) == value) != differs) return true;
      nss_cpu_relax();
    }
  } while (nss_now() < end);
  return (nss_load(word) == value) != differs;
}

void nss_close_all_but(int first, int second, int third) {
  int kept[3] = {first, second, third};
  unsigned from = 3;
  for (;;) {
    // The lowest kept descriptor that is not behind us bounds the next range to close.
    unsigned next = UINT32_MAX;
    for (int i = 0; i < 3; i++)
      if (kept[i] >= (int)from && (unsigned)kept[i] < next) next = (unsigned)kept[i];
    if (next == UINT32_MAX) {
      close_range(from, UINT32_MAX, 0);
      return;
    }
    if (next > from) close_range(from, next - 1, 0);
    from = next + 1;
  }
}

char *nss_put_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

char *nss_put_number(char *to, int64_t number) {
  char digits[24];
  int count = 0;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) *to++ = '-';
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

int nss_send(int socket, const void *bytes, uint64_t length, const int *descriptors, int count) {
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(2 * sizeof(int))];
  } control;
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE((unsigned)count * sizeof(int));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN((unsigned)count * sizeof(int));
    memcpy(CMSG_DATA(&control.head), descriptors, (unsigned)count * sizeof(int));
  }
  for (;;) {
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int nss_receive(
  int socket, void *bytes, uint64_t length, int *descriptors, int capacity, int milliseconds) {
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct pollfd ready = {.fd = socket, .events = POLLIN};
  int polled = poll(&ready, 1, milliseconds);
  if (polled == 0) return -ETIMEDOUT;
  if (polled < 0) return -errno;
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {
    .msg_iov = &part,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control,
  };
  ssize_t received;
  do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  if (received == 0) return -EPIPE;
  int count = 0;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    unsigned found = (unsigned)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (unsigned i = 0; i < found; i++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(head) + i * sizeof(int), sizeof descriptor);
      if (count < capacity)
        descriptors[count++] = descriptor;
      else
        close(descriptor);
    }
  }
  if ((uint64_t)received != length) {
    while (count) close(descriptors[--count]);
    return -EPROTO;
  }
  return count;
}

int nss_watch_deaths(void) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_SETMASK, &children, NULL);
  return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

void nss_await_word(int control, int deaths, int supervisor, void (*reap)(void)) {
  struct pollfd watched[3] = {
    {.fd = control, .events = POLLIN},
    {.fd = deaths, .events = POLLIN},
    {.fd = supervisor, .events = POLLIN},
  };
  do {
    if (poll(watched, 3, -1) < 0 && errno != EINTR) _exit(1);
    if (watched[2].revents) _exit(0);
    if (watched[1].revents) {
      struct signalfd_siginfo taken[16];
      (void)!read(deaths, taken, sizeof taken);
      reap();
    }
  } while (!watched[0].revents);
}
