# Shared by ci/storm and ci/test: installs what is missing and says so; asks for nothing.
# Works without a network when everything is there.

say() { printf '%s\n' "$*" >&2; }

# Exit codes as the README documents them.
readonly EXIT_HARNESS_FAILED=70
readonly EXIT_NOT_PERMITTED=77

require_root() {
  local capabilities sys_admin=21
  capabilities=$((16#$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)))
  if ((!(capabilities >> sys_admin & 1))); then
    say "$1 needs root: it makes mount namespaces (CAP_SYS_ADMIN is missing)."
    say "Type: sudo $2"
    exit "$EXIT_NOT_PERMITTED"
  fi
}

require_swift() {
  if ! command -v swift >/dev/null; then
    say "Swift 6.3 or newer is missing from PATH; see https://www.swift.org/install/linux/"
    exit "$EXIT_NOT_PERMITTED"
  fi
}

# package:a file that it provides
readonly NEEDED=(
  libcap-dev:/usr/include/sys/capability.h
  libmount-dev:/usr/include/libmount/libmount.h
  libsqlite3-dev:/usr/include/sqlite3.h
)

# What only tests use: judges of what nsstorm writes, a browser, mkfs for real file systems, and programs that are watched.
readonly NEEDED_FOR_TESTS=(
  libxml2-utils:/usr/bin/xmllint
  sqlite3:/usr/bin/sqlite3
  e2fsprogs:/usr/sbin/mkfs.ext4
  xfsprogs:/usr/sbin/mkfs.xfs
  binutils:/usr/bin/addr2line
  chromium:/usr/bin/chromium
  bubblewrap:/usr/bin/bwrap
  runc:/usr/sbin/runc
  busybox-static:/bin/busybox
  strace:/usr/bin/strace
  qemu-system-x86:/usr/bin/qemu-system-x86_64
  xz-utils:/usr/bin/xz
  git:/usr/bin/git
)

# install_missing [package:file …]: what the build needs, and what is named.
install_missing() {
  local need missing=()
  for need in "${NEEDED[@]}" "$@"; do
    [[ -e ${need#*:} ]] || missing+=("${need%%:*}")
  done
  ((${#missing[@]} == 0)) && return 0
  if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    say "Missing: ${missing[*]}. Install them (Debian: apt-get install ${missing[*]}) and try again."
    exit "$EXIT_NOT_PERMITTED"
  fi
  say "Missing: ${missing[*]}. Installing through apt."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2 || say "apt-get update failed; trying with the package lists that are there."
  if ! apt-get install -y -q --no-install-recommends "${missing[@]}" >&2; then
    say "apt-get could not install ${missing[*]}."
    exit "$EXIT_HARNESS_FAILED"
  fi
}

# The tests hold JSON against its schemas with Python's jsonschema.
install_jsonschema() {
  python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null && return 0
  say "Missing: Python's jsonschema. Installing it."
  python3 -m pip install -q jsonschema >&2 || apt-get install -y -q python3-jsonschema >&2 || {
    say "jsonschema could not be installed."
    exit "$EXIT_HARNESS_FAILED"
  }
}
