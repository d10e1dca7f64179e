#include "nss_capability.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

static const struct nss_capability kept[] = {
  {CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
   "mount, umount2, pivot_root, unshare and setns; /proc/PID/stack of a hung worker"},
  {CAP_SYS_CHROOT, "CAP_SYS_CHROOT", "chroot, and setns to a mount namespace"},
  {CAP_SETFCAP, "CAP_SETFCAP", "a user namespace whose root is mapped to root (5.12 and later)"},
  {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
   "directories of any owner in the sandbox; result files where the user asked for them"},
  {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "paths through directories of any owner"},
  {CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
   "stack, wait channel and memory account of workers that live in user namespaces"},
  {CAP_SYS_NICE, "CAP_SYS_NICE", "workers with priorities of their own"},
  {CAP_SYSLOG, "CAP_SYSLOG", "/dev/kmsg where dmesg_restrict is set"},
};

static const int kept_count = sizeof kept / sizeof kept[0];

const struct nss_capability *nss_kept_capabilities(int32_t *count) {
  *count = kept_count;
  return kept;
}

static bool is_kept(int number) {
  for (int i = 0; i < kept_count; i++)
    if (kept[i].number == number) return true;
  return false;
}

int nss_drop_capabilities(void) {
  cap_t current = cap_get_proc();
  if (!current) return -errno;
  int result = 0;
  // Without CAP_SETPCAP the bounding set stays as it is: it only matters to exec, which no_new_privs tames.
  for (int number = 0; number <= cap_max_bits(); number++)
    if (!is_kept(number) && cap_get_bound(number) > 0) cap_drop_bound(number);
  cap_t wanted = cap_init();
  if (!wanted) {
    result = -errno;
    cap_free(current);
    return result;
  }
  for (int i = 0; i < kept_count; i++) {
    cap_value_t number = kept[i].number;
    cap_flag_value_t permitted = CAP_CLEAR;
    if (cap_get_flag(current, number, CAP_PERMITTED, &permitted) < 0 || permitted == CAP_CLEAR)
      continue;
    cap_set_flag(wanted, CAP_PERMITTED, 1, &number, CAP_SET);
    cap_set_flag(wanted, CAP_EFFECTIVE, 1, &number, CAP_SET);
  }
  if (cap_set_proc(wanted) < 0) result = -errno;
  cap_free(wanted);
  cap_free(current);
  if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) result = -errno;
  return result;
}

bool nss_has_capability(int32_t number) {
  cap_t current = cap_get_proc();
  if (!current) return false;
  cap_flag_value_t effective = CAP_CLEAR;
  int result = cap_get_flag(current, number, CAP_EFFECTIVE, &effective);
  cap_free(current);
  return result == 0 && effective == CAP_SET;
}
