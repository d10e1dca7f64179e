#include "nss_fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALL_CLOSE_RANGE = 436, FIRST_SAFE = 64, MOST_DESCRIPTORS = 16, MOST_OPEN = 65536 };

static void close_from(int first) {
  if (syscall(CALL_CLOSE_RANGE, first, ~0u, 0) == 0) return;
  for (int file = first; file < MOST_OPEN; file++) close(file);
}

// Copies are made above all targets first, so that no target overwrites a source that is still needed.
static int arrange(const struct nss_descriptor *descriptors, size_t count, int report) {
  int copies[MOST_DESCRIPTORS];
  int moved = fcntl(report, F_DUPFD_CLOEXEC, FIRST_SAFE);
  if (moved < 0) return -1;
  for (size_t i = 0; i < count; i++) {
    copies[i] = fcntl(descriptors[i].here, F_DUPFD, FIRST_SAFE);
    if (copies[i] < 0) return -1;
  }
  for (int file = 0; file < 3; file++) {
    int null = open("/dev/null", O_RDWR);
    if (null < 0) return -1;
    if (null != file) {
      if (dup2(null, file) < 0) return -1;
      if (null > 2) close(null);
    }
  }
  int last = 2;
  for (size_t i = 0; i < count; i++) {
    if (dup2(copies[i], descriptors[i].there) < 0) return -1;
    if (descriptors[i].there > last) last = descriptors[i].there;
  }
  last++;
  if (last >= FIRST_SAFE) {
    errno = EINVAL;
    return -1;
  }
  if (dup3(moved, last, O_CLOEXEC) < 0) return -1;
  close_from(last + 1);
  return last;
}

pid_t nss_start(
  const char *path, char *const arguments[], char *const environment[],
  const struct nss_descriptor *descriptors, size_t count) {
  if (count > MOST_DESCRIPTORS) return -EINVAL;
  int report[2];
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) {
    int error = errno;
    close(report[0]);
    close(report[1]);
    return -error;
  }
  if (child == 0) {
    int channel = report[1];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    // Ctrl-C is for the supervisor, which ends its processes in order.
    setpgid(0, 0);
    int arranged = arrange(descriptors, count, report[1]);
    if (arranged >= 0) {
      channel = arranged;
      execve(path, arguments, environment);
    }
    int32_t error = errno;
    ssize_t ignored = write(channel, &error, sizeof error);
    (void)ignored;
    _exit(127);
  }
  close(report[1]);
  int32_t error = 0;
  ssize_t got;
  do got = read(report[0], &error, sizeof error);
  while (got < 0 && errno == EINTR);
  close(report[0]);
  if (got == sizeof error) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return error ? -error : -EIO;
  }
  return child;
}

int nss_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int nss_memory_file(const char *name) {
  int file = memfd_create(name, MFD_CLOEXEC);
  return file < 0 ? -errno : file;
}

int nss_load_module(int file) {
  return syscall(SYS_finit_module, file, "", 0) < 0 ? -errno : 0;
}

int nss_leave_first_root(const char *mountpoint) {
  if (mount("/", mountpoint, NULL, MS_BIND, NULL) < 0) return -errno;
  if (chdir(mountpoint) < 0) return -errno;
  if (mount(".", "/", NULL, MS_MOVE, NULL) < 0) return -errno;
  if (chroot(".") < 0) return -errno;
  return 0;
}

int nss_power_off(void) {
  sync();
  return reboot(RB_POWER_OFF) < 0 ? -errno : 0;
}
