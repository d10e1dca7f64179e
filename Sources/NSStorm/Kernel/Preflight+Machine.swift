import Glibc
import StormVocabulary

extension Preflight {
  static func limits() -> [Fact] {
    let wanted: [(path: String, topic: String, enough: Int, advice: String)] = [
      (
        "/proc/sys/fs/mount-max", "mounts in one namespace", 100_000,
        "sysctl fs.mount-max=100000; below it, profiles with more mounts meet ENOSPC"
      ),
      (
        "/proc/sys/user/max_mnt_namespaces", "mount namespaces", 1_100,
        "sysctl user.max_mnt_namespaces=10000"
      ),
      (
        "/proc/sys/user/max_pid_namespaces", "PID namespaces", 4,
        "sysctl user.max_pid_namespaces=1000"
      ),
      (
        "/proc/sys/user/max_user_namespaces", "user namespaces", 64,
        "sysctl user.max_user_namespaces=10000; without them, storms with user namespaces are skipped"
      ),
      ("/proc/sys/kernel/pid_max", "process numbers", 4_096, "sysctl kernel.pid_max=32768"),
      ("/proc/sys/kernel/threads-max", "threads", 4_096, "sysctl kernel.threads-max=32768"),
    ]
    return wanted.map { path, topic, enough, advice in
      guard let value = ProcessFile.number(path) else {
        return Fact(topic, .limited, "\(path) cannot be read")
      }
      if value >= enough { return Fact(topic, .good, "up to \(value)") }
      let isEssential =
        value == 0 && (path.hasSuffix("mnt_namespaces") || path.hasSuffix("pid_namespaces"))
      return Fact(
        topic, isEssential ? .missing : .limited, "only \(value) (\(path)), \(enough) are wanted",
        advice: advice)
    }
  }

  static func rootPropagation() -> Fact {
    do throws(SandboxError) {
      let table = try MountTable(libmountFile: "/proc/self/mountinfo")
      let shared = table.entries.count { $0.sharedGroup != nil }
      let root = table.entries.last { $0.mountpoint == "/" }
      let type = root?.sharedGroup == nil ? "private" : "shared"
      return Fact(
        "propagation", .good,
        "/ is \(type), \(shared) of \(table.entries.count) mounts are shared; "
          + "a sandbox makes its copies private before anything else")
    } catch {
      return Fact("propagation", .limited, error.description, advice: "mount /proc")
    }
  }

  static func kernelLog() -> Fact {
    do throws(SandboxError) {
      _ = try KernelLog()
      return Fact("kernel log", .good, "/dev/kmsg can be watched")
    } catch {
      return Fact(
        "kernel log", .limited, error.description,
        advice: "faults of the kernel would go unseen: run as root, or with CAP_SYSLOG")
    }
  }

  static func taint() -> Fact {
    let taint = KernelTaint.current
    guard taint.isDisjoint(with: .faults) else {
      return Fact(
        "kernel health", .limited, "the kernel is tainted by an earlier fault (\(taint))",
        advice: "reboot before a result is reported: what follows a fault proves little")
    }
    return Fact(
      "kernel health", .good, taint.isEmpty ? "not tainted" : "tainted (\(taint)), no fault")
  }

  static func hangStacks() -> Fact {
    guard ProcessFile.text("/proc/self/stack")?.isEmpty == false else {
      return Fact(
        "hang reports", .limited, "/proc/PID/stack cannot be read",
        advice: "run as root on a kernel with CONFIG_STACKTRACE; hangs are reported without a stack"
      )
    }
    return Fact("hang reports", .good, "kernel stacks of hung processes can be read")
  }

  static func fileSystems() -> [Fact] {
    let known = ProcessFile.text("/proc/filesystems") ?? ""
    let names = Set(known.split(separator: "\n").compactMap { $0.split(separator: "\t").last })
    var present = ["tmpfs", "ext4", "xfs", "overlay", "fuse"].filter { names.contains($0[...]) }
    var absent = ["ext4", "xfs", "overlay", "fuse"].filter { !names.contains($0[...]) }
    for (path, name) in [("/dev/loop-control", "loop devices"), ("/dev/fuse", "/dev/fuse")] {
      if access(path, F_OK) == 0 { present.append(name) } else { absent.append(name) }
    }
    var facts = [Fact("file systems", .good, present.joined(separator: ", "))]
    if !absent.isEmpty {
      facts.append(
        Fact(
          "file systems", .limited,
          "no \(absent.joined(separator: ", ")): storms on them are skipped by name",
          advice: "load the modules, if this kernel has them"))
    }
    return facts
  }

  static func processors() -> Fact {
    let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    let pages = sysconf(Int32(_SC_PHYS_PAGES)) * (sysconf(Int32(_SC_PAGESIZE)) / 1024)
    let gibibytes = Double(pages) / 1_048_576
    let size = "\(count) CPUs, \((gibibytes * 10).rounded() / 10) GiB"
    return count > 1
      ? Fact("machine", .good, size)
      : Fact("machine", .limited, size, advice: "calls hardly race on one CPU: use two or more")
  }
}
