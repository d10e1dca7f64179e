// The zygote: a process that is forked before anything else has happened, so that its copies are small.

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "nss_supervisor.h"

enum { START_REQUEST = 0x4e535331, END_ROUNDS = 1000, END_PAUSE_MICROSECONDS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int zygote_socket = -1;
static pid_t zygote_pid;

static void default_signals(void) {
  struct sigaction usual = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++) sigaction(number, &usual, NULL);
}

static void start(int socket, int supervisor, int memory, int control) {
  struct nss_started started = {0, 0};
  int pidfd = -1;
  long pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    nss_init_main(control, memory, supervisor);
  }
  if (pid < 0) {
    started.error = errno;
  } else {
    // Not reaped before this process waits for it, so the number cannot have changed hands.
    pidfd = (int)syscall(SYS_pidfd_open, (int)pid, 0);
    started.pid = (int32_t)pid;
    if (pidfd < 0) {
      started.error = errno;
      kill((pid_t)pid, SIGKILL);
    }
  }
  nss_send(socket, &started, sizeof started, &pidfd, pidfd >= 0 ? 1 : 0);
  if (pidfd >= 0) close(pidfd);
}

static void reap(void) {
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

static _Noreturn void zygote_main(int socket, int supervisor, bool by_main_thread, pid_t parent) {
  // The signal fires when the *thread* that forked ends, so other threads must not arm it; end of file and the
  // supervisor's pidfd serve then alone.
  if (by_main_thread) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent) _exit(0);
  setsid();
  prctl(PR_SET_NAME, "nss-zygote", 0, 0, 0);
  default_signals();
  nss_close_all_but(socket, supervisor, -1);
  if (chdir("/") < 0) _exit(1);
  int deaths = nss_watch_deaths();
  if (deaths < 0) _exit(1);
  for (;;) {
    nss_await_word(socket, deaths, supervisor, reap);
    uint32_t request = 0;
    int descriptors[2] = {-1, -1};
    int count = nss_receive(socket, &request, sizeof request, descriptors, 2, 0);
    if (count == -EINTR || count == -ETIMEDOUT) continue;
    if (count < 0) _exit(0);
    if (request == START_REQUEST && count == 2)
      start(socket, supervisor, descriptors[0], descriptors[1]);
    for (int i = 0; i < count; i++) close(descriptors[i]);
  }
}

static int launch_locked(void) {
  if (zygote_socket >= 0) return 0;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -errno;
  pid_t parent = getpid();
  int supervisor = (int)syscall(SYS_pidfd_open, parent, 0);
  if (supervisor < 0) {
    int error = errno;
    close(pair[0]);
    close(pair[1]);
    return -error;
  }
  bool by_main_thread = syscall(SYS_gettid) == parent;
  pid_t pid = fork();
  if (pid == 0) zygote_main(pair[1], supervisor, by_main_thread, parent);
  int error = pid < 0 ? errno : 0;
  close(pair[1]);
  close(supervisor);
  if (error) {
    close(pair[0]);
    return -error;
  }
  zygote_socket = pair[0];
  zygote_pid = pid;
  return 0;
}

static void end_locked(void) {
  if (zygote_socket < 0) return;
  close(zygote_socket);
  zygote_socket = -1;
  kill(zygote_pid, SIGKILL);
  // Nothing waits without a limit: one that does not come back is left to this process's heir.
  for (int round = 0; round < END_ROUNDS && waitpid(zygote_pid, NULL, WNOHANG) == 0; round++)
    usleep(END_PAUSE_MICROSECONDS);
  zygote_pid = 0;
}

int nss_zygote_launch(void) {
  pthread_mutex_lock(&lock);
  int result = launch_locked();
  pthread_mutex_unlock(&lock);
  return result;
}

int32_t nss_zygote_pid(void) {
  pthread_mutex_lock(&lock);
  int32_t pid = zygote_pid;
  pthread_mutex_unlock(&lock);
  return pid;
}

void nss_zygote_end(void) {
  pthread_mutex_lock(&lock);
  end_locked();
  pthread_mutex_unlock(&lock);
}

static int request_locked(
  int memory, int control, int milliseconds, struct nss_started *started, int *pidfd) {
  int result = launch_locked();
  if (result < 0) return result;
  uint32_t request = START_REQUEST;
  int descriptors[2] = {memory, control};
  *pidfd = -1;
  result = nss_send(zygote_socket, &request, sizeof request, descriptors, 2);
  if (result == 0)
    result = nss_receive(zygote_socket, started, sizeof *started, pidfd, 1, milliseconds);
  return result;
}

int nss_zygote_start(
  int memory, int control, int milliseconds, struct nss_started *started, int *pidfd) {
  pthread_mutex_lock(&lock);
  int result = request_locked(memory, control, milliseconds, started, pidfd);
  if (result < 0) {
    // After a late or half answer the stream is out of step: only a new zygote is sure.
    end_locked();
    if (result == -EPIPE || result == -ECONNRESET)
      result = request_locked(memory, control, milliseconds, started, pidfd);
  }
  pthread_mutex_unlock(&lock);
  return result < 0 ? result : 0;
}
