import CMount
import Foundation
import Glibc
import StormKernel

/// The first process of a guest: makes a usable machine, runs one command, tells the host everything, ends the
/// machine.
public enum GuestAgent {
  private static let line = "/dev/vport0p1"
  private static let traceLine = "/dev/vport0p2"
  private static let fallbackLine = "/dev/ttyS1"
  private static let traceFile = "/run/trace.jsonl"

  /// Whether this process is the first of a guest that ``GuestImage`` was made for.
  ///
  /// Asked before arguments are parsed: Swift reads them from `/proc`, which nobody but this agent could have mounted.
  public static var isDue: Bool {
    getpid() == 1 && access(GuestJob.path, R_OK) == 0 && access("/proc/self", F_OK) != 0
  }

  /// Whether this process runs in a guest of nsstorm's own, whose first process is the agent.
  public static var isInGuest: Bool {
    func program(_ process: String) -> String? {
      var path = [CChar](repeating: 0, count: 4_096)
      let length = readlink("/proc/\(process)/exe", &path, path.count)
      return length > 0
        ? String(decoding: path[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
    let own = program("self")
    return getpid() != 1 && own != nil && own == program("1")
  }

  /// Does the job of ``GuestJob/path`` and ends the machine.
  public static func run() -> Never {
    let mountProblems = mountBasics()
    let job = readJob()
    let moduleProblems = (job?.modules ?? []).compactMap(load)
    guard let channel = AgentChannel.open([line, fallbackLine]) else {
      print("nsstorm agent: the guest has no line to the host")
      powerOff()
    }
    channel.send(AgentFrame(.hello, text: hello()))
    for problem in mountProblems + moduleProblems {
      channel.send(AgentFrame(.problem, text: problem))
    }
    if let job {
      perform(job, channel)
    } else {
      channel.send(AgentFrame(.problem, text: "\(GuestJob.path) is missing or damaged"))
    }
    channel.drain()
    powerOff()
  }

  private static func powerOff() -> Never {
    _ = nss_power_off()
    while true { sleep(1) }
  }

  private static func mountBasics() -> [String] {
    var problems: [String] = []
    func mount(_ type: String, _ place: String) {
      if Glibc.mount(type, place, type, 0, nil) != 0 {
        problems.append("could not mount \(type): \(String(cString: strerror(errno)))")
      }
    }
    mkdir("/root-mount", 0o755)
    let left = nss_leave_first_root("/root-mount")
    if left != 0 {
      problems.append("could not leave the first root: \(String(cString: strerror(-left)))")
    }
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("devtmpfs", "/dev")
    mount("tmpfs", "/tmp")
    mount("tmpfs", "/run")
    return problems
  }

  private static func readJob() -> GuestJob? {
    FileManager.default.contents(atPath: GuestJob.path).flatMap {
      try? JSONDecoder().decode(GuestJob.self, from: $0)
    }
  }

  private static func load(_ module: String) -> String? {
    let file = open(module, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "\(module) is missing" }
    defer { close(file) }
    let result = nss_load_module(file)
    guard result != 0, result != -EEXIST else { return nil }
    return "could not load \(module): \(String(cString: strerror(-result)))"
  }

  private static func hello() -> String {
    let kernel = RunningKernel.ofThisMachine()
    return "\(kernel.release)\n\(kernel.build)"
  }

  private static func perform(_ job: GuestJob, _ channel: AgentChannel) {
    let hasTraceLine = access(traceLine, W_OK) == 0
    let trace = hasTraceLine ? traceLine : traceFile
    let arguments = job.arguments.map {
      switch $0 {
      case GuestJob.tracePlaceholder: trace
      case GuestJob.resultPlaceholder: GuestJob.result
      default: $0
      }
    }
    do throws(FleetError) {
      try perform(arguments, channel)
    } catch {
      channel.send(AgentFrame(.problem, text: error.description))
    }
    if !hasTraceLine, let data = FileManager.default.contents(atPath: trace) {
      channel.send(.trace, Array(data))
    }
    if let data = FileManager.default.contents(atPath: GuestJob.result) {
      channel.send(.result, Array(data))
    }
  }

  private static func perform(_ arguments: [String], _ channel: AgentChannel) throws(FleetError) {
    var output = try Pipe()
    var errors = try Pipe()
    var process = try HostProcess.start(
      GuestJob.program, arguments,
      environment: [
        "PATH=/bin", "HOME=/root", "TMPDIR=/tmp", "NO_COLOR=1", "NSSTORM_GUEST=1", "LC_ALL=C.UTF-8",
        "NSSTORM_PROFILES=\(GuestJob.profiles)",
      ],
      descriptors: [(1, output.writing), (2, errors.writing)])
    output.closeWriting()
    errors.closeWriting()
    var nextHeartbeat = MonotonicClock.now
    var end: HostProcess.End?
    var silentRounds = 0
    // Processes that outlive the command may keep the pipes open; what comes within a second is still taken.
    var fall = GuestFall.asked
    while end == nil || (silentRounds < 5 && !(output.isAtEnd && errors.isAtEnd)) {
      fall?.happenIfDue(to: process.identifier)
      if MonotonicClock.now >= nextHeartbeat {
        channel.send(AgentFrame(.heartbeat))
        nextHeartbeat = MonotonicClock.now + 1
      }
      var entries = [
        pollfd(fd: output.isAtEnd ? -1 : output.reading, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errors.isAtEnd ? -1 : errors.reading, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&entries, nfds_t(entries.count), end == nil ? 50 : 200)
      if entries[0].revents != 0 {
        output.take()
        channel.send(.output, output.drain())
      }
      if entries[1].revents != 0 {
        errors.take()
        channel.send(.errors, errors.drain())
      }
      if end == nil { end = process.poll() } else if ready <= 0 { silentRounds += 1 }
      reapOrphans(but: process.identifier)
    }
    switch end {
    case .exit(let code): channel.send(AgentFrame(.ended, text: "exit \(code)"))
    case .signal(let number): channel.send(AgentFrame(.ended, text: "signal \(number)"))
    case nil: break
    }
  }

  // The first process inherits all others. Whose end is waited for elsewhere is left alone.
  private static func reapOrphans(but kept: pid_t) {
    while true {
      var information = siginfo_t()
      guard waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 else { return }
      let identifier = information._sifields._sigchld.si_pid
      guard identifier > 0, identifier != kept else { return }
      waitpid(identifier, nil, WNOHANG)
    }
  }
}
