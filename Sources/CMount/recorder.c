#include "nss_recorder.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "nss_calls.h"

struct report {
  int32_t step;
  int32_t error;
};

static _Noreturn void refuse(int control, int step, int error) {
  struct report report = {step, error};
  nss_send(control, &report, sizeof report, NULL, 0);
  _exit(1);
}

// MARK: the root

static char *own_table(void) {
  enum { TABLE_BYTES = 4 << 20 };
  char *text = malloc(TABLE_BYTES);
  int file = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (!text || file < 0) return NULL;
  size_t length = 0;
  for (ssize_t count = 1; count > 0 && length < TABLE_BYTES - 1; length += count > 0 ? (size_t)count : 0)
    count = read(file, text + length, TABLE_BYTES - 1 - length);
  close(file);
  text[length] = 0;
  return text;
}

static bool is_at_or_below(const char *path, const char *upper) {
  size_t length = strlen(upper);
  return strncmp(path, upper, length) == 0 && (path[length] == 0 || path[length] == '/');
}

// The machine's other mounts: a fresh tmpfs for each tmpfs, a read-only bind for the rest. What the sandbox makes anew
// is left out, and what is covered as well.
static void carry_mounts(char *text, const char *root, const char *place) {
  char *next = NULL;
  for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
    char *fields[40], *rest = NULL;
    int count = 0, separator = 0;
    for (char *field = strtok_r(line, " ", &rest); field && count < 40; field = strtok_r(NULL, " ", &rest)) {
      if (!separator && count > 5 && strcmp(field, "-") == 0) separator = count;
      fields[count++] = field;
    }
    if (!separator || separator + 1 >= count) continue;
    const char *mountpoint = fields[4], *type = fields[separator + 1];
    // Names with blanks are escaped; they are not carried over.
    if (strcmp(mountpoint, "/") == 0 || strchr(mountpoint, '\\')) continue;
    if (is_at_or_below(mountpoint, "/proc") || is_at_or_below(mountpoint, "/sys") ||
        is_at_or_below(mountpoint, "/dev") || is_at_or_below(mountpoint, place))
      continue;
    char target[4096 + 64];
    snprintf(target, sizeof target, "%s%s", root, mountpoint);
    if (strcmp(type, "tmpfs") == 0 && strncmp(fields[5], "ro", 2) != 0) {
      (void)!mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m");
      continue;
    }
    if (mount(mountpoint, target, NULL, MS_BIND, NULL) == 0)
      (void)!mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
  }
}

