#include "nss_host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "internal.h"
#include "nss_calls.h"

enum { MOST_ARGUMENTS = 24, PAUSE_MICROSECONDS = 500, END_MILLISECONDS = 5000 };

// A process that reads nothing and says nothing; the file is its descriptor 3.
static _Noreturn void become(const char *program, char **arguments, int image) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  int null = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++) dup2(null, i);
  if (image != 3) dup2(image, 3);
  else fcntl(3, F_SETFD, 0);
  nss_close_all_but(3, -1, -1);
  char *const environment[] = {(char *)(uintptr_t)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  execve(program, arguments, environment);
  _exit(127);
}

static int wait_for(pid_t pid, int milliseconds) {
  uint64_t end = nss_now() + (uint64_t)milliseconds * 1000000u;
  int status = 0;
  for (;;) {
    pid_t gone = waitpid(pid, &status, WNOHANG);
    if (gone == pid) return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOEXEC;
    if (gone < 0 && errno != EINTR) return -errno;
    if (nss_now() > end) {
      kill(pid, SIGKILL);
      return -ETIMEDOUT;
    }
    usleep(PAUSE_MICROSECONDS);
  }
}

int nss_make_image(
  const char *program, const char *const *arguments, uint64_t bytes, int milliseconds) {
  char *list[MOST_ARGUMENTS + 3];
  int count = 0;
  list[count++] = (char *)(uintptr_t)program;
  for (; arguments[count - 1] && count <= MOST_ARGUMENTS; count++)
    list[count] = (char *)(uintptr_t)arguments[count - 1];
  list[count++] = (char *)(uintptr_t)"/proc/self/fd/3";
  list[count] = NULL;
  int image = memfd_create("nsstorm-mkfs", MFD_CLOEXEC);
  if (image < 0) return -errno;
  int result = ftruncate(image, (off_t)bytes) < 0 ? -errno : 0;
  if (result == 0) {
    pid_t pid = fork();
    if (pid == 0) become(program, list, image);
    result = pid < 0 ? -errno : wait_for(pid, milliseconds);
  }
  if (result == 0) return image;
  close(image);
  return result;
}

int nss_open_path(int directory, const char *path) {
  int file = openat(directory, path, O_PATH | O_CLOEXEC);
  return file < 0 ? -errno : file;
}

static int write_value(int file, const char *value) {
  if (lseek(file, 0, SEEK_SET) < 0) return -errno;
  return write(file, value, strlen(value)) < 0 ? -errno : 0;
}

// Ends only when it has put things back: signals that a terminal sends to a whole group do not reach it.
static _Noreturn void guard_main(
  int file, int end, int supervisor, nss_put_back *put_back, const char *argument) {
  setsid();
  prctl(PR_SET_NAME, "nss-guard", 0, 0, 0);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  nss_close_all_but(file, end, supervisor);
  struct pollfd watched[2] = {{.fd = end, .events = POLLIN}, {.fd = supervisor, .events = POLLIN}};
  while (poll(watched, 2, -1) < 0 && errno == EINTR) continue;
  _exit(put_back(file, argument) == 0 ? 0 : 1);
}

pid_t nss_guard_start(int file, nss_put_back *put_back, const char *argument, int *end) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) < 0) return -errno;
  int supervisor = (int)syscall(SYS_pidfd_open, getpid(), 0);
  pid_t pid = supervisor < 0 ? -1 : fork();
  if (pid == 0) {
    close(pair[1]);
    guard_main(file, pair[0], supervisor, put_back, argument);
  }
  int error = errno;
  close(pair[0]);
  if (supervisor >= 0) close(supervisor);
  *end = pair[1];
  if (pid > 0) return pid;
  close(pair[1]);
  return -error;
}

int nss_guard_stop(pid_t pid, int end) {
  close(end);
  return wait_for(pid, END_MILLISECONDS);
}

static int begin_locked(int file, const char *value, struct nss_guard *guard) {
  ssize_t length = pread(file, guard->previous, sizeof guard->previous - 1, 0);
  if (length < 0) return -errno;
  while (length > 0 && guard->previous[length - 1] == '\n') length--;
  guard->previous[length] = 0;
  if (strcmp(guard->previous, value) == 0) return -EALREADY;
  // The guard stands before the value changes.
  pid_t pid = nss_guard_start(file, write_value, guard->previous, &guard->end);
  if (pid < 0) return pid;
  guard->pid = pid;
  int result = write_value(file, value);
  if (result == 0) return 0;
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  close(guard->end);
  return result;
}

int nss_guard_begin(const char *path, const char *value, struct nss_guard *guard) {
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return -errno;
  // The lock lives in the guard's copy of the descriptor: whoever comes next sees that the value is not the machine's.
  int result = flock(file, LOCK_EX | LOCK_NB) < 0 ? -(errno == EWOULDBLOCK ? EBUSY : errno) : 0;
  if (result == 0) result = begin_locked(file, value, guard);
  close(file);
  return result;
}

int nss_guard_end(const char *path, struct nss_guard *guard) {
  int result = nss_guard_stop(guard->pid, guard->end);
  if (result == 0) return 0;
  // Somebody killed the guard.
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return -errno;
  result = write_value(file, guard->previous);
  close(file);
  return result;
}