static int make_devices(const char *root) {
  static const struct {
    const char *name;
    unsigned major, minor;
  } nodes[] = {{"null", 1, 3}, {"zero", 1, 5},    {"full", 1, 7}, {"random", 1, 8},
               {"urandom", 1, 9}, {"tty", 5, 0}, {"fuse", 10, 229}};
  static const char *const links[][2] = {{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"},
                                         {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
                                         {"pts/ptmx", "ptmx"}};
  char path[512];
  snprintf(path, sizeof path, "%s/dev", root);
  if (mount("dev", path, "tmpfs", MS_NOSUID, "size=16m,mode=755") < 0) return errno;
  for (unsigned i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
    snprintf(path, sizeof path, "%s/dev/%s", root, nodes[i].name);
    if (mknod(path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0) return errno;
    chmod(path, 0666);
  }
  for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++) {
    snprintf(path, sizeof path, "%s/dev/%s", root, links[i][1]);
    if (symlink(links[i][0], path) < 0) return errno;
  }
  snprintf(path, sizeof path, "%s/dev/pts", root);
  if (mkdir(path, 0755) < 0) return errno;
  if (mount("devpts", path, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620") < 0) return errno;
  snprintf(path, sizeof path, "%s/dev/shm", root);
  if (mkdir(path, 01777) < 0) return errno;
  return mount("shm", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m") < 0 ? errno : 0;
}

// The machine's files are below an overlay: the program sees them, and what it writes goes to a tmpfs.
static void make_root(int control, uint64_t bytes) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) refuse(control, NSS_RECORD_PRIVATE, errno);
  char *table = own_table();
  static const char *const places[] = {"/tmp", "/run", "/mnt", "/usr"};
  char options[128];
  snprintf(options, sizeof options, "size=%llu,mode=755", (unsigned long long)bytes);
  const char *place = NULL;
  for (unsigned i = 0; i < sizeof places / sizeof places[0] && !place; i++)
    if (mount("nsstorm", places[i], "tmpfs", 0, options) == 0) place = places[i];
  if (!place) refuse(control, NSS_RECORD_TMPFS, errno);
  char root[64], upper[64], work[64], layers[256];
  snprintf(root, sizeof root, "%s/root", place);
  snprintf(upper, sizeof upper, "%s/upper", place);
  snprintf(work, sizeof work, "%s/work", place);
  if (mkdir(root, 0755) < 0 || mkdir(upper, 0755) < 0 || mkdir(work, 0755) < 0)
    refuse(control, NSS_RECORD_TMPFS, errno);
  snprintf(layers, sizeof layers, "lowerdir=/,upperdir=%s,workdir=%s", upper, work);
  if (mount("overlay", root, "overlay", 0, layers) < 0) refuse(control, NSS_RECORD_OVERLAY, errno);
  if (table) carry_mounts(table, root, place);
  int error = make_devices(root);
  if (error) refuse(control, NSS_RECORD_DEVICES, error);
  char path[128];
  snprintf(path, sizeof path, "%s/proc", root);
  if (mount("proc", path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) refuse(control, NSS_RECORD_PROC, errno);
  snprintf(path, sizeof path, "%s/sys", root);
  if (mount("sysfs", path, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
    refuse(control, NSS_RECORD_PROC, errno);
  if (chdir(root) < 0) refuse(control, NSS_RECORD_PIVOT, errno);
  error = -nss_pivot_root(".", ".");
  if (error) refuse(control, NSS_RECORD_PIVOT, error);
  if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) refuse(control, NSS_RECORD_PIVOT, errno);
}

// MARK: the program

static int install_filter(const uint32_t *watched, uint32_t count) {
  // Foreign interfaces stop too: the tracer refuses them by name.
  uint32_t length = count + 11, at = 0;
  struct sock_filter *filter = calloc(length, sizeof *filter);
  if (!filter) return ENOMEM;
  uint32_t trace = length - 1;
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
  filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  // Mappings without a file are many and hold nothing.
  filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4]));
  filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)-1, 0, 1);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  for (uint32_t i = 0; i < count; i++, at++)
    filter[at] = (struct sock_filter)BPF_JUMP(
      BPF_JMP | BPF_JEQ | BPF_K, watched[i], (uint8_t)(trace - at - 1), 0);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog program = {.len = (unsigned short)at, .filter = filter};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? errno : 0;
}

// What would reach beyond the sandbox: kernel modules, the clock, the machine's end, disks.
static void drop_rights(void) {
  static const int dropped[] = {CAP_SYS_MODULE, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_SYS_RAWIO,
                                CAP_MKNOD,      CAP_WAKE_ALARM, CAP_SYS_PACCT};
  for (unsigned i = 0; i < sizeof dropped / sizeof dropped[0]; i++) prctl(PR_CAPBSET_DROP, dropped[i], 0, 0, 0);
}

static _Noreturn void run_program(int control, const struct nss_record_request *request) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (chdir(request->directory) < 0 && chdir("/") < 0) _exit(127);
  // The message carries this process's number as the receiver's PID namespace has it.
  struct report ready = {NSS_RECORD_NONE, 0};
  nss_send(control, &ready, sizeof ready, NULL, 0);
  char go;
  if (read(control, &go, 1) != 1) _exit(127);
  fcntl(control, F_SETFD, FD_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  drop_rights();
  int error = install_filter(request->watched, request->watched_count);
  if (!error) {
    execvp(request->arguments[0], (char *const *)(uintptr_t)request->arguments);
    error = errno;
  }
  struct report failed = {NSS_RECORD_PROGRAM, error};
  nss_send(control, &failed, sizeof failed, NULL, 0);
  _exit(127);
}

static _Noreturn void run_init(int control, const struct nss_record_request *request) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  prctl(PR_SET_NAME, "nss-record", 0, 0, 0);
  nss_close_all_but(control, -1, -1);
  make_root(control, request->root_bytes);
  (void)!sethostname("nsstorm", 7);
  long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) run_program(control, request);
  if (pid < 0) refuse(control, NSS_RECORD_PROGRAM, errno);
  close(control);
  for (int descriptor = 0; descriptor < 3; descriptor++) close(descriptor);
  for (;;) {
    int status;
    pid_t gone = waitpid(-1, &status, 0);
    if (gone < 0 && errno == ECHILD) _exit(0);
  }
}

// One report with the sender's process number; the number, or -errno.
static int receive_report(int control, struct report *report) {
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(struct ucred))];
  } space;
  struct iovec part = {report, sizeof *report};
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
  ssize_t received;
  do received = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  if (received != sizeof *report) return -EPIPE;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (!head || head->cmsg_type != SCM_CREDENTIALS) return -EPROTO;
  struct ucred sender;
  memcpy(&sender, CMSG_DATA(head), sizeof sender);
  return sender.pid;
}

int nss_record_start(
  const struct nss_record_request *request, struct nss_record_started *started, int32_t *step) {
  int ends[2];
  *step = NSS_RECORD_NAMESPACES;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  int yes = 1;
  setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD;
  long init = syscall(SYS_clone, flags, 0, 0, 0, 0);
  if (init == 0) run_init(ends[1], request);
  int error = init < 0 ? errno : 0;
  close(ends[1]);
  if (error) {
    close(ends[0]);
    return -error;
  }
  struct report report;
  int program = receive_report(ends[0], &report);
  if (program <= 0 || report.step != NSS_RECORD_NONE) {
    *step = program <= 0 ? NSS_RECORD_PROGRAM : report.step;
    close(ends[0]);
    kill((pid_t)init, SIGKILL);
    waitpid((pid_t)init, NULL, 0);
    return program <= 0 ? program : -report.error;
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, program, 0, options) < 0) {
    error = errno;
    *step = NSS_RECORD_SEIZE;
    close(ends[0]);
    kill((pid_t)init, SIGKILL);
    waitpid((pid_t)init, NULL, 0);
    return -error;
  }
  *started = (struct nss_record_started){(int32_t)init, program, ends[0]};
  *step = NSS_RECORD_NONE;
  return 0;
}

int nss_record_go(const struct nss_record_started *started) {
  return write(started->control, "g", 1) == 1 ? 0 : -errno;
}

int nss_record_exec_error(const struct nss_record_started *started) {
  struct report report;
  fcntl(started->control, F_SETFL, O_NONBLOCK);
  int sender = receive_report(started->control, &report);
  return sender > 0 && report.step == NSS_RECORD_PROGRAM ? report.error : 0;
}

// MARK: ptrace

static void waited_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGCHLD);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
}

void nss_trace_prepare(void) {
  sigset_t set;
  waited_signals(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

static int classify(int task, int status, struct nss_trace_stop *stop) {
  stop->task = task;
  stop->detail = 0;
  if (!WIFSTOPPED(status)) {
    stop->what = NSS_TRACE_ENDED;
    stop->detail = (uint64_t)(uint32_t)status;
    return 0;
  }
  int signal = WSTOPSIG(status), event = status >> 16;
  unsigned long message = 0;
  switch (event) {
    case PTRACE_EVENT_SECCOMP: stop->what = NSS_TRACE_CALL; return 0;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: stop->what = NSS_TRACE_CHILD; break;
    case PTRACE_EVENT_EXEC: stop->what = NSS_TRACE_EXECUTED; break;
    case PTRACE_EVENT_EXIT: stop->what = NSS_TRACE_ENDING; return 0;
    case PTRACE_EVENT_STOP:
      stop->what = signal == SIGTRAP || signal == SIGSTOP ? NSS_TRACE_STARTED : NSS_TRACE_STOPPED;
      return 0;
    default:
      if (signal == (SIGTRAP | 0x80)) {
        stop->what = NSS_TRACE_ANSWER;
      } else {
        stop->what = NSS_TRACE_DELIVERY;
        stop->detail = (uint64_t)signal;
      }
      return 0;
  }
  ptrace(PTRACE_GETEVENTMSG, task, 0, &message);
  stop->detail = message;
  return 0;
}

int nss_trace_next(int32_t milliseconds, struct nss_trace_stop *stop) {
  sigset_t set;
  waited_signals(&set);
  for (;;) {
    int status;
    pid_t task = waitpid(-1, &status, WNOHANG | __WALL);
    if (task > 0) return classify(task, status, stop);
    if (task < 0 && errno == ECHILD) {
      *stop = (struct nss_trace_stop){0, NSS_TRACE_GONE, 0};
      return 0;
    }
    if (task < 0 && errno != EINTR) return -errno;
    struct timespec limit = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    int signal = sigtimedwait(&set, NULL, &limit);
    if (signal == SIGINT || signal == SIGTERM) {
      *stop = (struct nss_trace_stop){0, NSS_TRACE_SIGNAL, (uint64_t)signal};
      return 0;
    }
    if (signal < 0 && errno == EAGAIN) {
      *stop = (struct nss_trace_stop){0, NSS_TRACE_NOTHING, 0};
      return 0;
    }
  }
}

static int registers_of(int32_t task, struct user_regs_struct *registers, uint64_t *length) {
  struct iovec part = {registers, sizeof *registers};
  if (ptrace(PTRACE_GETREGSET, task, NT_PRSTATUS, &part) < 0) return -errno;
  *length = part.iov_len;
  return 0;
}

int nss_trace_registers(int32_t task, struct nss_registers *registers) {
  struct user_regs_struct raw;
  uint64_t length = 0;
  int error = registers_of(task, &raw, &length);
  if (error) return error;
  *registers = (struct nss_registers){
    .number = (int64_t)raw.orig_rax,
    .arguments = {raw.rdi, raw.rsi, raw.rdx, raw.r10, raw.r8, raw.r9},
    .result = (int64_t)raw.rax,
    // The code segment of 64-bit programs.
    .is_native = length == sizeof raw && raw.cs == 0x33 && !(raw.orig_rax & 0x40000000),
  };
  return 0;
}

int nss_trace_continue(int32_t task, int32_t to_answer, int32_t signal) {
  long request = to_answer ? PTRACE_SYSCALL : PTRACE_CONT;
  return ptrace((enum __ptrace_request)request, task, 0, (unsigned long)signal) < 0 ? -errno : 0;
}

int nss_trace_listen(int32_t task) {
  return ptrace(PTRACE_LISTEN, task, 0, 0) < 0 ? -errno : 0;
}

static int store(int32_t task, const struct user_regs_struct *registers) {
  struct iovec part = {(void *)(uintptr_t)registers, sizeof *registers};
  return ptrace(PTRACE_SETREGSET, task, NT_PRSTATUS, &part) < 0 ? -errno : 0;
}

int nss_trace_skip(int32_t task) {
  struct user_regs_struct raw;
  uint64_t length = 0;
  int error = registers_of(task, &raw, &length);
  if (error) return error;
  raw.orig_rax = (unsigned long long)-1;
  return store(task, &raw);
}

int nss_trace_answer(int32_t task, int64_t result) {
  struct user_regs_struct raw;
  uint64_t length = 0;
  int error = registers_of(task, &raw, &length);
  if (error) return error;
  raw.rax = (unsigned long long)result;
  return store(task, &raw);
}

int64_t nss_trace_read(int32_t task, uint64_t address, void *to, uint64_t bytes) {
  struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)address, bytes};
  ssize_t count = process_vm_readv(task, &here, 1, &there, 1, 0);
  return count < 0 ? -errno : count;
}
